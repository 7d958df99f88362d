"""Ways out: what `bridge watch` does with a checked job. Each is done once per answer, and tried again until it is.

At least once: a program or a server that takes a result and dies before it says so gets it again, with the same
idempotency key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bridge.core.text import as_json
from bridge.delivery.outbox import write_outbox
from bridge.delivery.outside import host_of, post_signed, run_program
from bridge.delivery.payload import HandOver

#: A program or a server that says nothing for so long has failed, in seconds.
TIMEOUT_S = 300.0


class Channel(Protocol):
    """One way out."""

    @property
    def name(self) -> str:
        """Names it in the journal, with where it leads."""

    @property
    def at_once(self) -> int:
        """How many results it takes at the same time; above 1, a result that it got already must do no harm."""

    def send(self, what: HandOver, *, key: str, sarif: Mapping[str, object] | None) -> None:
        """Hand a payload over. `key` is the same for every try of the same answer. Raises BridgeError if it failed."""


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Files in a folder."""

    folder: Path
    at_once: int = 16  #: a disk syncs many files in the time of one

    @property
    def name(self) -> str:
        """See Channel."""
        return f"outbox:{self.folder}"

    def send(self, what: HandOver, *, key: str, sarif: Mapping[str, object] | None) -> None:  # noqa: ARG002
        """See Channel."""
        write_outbox(self.folder, what, sarif)


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command of the caller's, without a shell; gets the payload as JSON on standard input."""

    argv: Sequence[str]
    timeout_s: float = TIMEOUT_S
    at_once: int = 1

    @property
    def name(self) -> str:
        """See Channel."""
        return "exec:" + json.dumps(list(self.argv))

    def send(self, what: HandOver, *, key: str, sarif: Mapping[str, object] | None) -> None:  # noqa: ARG002
        """See Channel. The program took it if it ends with 0; BRIDGE_JOB and BRIDGE_KEY are in its environment."""
        environ = {"BRIDGE_JOB": what.job, "BRIDGE_KEY": key}
        data = as_json(what.to_json()).encode()
        run_program(self.argv, data, environ, timeout_s=self.timeout_s, about=f"job {what.job}")


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An HTTP POST of the payload; signed with HMAC-SHA256 if there is a secret."""

    url: str
    secret: str | None = None
    timeout_s: float = 30.0
    at_once: int = 1

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Webhook({self.host})"

    @property
    def host(self) -> str:
        """Where it leads, without what may be a secret: user, path and query."""
        return host_of(self.url)

    @property
    def name(self) -> str:
        """See Channel."""
        return f"webhook:{self.host} {hashlib.sha256(self.url.encode()).hexdigest()[:12]}"

    def send(self, what: HandOver, *, key: str, sarif: Mapping[str, object] | None) -> None:  # noqa: ARG002
        """See Channel. Any 2xx takes it.

        Headers: `Idempotency-Key`, and `X-Bridge-Signature: sha256=<hex of HMAC-SHA256 over the body>`.
        """
        body = as_json(what.to_json()).encode()
        post_signed(self.url, body, key=key, secret=self.secret, timeout_s=self.timeout_s, about=f"job {what.job}")
