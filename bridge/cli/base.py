"""What the commands share: options, errors to exit codes, and printing for people and for programs."""

from __future__ import annotations

import functools
import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from bridge.cli import complete
from bridge.core import files
from bridge.core.errors import BridgeError, UsageError

if TYPE_CHECKING:
    from types import FrameType

    from bridge.api.bridge import Bridge
    from bridge.api.views import JobView
    from bridge.core.events import Event

F = TypeVar("F", bound=Callable[..., Any])


def command(name: str, *, of_queue: bool = True, **settings: Any) -> Callable[[F], click.Command]:
    """A command with `--json` (`as_json`) and, unless it is about no queue, `--queue`; errors end in message and exit code."""

    def decorate(function: F) -> click.Command:
        @click.command(name, **settings)
        @click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
        @functools.wraps(function)
        def run(*args: Any, as_json: bool, **kwargs: Any) -> None:
            try:
                function(*args, as_json=as_json, **kwargs)
            except BridgeError as error:
                fail(error, as_json=as_json)

        made = cast(click.Command, run)
        if of_queue:
            made.params.insert(
                0,
                click.Option(
                    ["--queue"],
                    metavar="QUEUE",
                    shell_complete=complete.files,
                    help="Path of the queue notebook, or drive:FILE_ID; default: as `bridge --help` says.",
                ),
            )
        return made

    return decorate


def fail(error: BridgeError, *, as_json: bool) -> None:
    """Say what went wrong, and end with its exit code."""
    click.echo(f"bridge: {error}", err=True)
    if as_json:
        print_json({"error": {"kind": type(error).__name__, "message": str(error), "exit_code": error.exit_code}})
    sys.exit(error.exit_code)


def open_bridge(queue: str | None, *, caller: str | None = None) -> Bridge:
    """The queue, telling what happens on standard error."""
    from bridge.api.bridge import Bridge

    return Bridge(queue, caller=caller, listener=tell)


def tell(event: Event) -> None:
    """One event as a line on standard error."""
    click.echo(f"bridge: {event.message}", err=True)


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1))


def print_line(value: Any) -> None:
    """One JSON object as one line, for streams of them."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table: drawn by rich on a terminal, else columns divided by tabs, nothing cut."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(head), *cells]:
            click.echo("\t".join(cell.replace("\n", " ").replace("\t", " ") for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in head:
        table.add_column(title, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def read_text(source: str) -> str:
    """The text of a file, or of standard input for `-`; byte for byte. Raises UsageError."""
    data = read_bytes(source)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        where = "standard input" if source == "-" else source
        raise UsageError(f"{where} is not UTF-8 (byte {error.start + 1}): convert it first") from error


def read_bytes(source: str) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises UsageError."""
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {source}: {error.strerror}") from error


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is never seen half-written. Raises UsageError."""
    try:
        files.write_atomically(path, data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on a terminal that something is under way that may take more than a second."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def ago(moment: datetime | None) -> str | None:
    """How long ago, for people."""
    return span((datetime.now(UTC) - moment).total_seconds()) + " ago" if moment else None


def span(seconds: float | None) -> str:
    """A length of time, for people: two units at most."""
    if seconds is None:
        return "unknown"
    left = max(0, round(seconds))
    units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
    parts = []
    for size, name in units:
        if left >= size:
            parts.append(f"{left // size} {name}")
            left %= size
    return " ".join(parts[:2]) or "0 s"


def chosen(bridge: Bridge, ids: Sequence[str], states: Sequence[str], caller: str | None) -> list[str]:
    """The jobs that a command is about: given ids, or all that match a filter. Raises UsageError if neither is given."""
    if bool(ids) == bool(states or caller):
        raise UsageError("give either job ids or a filter (--state, --caller)")
    return list(ids) or [line.id for line in bridge.jobs(state=list(states) or None, caller=caller)]


def print_ready(view: JobView) -> None:
    """A job that has become ready, as a line."""
    click.echo(f"{view.id}\t{view.line.state.value}\t{view.verdict or view.error or ''}")


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop`, which must only take note, on Ctrl-C and SIGTERM; a second Ctrl-C ends at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        stop()
        signal.signal(number, signal.default_int_handler)

    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def print_ids(ids: Sequence[str], *, as_json: bool, done: str) -> None:
    """What was done to which jobs."""
    if as_json:
        print_json({"jobs": list(ids)})
        return
    for job in ids:
        click.echo(job)
    click.echo(f"bridge: {len(ids)} job(s) {done}", err=True)
