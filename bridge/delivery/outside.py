"""Programs and servers of the caller's own: started without a shell, posted to with a signature; each failure is a `NotDelivered`."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import requests

from bridge.core.errors import NotDelivered


def run_program(argv: Sequence[str], data: bytes, environ: Mapping[str, str], *, timeout_s: float, about: str) -> None:
    """Run a command with data on its standard input. `environ` is added to our own; `about`: for messages.

    Raises:
        NotDelivered: it cannot be started, ran too long, or did not end with 0.
    """
    try:
        done = subprocess.run(  # noqa: S603  # the user's own command, as an argument list
            list(argv),
            input=data,
            env={**os.environ, **environ},
            timeout=timeout_s,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    except subprocess.TimeoutExpired:
        raise NotDelivered(f"{argv[0]} did not take {about} within {timeout_s:g} s") from None
    except OSError as error:
        raise NotDelivered(f"{argv[0]} cannot be started: {error.strerror or error}") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
        raise NotDelivered(f"{argv[0]} ended with {done.returncode} for {about}: {last[0][:200]}")


def post_signed(url: str, body: bytes, *, key: str, secret: str | None, timeout_s: float, about: str) -> None:
    """POST a JSON body. Any 2xx takes it.

    Headers: `Idempotency-Key`, and `X-Bridge-Signature: sha256=<hex of HMAC-SHA256 over the body>` if there is a secret.

    Raises:
        NotDelivered: the server cannot be reached, or answers anything else.
    """
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if secret:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Bridge-Signature"] = f"sha256={digest}"
    try:
        reply = requests.post(url, data=body, headers=headers, timeout=timeout_s, allow_redirects=False)
    except requests.RequestException as error:
        raise NotDelivered(f"the webhook did not take {about}: {type(error).__name__}") from None
    if not 200 <= reply.status_code < 300:
        raise NotDelivered(f"the webhook answered {reply.status_code} for {about}")


def host_of(url: str) -> str:
    """Where an address leads, without what may be a secret: user, path and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
