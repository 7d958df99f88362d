"""The moving picture of the README, from a real run: `python -m tests.support.animation` writes docs/images/demo.svg.

It runs `bridge demo` in a new folder and draws what the terminal showed, line by line and in the order of its times; long waits are
shortened. The picture is an SVG whose lines appear by CSS animation, so that it needs no script and no player.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "demo.svg"
#: Columns and rows of the terminal.
COLUMNS, ROWS = 104, 24
#: No wait is drawn longer than this, in seconds; the whole begins anew after the last.
_LONGEST_WAIT_S = 0.9
_PAUSE_S = 5.0
_LINE_PX, _CHAR_PX, _MARGIN_PX = 18, 7.8, 16
#: What comes after it are hints, not what happened.
_HINTS = "Look around"
_COLOURS = {"clean": "#3fb950", "errors": "#f85149", "$": "#58a6ff"}


def main() -> None:
    """Run the demo and draw it."""
    with tempfile.TemporaryDirectory() as folder:
        lines = list(run(Path(folder)))
    PICTURE.write_text(draw(aligned(lines)), encoding="utf-8")


def run(folder: Path) -> Iterator[tuple[float, str]]:
    """(seconds since the start, line) of `bridge demo` with the engine that ships."""
    environment = {
        **os.environ,
        "OLLAMA_HOST": "127.0.0.1:1",
        "COLUMNS": str(COLUMNS),
        "BRIDGE_STATE_DIR": str(folder / "state"),
    }
    command = [sys.executable, "-u", "-m", "bridge", "demo"]
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        yield 0.0, "$ bridge demo"
        for line in process.stdout:
            if line.startswith(_HINTS):
                break
            yield time.monotonic() - began, line.rstrip("\n")
        for _ in process.stdout:  # to its end
            pass


def aligned(lines: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The same with tables drawn as columns: a program gets them divided by tabs, a person does not."""
    rows = [text.split("\t") for _, text in lines]
    widths = [max(len(row[at]) for row in rows if len(row) > at + 1) for at in range(max(map(len, rows)) - 1)]
    texts = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        if len(row) > 1
        else row[0]
        for row in rows
    ]
    return [(at, shown(text)) for (at, _), text in zip(lines, texts, strict=True)]


def shown(line: str) -> str:
    """A line as the picture has it: job ids shortened, cut at the edge."""
    line = re.sub(r"\b([0-9A-HJKMNP-TV-Z]{4})[0-9A-HJKMNP-TV-Z]{18}([0-9A-HJKMNP-TV-Z]{4})\b", r"\1…\2", line)
    return line if len(line) <= COLUMNS else line[: COLUMNS - 1] + "…"


def draw(lines: Sequence[tuple[float, str]]) -> str:
    """The picture. A line stays until the terminal has scrolled it out."""
    times = shortened([at for at, _ in lines])
    total_s = times[-1] + _PAUSE_S
    width, height = round(COLUMNS * _CHAR_PX + 2 * _MARGIN_PX), ROWS * _LINE_PX + 2 * _MARGIN_PX
    styles, groups = [], []
    for number, (at, (_, text)) in enumerate(zip(times, lines, strict=True)):
        styles.append(_keyframes(number, at, total_s))
        y = _MARGIN_PX + (number + 1) * _LINE_PX - 5
        groups.append(f'<text class="l{number}" x="{_MARGIN_PX}" y="{y}">{_coloured(text)}</text>')
    scroll = _scrolling(times, total_s)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="bridge demo in a terminal">'
        f"<style>text{{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre;opacity:0}}{scroll}{''.join(styles)}"
        "@media (prefers-reduced-motion:reduce){text{animation:none!important;opacity:1}#all{animation:none!important;"
        f"transform:translateY(-{max(0, len(lines) - ROWS) * _LINE_PX}px)}}}}</style>"
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>'
        f'<clipPath id="c"><rect x="0" y="{_MARGIN_PX}" width="{width}" height="{ROWS * _LINE_PX}"/></clipPath>'
        f'<g clip-path="url(#c)"><g id="all">{"".join(groups)}</g></g></svg>\n'
    )


def shortened(times: Sequence[float]) -> list[float]:
    """The same moments with no gap longer than `_LONGEST_WAIT_S`."""
    found, before = [0.0], times[0]
    for at in times[1:]:
        found.append(found[-1] + min(at - before, _LONGEST_WAIT_S))
        before = at
    return found


def _keyframes(number: int, at_s: float, total_s: float) -> str:
    percent = 100 * at_s / total_s
    steps = (
        f"0%,{max(0.0, percent - 0.01):.2f}%{{opacity:0}}{percent:.2f}%,100%{{opacity:1}}"
        if percent
        else "0%,100%{opacity:1}"
    )
    return f"@keyframes k{number}{{{steps}}}.l{number}{{animation:k{number} {total_s:.1f}s infinite}}"


def _scrolling(times: Sequence[float], total_s: float) -> str:
    steps = ["0%{transform:translateY(0)}"]
    for number, at in enumerate(times):
        if number >= ROWS:
            lines, percent = number - ROWS + 1, 100 * at / total_s
            steps.append(f"{max(0.0, percent - 0.01):.2f}%{{transform:translateY(-{(lines - 1) * _LINE_PX}px)}}")
            steps.append(f"{percent:.2f}%{{transform:translateY(-{lines * _LINE_PX}px)}}")
    last = max(0, len(times) - ROWS) * _LINE_PX
    steps.append(f"100%{{transform:translateY(-{last}px)}}")
    return f"@keyframes s{{{''.join(steps)}}}#all{{animation:s {total_s:.1f}s infinite}}"


def _coloured(text: str) -> str:
    words = re.split(r"(\bclean\b|\berrors\b|^\$)", text)
    return "".join(
        f'<tspan fill="{_COLOURS[word]}">{escape(word)}</tspan>' if word in _COLOURS else escape(word) for word in words
    )


if __name__ == "__main__":
    main()
