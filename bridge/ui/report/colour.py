"""What kind each word of some code is, told by Pygments in a child process under limits.

A child, because some of Pygments' regular expressions take quadratic time on text that a model may well write: 24,000 empty
lines keep its C++ lexer busy for minutes (Pygments 2.21). A piece that takes too long stays without colour, and so does all that
is left when the whole takes too long; nothing else of the report depends on it. The child imports nothing of ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

#: (lexer, code) → the code as runs of one kind each: (class in the style sheet, or "", and length in characters).
Colours = Mapping[tuple[str, str], Sequence[tuple[str, int]]]

#: Longest time for one piece (POSIX only), and for all of a page.
PIECE_S, PAGE_S = 1.0, 60.0
#: Characters of a page that are coloured: colour triples the size.
PAGE_CHARS = 3_000_000

#: Of the environment, what the child needs to find Pygments where this process found it.
_KEPT = ("PATH", "PYTHONPATH", "PYTHONUSERBASE", "HOME", "APPDATA", "SYSTEMROOT")

#: {kind of word: class}; a kind that is not here is that of its parent (https://pygments.org/docs/tokens/).
_COLOURS = {
    "": "", "Comment": "c", "Comment.Preproc": "k", "Keyword": "k", "Keyword.Constant": "m", "Keyword.Type": "t", "Name": "",
    "Name.Function": "f", "Name.Class": "t", "Name.Builtin": "t", "Name.Decorator": "f", "Name.Tag": "k",
    "Name.Attribute": "f", "Name.Exception": "t", "Literal": "m", "Literal.String": "s", "Literal.Number": "m",
    "Generic.Deleted": "d", "Generic.Inserted": "s", "Generic.Heading": "k",
}  # fmt: skip


class Painter:
    """Colours the code of one page, some jobs at a time, as long as there is time, and characters, left for the page."""

    def __init__(self, *, page_s: float = PAGE_S, page_chars: int = PAGE_CHARS) -> None:
        self._left_s, self._left_chars = page_s, page_chars

    def colour(self, pieces: Iterable[tuple[str, str]]) -> Colours:
        """The colours of (lexer, code) pieces, as far as they came in time; nothing once the page has had its share."""
        if self._left_s <= 0 or self._left_chars <= 0:
            return {}
        wanted: list[tuple[str, str]] = []
        for piece in dict.fromkeys(pieces):
            self._left_chars -= len(piece[1])
            if self._left_chars < 0:
                break
            wanted.append(piece)
        began = time.monotonic()
        try:
            return colour(wanted, page_s=self._left_s)
        finally:
            self._left_s -= time.monotonic() - began


def colour(pieces: Iterable[tuple[str, str]], *, page_s: float = PAGE_S) -> Colours:
    """The colours of (lexer, code) pieces, as far as they came in time."""
    from bridge.sandbox import process
    from bridge.sandbox.confinement import confinement

    wanted = list(dict.fromkeys(pieces))
    if not wanted:
        return {}
    limits = process.ResourceLimits(wall_s=page_s, cpu_s=int(page_s) + 1, memory_mb=2048, output_bytes=40 * PAGE_CHARS)
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with tempfile.TemporaryFile() as request:
        request.write(json.dumps(wanted).encode())
        request.seek(0)
        try:
            argv = confinement().wrap([sys.executable, "-P", __file__], readable=[Path(__file__), *_pygments()])
            child = process.start(argv, limits, env, Path(os.sep), stdin=request.fileno())
        except OSError:
            return {}
        told = process.wait(child, limits).stdout
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for piece, line in zip(wanted, told.split("\n"), strict=False):
        with suppress(ValueError, TypeError):  # killed in the middle of a line
            runs = [(str(css), int(length)) for css, length in json.loads(line)]
            if sum(length for _, length in runs) == len(piece[1]) and {css for css, _ in runs} <= set(
                _COLOURS.values()
            ):
                found[piece] = runs
    return found


def _pygments() -> list[Path]:
    """Where Pygments is installed, which may be a folder of the user's."""
    spec = importlib.util.find_spec("pygments")
    return [Path(spec.origin).parent] if spec and spec.origin else []


# ---- in the child


class _TooLong(BaseException):
    """Not an Exception, so that no lexer catches it."""


def _runs(lexer: str, code: str) -> list[tuple[str, int]]:
    """The runs of one piece; none if it took too long, or if Pygments has other ideas of the text than we have."""
    from pygments.lexers import get_lexer_by_name

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, PIECE_S)
    try:
        runs: list[tuple[str, int]] = []
        for _, kind, text in get_lexer_by_name(lexer).get_tokens_unprocessed(code):
            css = _colour_of(kind)
            if runs and runs[-1][0] == css:
                runs[-1] = (css, runs[-1][1] + len(text))
            else:
                runs.append((css, len(text)))
        return runs
    except (_TooLong, Exception):  # noqa: BLE001  # a fault of a lexer costs one piece its colour, and nothing else
        return []
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)


def _colour_of(kind: tuple[str, ...]) -> str:
    while (name := ".".join(kind)) not in _COLOURS:
        kind = kind[:-1]
    return _COLOURS[name]


def _late(*_: object) -> None:
    raise _TooLong


def main() -> None:
    """Read pieces as JSON, write the runs of each as one line."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _late)
    for lexer, code in json.load(sys.stdin):
        sys.stdout.write(json.dumps(_runs(lexer, code)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
