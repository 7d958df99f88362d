"""What Go has compiled of its standard library, so that `go vet` takes 0.2 s of processor time for a text and not 14.

The packages that a text imports are compiled in a sandbox of their own, from a program of ours that only names them; texts
are then checked with that cache, which they can only read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

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


class GoCache:
    """The compiled packages; may be shared by threads. A context manager.

    Args:
        within: what Go is confined by.
    """

    def __init__(self, *, within: Confinement) -> None:
        self._within = within
        self._lock = threading.Lock()
        self._box: Sandbox | None = None
        self._tried: set[str] = set()

    def holding(self, program: str, env: Mapping[str, str], packages: Iterable[str]) -> Path:
        """The folder of the cache, which holds these packages as far as they can be compiled."""
        with self._lock:
            if self._box is None:
                self._box = Sandbox(within=self._within, budget_s=3600)
                (self._box.home / "cache").mkdir()
            cache = self._box.home / "cache"
            if new := sorted(set(packages) - self._tried):
                self._tried.update(new)
                names = "".join(f'import _ "{name}"\n' for name in new)
                own = self._box.put("names.go", f"package main\n{names}func main() {{}}\n")
                self._box.run([program, "vet", str(own)], limits=_LIMITS, env={**env, "GOCACHE": str(cache)})
            return cache

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the cache."""
        with self._lock:
            if self._box is not None:
                self._box.close()
                self._box = None
                self._tried.clear()
