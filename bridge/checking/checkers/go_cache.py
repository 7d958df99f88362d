"""What Go has compiled of its standard library, so that `go vet` takes 0.2 s of processor time for a text and not 14.

The packages that a text imports are compiled in a sandbox of their own, from a program of ours that only names them; texts
are then checked with that cache, which they can only read. It may be kept: the next process finds what this one compiled.
Go names what it keeps by what it was made from (https://pkg.go.dev/cmd/go#hdr-Build_and_test_caching), so files of two caches mix.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core import files
from bridge.core.closing import Closing
from bridge.sandbox.confinement import Confinement
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ResourceLimits

_LIMITS = ResourceLimits(wall_s=180, cpu_s=120, memory_mb=4096, file_mb=256)
_IMPORTS = re.compile(r"(?ms)^import\s*\((.*?)^\s*\)|^import\s+(?:[\w.]+\s+)?(\"[^\"\n]+\")")
_STANDARD = re.compile(r"[a-z][a-z0-9]*(?:/[a-z0-9]+){0,3}")


def standard_imports(code: str) -> frozenset[str]:
    """The packages that a Go text imports and that can only be of the standard library."""
    named = re.findall(r"\"([^\"\s]+)\"", "\n".join("".join(found) for found in _IMPORTS.findall(code)))
    return frozenset(n for n in named if _STANDARD.fullmatch(n) and not {"internal", "vendor"} & set(n.split("/")))


class GoCache(Closing):
    """The compiled packages; may be shared by threads. A context manager.

    Args:
        within: what Go is confined by.
        kept: a folder of this user's that outlives the process; None: what is compiled goes with it.
    """

    def __init__(self, *, within: Confinement, kept: Path | None = None) -> None:
        self._within, self._kept = within, kept
        self._lock = threading.Lock()
        self._box: Sandbox | None = None
        self._tried: set[str] = set()

    def holding(self, program: str, env: Mapping[str, str], packages: Iterable[str]) -> Path:
        """The folder of the cache, which holds these packages as far as they can be compiled."""
        wanted = set(packages)
        with self._lock:
            kept = self._kept / _version(program) if self._kept else None
            if kept is not None and wanted <= _known(kept):
                return kept / "cache"
            if self._box is None:
                self._box = Sandbox(within=self._within, budget_s=3600)
                (self._box.home / "cache").mkdir()
            cache = self._box.home / "cache"
            if new := sorted(wanted - self._tried):
                self._tried.update(new)
                names = "".join(f'import _ "{name}"\n' for name in new)
                own = self._box.put("names.go", f"package main\n{names}func main() {{}}\n")
                self._box.run([program, "vet", str(own)], limits=_LIMITS, env={**env, "GOCACHE": str(cache)})
                if kept is not None:
                    _keep(cache, kept, self._tried)
            return cache

    def close(self) -> None:
        """Remove the cache, but for what is kept."""
        with self._lock:
            if self._box is not None:
                self._box.close()
                self._box = None
                self._tried.clear()


def _keep(cache: Path, kept: Path, packages: set[str]) -> None:
    """Add what was compiled to the folder that is kept; the list of packages is written last, so that it never says too much."""
    with contextlib.suppress(OSError, Timeout):  # it is a cache: without it, the next process compiles again
        files.keep_private(kept)
        with FileLock(kept / "lock", timeout=10, mode=0o600):
            for file in cache.rglob("*"):
                target = kept / "cache" / file.relative_to(cache)
                if file.is_file() and not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    draft = target.with_name(f".{target.name}.{os.getpid()}")
                    shutil.copyfile(file, draft)
                    draft.replace(target)
            files.write_atomically(kept / "packages", "\n".join(sorted(_known(kept) | packages)).encode())


def _known(kept: Path) -> set[str]:
    """The packages that are kept."""
    try:
        return set((kept / "packages").read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return set()


def _version(program: str) -> str:
    """A name for this very Go: another one would compile everything again, in each text's own time."""
    file = Path(program).resolve()
    return hashlib.sha256(f"{file} {file.stat().st_mtime_ns}".encode()).hexdigest()[:16]
