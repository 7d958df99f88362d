"""Targets that a person switched off, until when: one small file in the local state folder, read by every gateway of this user."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import orjson

from bridge.core import files
from bridge.core.result import to_iso
from bridge.router.targets import Targets

#: The variable by which targets of this machine are switched off as a whole.
QWEN_VARIABLE = "QWEN_ENABLED"


class Switches:
    """The file. Reading is cheap: it is parsed only when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._until: dict[str, datetime | None] = {}

    def off(self, now: datetime) -> Mapping[str, datetime | None]:
        """{target: until when; None: until it is switched on}."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._stamp:
                self._until, self._stamp = _read(self._path.read_bytes()), stamp
        except OSError:
            self._until, self._stamp = {}, None
        return {name: until for name, until in self._until.items() if until is None or until > now}

    def set_off(self, name: str, *, until: datetime | None, now: datetime) -> None:
        """Switch a target off."""
        self._write({**self.off(now), name: until})

    def set_on(self, name: str, *, now: datetime) -> bool:
        """Switch it on; gives whether it was off."""
        left = dict(self.off(now))
        was_off = name in left
        left.pop(name, None)
        self._write(left)
        return was_off

    def _write(self, until: Mapping[str, datetime | None]) -> None:
        files.keep_private(self._path.parent)
        with files.atomic(self._path, mode=0o600) as out:
            out.write(orjson.dumps({name: to_iso(at) if at else None for name, at in until.items()}))


def switched_off(targets: Targets, names: Mapping[str, datetime | None], environ: Mapping[str, str]) -> frozenset[str]:
    """All that is off: by hand, and those of this machine where `QWEN_ENABLED` says so."""
    no_qwen = environ.get(QWEN_VARIABLE, "").strip().lower() in ("false", "0", "no", "off")
    local = (name for name, target in targets.known.items() if target.is_local) if no_qwen else ()
    return frozenset((*names, *local))


def _read(data: bytes) -> dict[str, datetime | None]:
    try:
        held = orjson.loads(data)
        return {str(name): datetime.fromisoformat(at) if at else None for name, at in held.items()}
    except (ValueError, TypeError, AttributeError):  # damaged: nobody is off
        return {}
