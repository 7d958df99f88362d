"""What a worker does, shown: a live line on a terminal, plain lines elsewhere, one JSON object a line with --json."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from bridge.cli import base
from bridge.cli.base import span
from bridge.core.text import counted, plain

if TYPE_CHECKING:
    from rich.live import Live

    from bridge.core.events import Event
    from bridge.worker.config import WorkSummary
    from bridge.worker.loop import Worker


class Reporter:
    """Shows events and progress of one worker."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._live: Live | None = None

    def tell(self, event: Event) -> None:
        """One event."""
        if self._as_json:
            base.print_line({"event": event.kind.value, "message": event.message, **event.facts})
        elif self._live is not None:
            self._live.console.print(event.kind.value, style="dim", end=" ")
            self._live.console.print(plain(event.message), markup=False, highlight=False)
        else:
            base.say(event.message, who="")

    @contextmanager
    def watching(self, worker: Worker) -> Iterator[None]:
        """Keep a progress line up to date meanwhile, if there is a terminal."""
        if self._as_json or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        over = threading.Event()
        with Live(console=Console(stderr=True), refresh_per_second=4) as live:
            self._live = live

            def refresh() -> None:
                while not over.wait(0.5):
                    live.update(Text(plain(line_of(worker))))

            thread = threading.Thread(target=refresh, daemon=True)
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()
                self._live = None

    def summary(self, summary: WorkSummary) -> None:
        """What was done, at the end."""
        if self._as_json:
            base.print_line({"event": "summary", **asdict(summary), "end": summary.end.value})
            return
        pace = f", {summary.tokens / summary.seconds:.1f} tokens/s" if summary.tokens and summary.seconds else ""
        base.show(
            f"{summary.answered} answered ({summary.truncated} cut at the token limit), {summary.failed} failed, "
            f"{summary.retried} tried again, {summary.given_back} given back, in {span(summary.seconds)}{pace}"
        )
        if summary.unwritten:
            base.say(
                f"{counted(summary.unwritten, 'answer')} could not be written anywhere: {summary.unpublished}; their jobs run again"
            )
        elif summary.unpublished:
            base.say(
                f"the last results are in the journal only: {summary.unpublished}; the next command publishes them"
            )


def line_of(worker: Worker) -> str:
    """The progress of a worker as one line."""
    progress = worker.progress()
    parts = [f"{progress.done}/{progress.done + progress.left} jobs"]
    if progress.tokens_per_s:
        parts.append(f"{progress.tokens_per_s:.1f} tokens/s")
    if progress.eta_s is not None:
        parts.append(f"{span(progress.eta_s)} left")
    parts += [f"{len(progress.running)} running", progress.model, *(["engine down"] if progress.engine_down else [])]
    return " · ".join(parts)
