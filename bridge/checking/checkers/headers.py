"""Standard headers that g++ has read before: what takes a second for each text takes a twentieth of it then.

A header file that includes what a text includes is compiled ahead (https://gcc.gnu.org/onlinedocs/gcc/Precompiled-Headers.html),
in a sandbox of its own, from our own words alone; a text can only read it. It is made when a text asks for the same
headers a second time. For `bits/stdc++.h` a smaller set is prepared, which a text gets only if none of its words is a name
that the other headers offer; and what is not clean with it is asked again without it. So the answer is that of g++ alone.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.checking.checkers.header_names import CORE, EVERYTHING, Includes, offered, words
from bridge.sandbox.confinement import Confinement
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ResourceLimits

_LIMITS = ResourceLimits(wall_s=60, cpu_s=30, memory_mb=2048, file_mb=512, output_bytes=32_000_000)
#: Asked for so often before it is prepared: that takes three times as long as a text.
_ASKED = 2
#: Sets of headers that are prepared at most; each has up to 130 MB on disk.
_AT_MOST = 4


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Headers that are read."""

    file: Path  #: to be included first
    clashes: frozenset[str] = frozenset()  #: a text with any of these words must be read with all headers


class Headers:
    """The prepared headers of one compiler and its options; may be shared by threads.

    Args:
        within: what the compiler is confined by.
    """

    def __init__(self, *, within: Confinement) -> None:
        self._within = within
        self._asked: Counter[frozenset[str]] = Counter()
        self._made: dict[frozenset[str], Prepared | None] = {}
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ready(self, program: str, options: Sequence[str], wanted: Includes) -> Prepared | None:
        """Prepared headers that say the same of a text as the ones it includes; None: there are none (yet)."""
        if not self._lock.acquire(blocking=False):
            return None  # they are being made: do not wait
        try:
            self._asked[wanted.names] += 1
            if wanted.names not in self._made and self._asked[wanted.names] >= _ASKED and len(self._made) < _AT_MOST:
                self._made[wanted.names] = self._make(program, options, wanted.names)
            prepared = self._made.get(wanted.names)
        finally:
            self._lock.release()
        return prepared if prepared and not prepared.clashes & words(wanted.rest) else None

    def _make(self, program: str, options: Sequence[str], names: frozenset[str]) -> Prepared | None:
        chosen = names - {EVERYTHING} | CORE if EVERYTHING in names else names
        with Sandbox(within=self._within, budget_s=3 * _LIMITS.wall_s) as box:
            own = box.settings("headers.h", _text(chosen))
            made = box.home / "headers.h.gch"
            ran = box.run([program, *options, "-x", "c++-header", str(own), "-o", str(made)], limits=_LIMITS)
            if ran.failure or ran.code != 0 or not made.is_file():
                return None
            clashes: frozenset[str] = frozenset()
            if chosen != names:
                all_of_them = box.settings("all.h", _text(names))
                more, fewer = (
                    self._names(box, [program, *options, "-x", "c++", "-E", "-dD", str(f)]) for f in (all_of_them, own)
                )
                if not more or not fewer:
                    return None
                clashes = more - fewer
            return Prepared(file=self._keep(own, made), clashes=clashes)

    @staticmethod
    def _names(box: Sandbox, argv: list[str]) -> frozenset[str]:
        ran = box.run(argv, limits=_LIMITS)
        return offered(ran.stdout) if ran.code == 0 and not ran.failure else frozenset()

    def _keep(self, own: Path, made: Path) -> Path:
        folder = self.folder / str(len(self._made))
        folder.mkdir()
        shutil.move(made, folder / made.name)
        return Path(shutil.move(own, folder / own.name))

    @property
    def folder(self) -> Path:
        """Where they lie; a compiler that uses them must be able to read it."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="bridge-headers-", ignore_cleanup_errors=True)
        return Path(self._folder.name).resolve()

    def close(self) -> None:
        """Remove them."""
        with self._lock:
            self._made.clear()
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None


def _text(names: frozenset[str]) -> str:
    return "".join(f"#include <{name}>\n" for name in sorted(names))
