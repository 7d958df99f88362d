"""When each model was last used, kept beside the journals, so that `prune` knows what nobody needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.core import files
from bridge.core.result import to_iso

#: A use is written down no more often than this.
EVERY = timedelta(minutes=5)


class ModelUses:
    """{engine and model: when}. Processes may share the file; a use that is lost costs nothing."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path, self._now = path, now
        self._noted: dict[str, datetime] = {}

    def note(self, engine: str, model: str) -> None:
        """It is used now. Never raises: no answer is to fail for that."""
        now, key = self._now(), _key(engine, model)
        if key in self._noted and now - self._noted[key] < EVERY:
            return
        self._noted[key] = now
        written = {name: to_iso(moment) for name, moment in {**self._read(), key: now}.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(self._path, json.dumps(written, indent=1, sort_keys=True).encode())
        except OSError:
            return

    def last(self, engine: str, model: str) -> datetime | None:
        """When it was used; None: never, as far as is known here."""
        return self._read().get(_key(engine, model))

    def _read(self) -> dict[str, datetime]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(key): datetime.fromisoformat(moment) for key, moment in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


def _key(engine: str, model: str) -> str:
    return f"{engine} {model}"
