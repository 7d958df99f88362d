"""Results on the local disk, because lanes run ahead of the cells that show them: a kernel that dies loses none of them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path

from .grammar import GrammarError, parse_result

#: Seconds after which a result is dropped: by then it stands in the notebook, or nobody wants it.
KEPT_S = 7 * 24 * 3600.0


class Spool:
    """One JSON line for each result: [time, id in the header, digest of the prompt, rendered result]."""

    def __init__(self, path: Path | None, *, now_s: float | None = None) -> None:
        """`path` None: nothing is kept. A file that cannot be used is no error: the run works without."""
        self._path = path
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], str] = {}
        if path is not None:
            with contextlib.suppress(OSError):
                self._load(path, time.time() if now_s is None else now_s)

    def get(self, key: tuple[str, str]) -> str | None:
        """The newest result of a prompt cell's key, if it is here and whole."""
        return self._kept.get(key)

    def put(self, key: tuple[str, str], result: str) -> None:
        """Keep a result; on disk when this returns, if the disk lets us."""
        self._kept[key] = result
        if self._path is None:
            return
        line = json.dumps([time.time(), *key, result]) + "\n"
        with self._lock, contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())

    def _load(self, path: Path, now_s: float) -> None:
        if not path.exists():
            return
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        young = []
        for line in lines:
            try:
                at_s, job, digest, result = json.loads(line)
                record, _ = parse_result(result)
            except (ValueError, TypeError, GrammarError):
                continue  # a line that a crash cut
            if now_s - at_s < KEPT_S and record.get("prompt_sha256") == digest:
                self._kept[job, digest] = result
                young.append(line)
        if len(young) < len(lines):
            fresh = path.with_suffix(".new")
            fresh.write_text("".join(line + "\n" for line in young), encoding="utf-8")
            fresh.chmod(0o600)
            fresh.replace(path)


def spool_path() -> Path | None:
    """BRIDGE_SPOOL, else a file in the user's cache folder; an empty BRIDGE_SPOOL switches it off."""
    named = os.environ.get("BRIDGE_SPOOL")
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "qwen-bridge" / "results.jsonl"
