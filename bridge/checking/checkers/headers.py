"""Standard headers that g++ has read before: what takes a second for each text takes a twentieth of it then.

A header file that includes what a text includes is compiled ahead (https://gcc.gnu.org/onlinedocs/gcc/Precompiled-Headers.html),
in a sandbox of its own, from our own words alone; a text can only read it. It is made when a text asks for the same
headers a second time. For `bits/stdc++.h` a smaller set is prepared as well, which g++ is done with twice as fast: a text
gets it only if none of its words is a name that the other headers offer, and what is not clean with it is asked again
with all of them. So the answer is always that of g++ alone.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bridge.checking.header_names import CORE, EVERYTHING, Includes, offered, words
from bridge.core.closing import Closing
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
    exact: bool = True  #: they are all that the text includes: whatever is found with them counts


class _Set(NamedTuple):
    """Headers to prepare, and those that a text includes which gets them."""

    names: frozenset[str]
    of: frozenset[str]


class Headers(Closing):
    """The prepared headers of one compiler and its options; may be shared by threads.

    Args:
        within: what the compiler is confined by.
    """

    def __init__(self, *, within: Confinement) -> None:
        self._within = within
        self._asked: Counter[_Set] = Counter()
        self._made: dict[_Set, Prepared | None] = {}
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ready(self, program: str, options: Sequence[str], wanted: Includes) -> Iterator[Prepared]:
        """What is prepared for a text, the fastest first; nothing if there is nothing (yet)."""
        names = wanted.names
        if EVERYTHING in names:
            few = self._get(program, options, _Set(names - {EVERYTHING} | CORE, names))
            if few and not few.clashes & words(wanted.rest):
                yield few
        exact = self._get(program, options, _Set(names, names))
        if exact:
            yield exact

    def _get(self, program: str, options: Sequence[str], which: _Set) -> Prepared | None:
        if not self._lock.acquire(blocking=False):
            return None  # some are being made: do not wait
        try:
            self._asked[which] += 1
            if which not in self._made and self._asked[which] >= _ASKED and len(self._made) < _AT_MOST:
                self._made[which] = self._make(program, options, which)
            return self._made.get(which)
        finally:
            self._lock.release()

    def _make(self, program: str, options: Sequence[str], which: _Set) -> Prepared | None:
        with Sandbox(within=self._within, budget_s=3 * _LIMITS.wall_s) as box:
            own = box.settings("headers.h", _text(which.names))
            made = box.home / "headers.h.gch"
            ran = box.run([program, *options, "-x", "c++-header", str(own), "-o", str(made)], limits=_LIMITS)
            if ran.failure or ran.code != 0 or not made.is_file():
                return None
            clashes: frozenset[str] = frozenset()
            if which.names != which.of:
                all_of_them = box.settings("all.h", _text(which.of))
                print_names = [program, *options, "-x", "c++", "-E", "-dD"]
                more, fewer = (self._names(box, [*print_names, str(file)]) for file in (all_of_them, own))
                if not more or not fewer:
                    return None
                clashes = more - fewer
            return Prepared(file=self._keep(own, made), clashes=clashes, exact=which.names == which.of)

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
