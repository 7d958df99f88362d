"""What shows a download: a bar on a terminal, else a line every tenth."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bridge.cli import base

if TYPE_CHECKING:
    from bridge.engines.base import OnProgress


@contextmanager
def download_bar() -> Iterator[OnProgress]:
    """Gives what is to be told of each step."""
    if not sys.stderr.isatty():
        shown = [("", -1)]

        def lines(status: str, done: int, total: int) -> None:
            step = ("" if total else status, 10 * done // total if total else -1)
            if step != shown[0] or status == "checking":
                shown[0] = step
                base.say(f"{status}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if total else status)

        yield lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("fetching", total=None)
        yield lambda status, done, total: progress.update(task, description=status, completed=done, total=total or None)
