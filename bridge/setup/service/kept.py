"""A service under our own keeper, seen from outside: its lock says whether it runs, its state file how, its log what it said.

The lock is the proof: the system frees it when the keeper dies, so a pid file that was left behind means nothing, and no
process is ever signalled because of a number in a file. The keeper is asked to end by a file that it looks for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from filelock import FileLock, Timeout

from bridge.core import files
from bridge.core.errors import ServiceFailed
from bridge.setup.service.base import ServiceSpec, ServiceStatus
from bridge.setup.service.log_file import last_lines

#: How long the keeper and its command may take to end, in seconds; longer than the command's own farewell.
STOP_S = 40.0
_LOOK_S = 0.1


@dataclass(frozen=True, kw_only=True)
class KeeperState:
    """What a keeper writes down of itself."""

    keeper: int  #: its process id
    child: int | None = None  #: of the command; None: it does not run at the moment
    restarts: int = 0
    last_exit: int | None = None
    ended: str = ""  #: why it does not run any more; empty: it does, or was killed


def write_state(spec: ServiceSpec, state: KeeperState) -> None:
    """For `status`; only the keeper calls it. Raises OSError."""
    files.write_atomically(spec.file("state"), json.dumps(asdict(state)).encode(), mode=0o600)


def read_state(spec: ServiceSpec) -> KeeperState | None:
    """What the last keeper wrote; None: none did."""
    try:
        return KeeperState(**json.loads(spec.file("state").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def is_kept(spec: ServiceSpec) -> bool:
    """Whether a keeper lives. Takes the lock for an instant if none does, for which a keeper that starts waits."""
    if not spec.file("lock").exists():
        return False
    lock = FileLock(spec.file("lock"), mode=0o600)
    try:
        with lock.acquire(timeout=_LOOK_S, poll_interval=_LOOK_S / 5):
            return False
    except Timeout:
        return True


def kept_status(spec: ServiceSpec) -> ServiceStatus:
    """How the service is."""
    state = read_state(spec)
    if not is_kept(spec):
        detail = "" if state is None else state.ended or "its keeper was killed"
        return ServiceStatus(running=False, last_exit=state.last_exit if state else None, detail=detail)
    if state is None:
        return ServiceStatus(running=False, detail="starting")
    detail = "" if state.child else "waits before it starts again"
    return ServiceStatus(
        running=state.child is not None, pid=state.child, restarts=state.restarts, last_exit=state.last_exit, detail=detail
    )  # fmt: skip


def end_kept(spec: ServiceSpec, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Ask the keeper to end, and wait until it has. Raises ServiceFailed."""
    if not is_kept(spec):
        return
    files.write_atomically(spec.file("stop"), b"", mode=0o600)
    for _ in range(int(STOP_S / _LOOK_S)):
        if not is_kept(spec):
            return
        pause(_LOOK_S)
    state = read_state(spec)
    raise ServiceFailed(
        f"{spec.name} did not end within {STOP_S:.0f} s: end process {state.keeper if state else 'unknown'} yourself"
    )


def kept_logs(spec: ServiceSpec, lines: int) -> str:
    """The last lines of its log."""
    return last_lines(spec.file("log"), lines)


def forget(spec: ServiceSpec) -> None:
    """Delete what a keeper leaves, but for the log."""
    for ending in ("pid", "state", "stop", "lock", "child.lock"):
        with suppress(OSError):
            spec.file(ending).unlink(missing_ok=True)
