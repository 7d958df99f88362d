"""The key with which a queue's answers are signed: seen, made anew, brought from another machine, given up.

`bridge init` makes one. It lies in the local state, and goes only where a person takes it: into a Colab secret, or to another machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge import wiring
from bridge.kernel.signing import key_id
from bridge.store import queue_keys


@dataclass(frozen=True, kw_only=True)
class KeyFacts:
    """The keys that this machine has of a queue."""

    queue: str
    ids: tuple[str, ...]  #: newest first; with the first of them answers are signed here
    required: bool  #: answers that none of them signed do not count
    secret: str | None  #: the newest itself; None: there is none

    def __repr__(self) -> str:
        return f"KeyFacts({self.queue}, {', '.join(self.ids)})"  # never the key


def facts(queue: str | None) -> KeyFacts:
    """The keys as they are. Raises what opening the queue raises."""
    shown, home, required = _place(queue)
    keys = queue_keys.stored(home)
    return KeyFacts(queue=shown, ids=tuple(map(key_id, keys)), required=required, secret=keys[0] if keys else None)


def rotate(queue: str | None) -> KeyFacts:
    """Sign with a new key from now on; answers under the older ones still count, until these are forgotten."""
    queue_keys.add(_place(queue)[1], queue_keys.new_key())
    return facts(queue)


def add(queue: str | None, key: str) -> KeyFacts:
    """Sign with a key from another machine. Raises UsageError."""
    queue_keys.add(_place(queue)[1], key.strip())
    return facts(queue)


def forget(queue: str | None, ident: str) -> KeyFacts:
    """Let a key count no longer. Raises UsageError."""
    queue_keys.forget(_place(queue)[1], ident)
    return facts(queue)


def _place(queue: str | None) -> tuple[str, Path, bool]:
    opened = wiring.open_queue(queue, judging=False)
    try:
        return opened.shown, opened.home, opened.settings.trust.require_signed
    finally:
        opened.close()
