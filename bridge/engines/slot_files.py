"""The slots of one engine, shared by all processes of this machine: a lock file for each, which dies with its holder.

`bridge serve` and `bridge work` before the same engine never ask it for more at once than it has lanes, and live requests
go before jobs: while one waits, its process holds the file `live.lock`, and whoever wants a slot for a job leaves them alone.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import ConfigError


class SlotFiles:
    """The slots of the engine at one address, as one process sees them. One thread at a time may touch it."""

    def __init__(self, folder: Path, address: str, *, lanes: int) -> None:
        """`folder`: in the local state folder.

        Raises:
            ConfigError: it cannot be made.
        """
        own = folder / hashlib.sha256(address.encode()).hexdigest()[:16]
        try:
            own.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(
                f"cannot make {own}: {error.strerror}; set BRIDGE_STATE_DIR to a folder that you may write"
            ) from error
        self._lanes = [_lock(own / f"lane-{number}.lock") for number in range(lanes)]
        self._live = _lock(own / "live.lock")

    def take(self, *, live: bool) -> FileLock | None:
        """A slot, to be released; None: none is free, or it is for a job and a live request waits."""
        if live:
            return self._take_live()
        if not _taken(self._live):
            return None
        try:
            return self._first_free()
        finally:
            self._live.release()

    def nobody_waits(self) -> None:
        """No live request of this process waits any more."""
        self._live.release()

    def _take_live(self) -> FileLock | None:
        found = self._first_free()
        if found is None:
            _taken(self._live)  # somebody else's mark does as well
        return found

    def _first_free(self) -> FileLock | None:
        return next((lane for lane in self._lanes if not lane.is_locked and _taken(lane)), None)


def _lock(path: Path) -> FileLock:
    return FileLock(path, mode=0o600, thread_local=False)


def _taken(lock: FileLock) -> bool:
    try:
        if not lock.is_locked:  # taken twice, it would have to be released twice
            lock.acquire(blocking=False)
        return True
    except Timeout:
        return False
