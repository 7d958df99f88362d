"""Which queue was at which path: so that a queue is still known when its notebook is gone or damaged."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.core import files
from bridge.core.errors import JournalError


class Registry:
    """A small JSON file in the state folder, {path or address on Drive: queue_id}; a damaged one counts as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, place: str) -> str | None:
        """The queue_id that was last seen at a path or address."""
        return self._read().get(place)

    def places(self, queue_id: str) -> list[str]:
        """The paths and addresses where a queue was seen, one after the other as they came."""
        return [place for place, known in self._read().items() if known == queue_id]

    def put(self, place: str, queue_id: str) -> None:
        """Remember a queue. Raises JournalError if the state folder cannot be written."""
        known = {**self._read(), place: queue_id}
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(self._file, json.dumps(known, indent=1).encode(), mode=0o600)
        except OSError as error:
            raise JournalError(
                f"cannot write {self._file}: {error.strerror}; set BRIDGE_STATE_DIR to a folder that you may write"
            ) from error

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
