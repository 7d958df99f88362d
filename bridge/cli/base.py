"""What the commands share: options, errors to exit codes, and printing for people and for programs.

Every word that a command prints goes through `say`, `show`, `print_table`, `print_json` or `verbatim`, and the linter allows no
other way (`click.echo` is banned outside): keys, callers, models, messages and names come from outside, and none of them may move
the cursor, rename the window or turn the text around.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import click

from bridge.cli import complete
from bridge.core import files, text
from bridge.core.errors import BridgeError, StorageFull, UsageError
from bridge.core.files import FULL

if TYPE_CHECKING:
    from types import FrameType

    from bridge.api.bridge import Bridge
    from bridge.api.views import JobView
    from bridge.core.events import Event

#: Bytes of a prompt, a context file or an answer: characters of four bytes, and room to say how long it is.
MOST_TEXT_BYTES = 16_000_000
#: Bytes of a JSONL batch: OpenAI takes 200 MB.
MOST_BATCH_BYTES = 500_000_000
_PIECE_BYTES = 1 << 20

#: Exit code of whatever Ctrl-C ended, as shells have it: 128 and the number of SIGINT.
INTERRUPTED = 130
#: Signals that `stop_on_signals` has noted in this command.
_caught: list[int] = []

F = TypeVar("F", bound=Callable[..., object])

#: Options for a file and for a folder, which the shell completes.
file_option = functools.partial(click.option, shell_complete=complete.files)
folder_option = functools.partial(click.option, metavar="DIR", shell_complete=complete.folders)


def command(name: str, *, of_queue: bool = True) -> Callable[[F], click.Command]:
    """A command with `--json` (`as_json`) and, unless it is about no queue, `--queue`; errors end in message and exit code."""

    def decorate(function: F) -> click.Command:
        @click.command(name)
        @click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
        @functools.wraps(function)
        def run(*args: object, as_json: bool, **kwargs: object) -> None:
            with _interruptible():
                try:
                    function(*args, as_json=as_json, **kwargs)
                except BridgeError as error:
                    fail(error, as_json=as_json)
                except OSError as error:
                    if error.errno not in FULL:
                        raise
                    where = f" for {error.filename}" if error.filename else ""
                    fail(StorageFull(f"no space left{where}: free some and run the command again"), as_json=as_json)

        if of_queue:
            where = "Path of the queue notebook, or drive:FILE_ID; default: as `bridge --help` says."
            of_it = click.Option(["--queue"], metavar="QUEUE", shell_complete=complete.files, help=where)
            run.params.insert(0, of_it)
        return run

    return decorate


def options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Options of several commands, in the order of `--help`, as one decorator."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def fail(error: BridgeError, *, as_json: bool) -> None:
    """Say what went wrong, and end with its exit code."""
    say(error)
    if as_json:
        print_json({"error": {"kind": type(error).__name__, "message": str(error), "exit_code": error.exit_code}})
    sys.exit(error.exit_code)


def open_bridge(queue: str | None, *, caller: str | None = None) -> Bridge:
    """The queue, telling what happens on standard error."""
    from bridge.api.bridge import Bridge

    return Bridge(queue, caller=caller, listener=tell)


def tell(event: Event) -> None:
    """One event as a line on standard error."""
    say(event.message)


def say(message: object, *, who: str = "bridge: ") -> None:
    """A remark beside the output, as a line on standard error."""
    click.echo(who + text.plain(str(message)), err=True)


def show(value: object = "") -> None:
    """A line, or several, for people, on standard output."""
    click.echo(text.plain(str(value)))


def verbatim(content: str) -> None:
    """A text byte for byte on standard output, for another program to read; on a terminal, made safe to look at."""
    if sys.stdout.isatty():
        show(content)
    else:
        click.echo(content.encode("utf-8", "backslashreplace"), nl=False)  # bytes: no line end is translated


def print_json(value: object) -> None:
    """One JSON object on standard output; hidden characters in it are escaped."""
    click.echo(text.as_json(value, indent=1))


def print_line(value: object) -> None:
    """One JSON object as one line, for streams of them."""
    click.echo(text.as_json(value))


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, one_line: bool = False) -> None:
    """A table: drawn by rich on a terminal, else columns divided by tabs, nothing cut.

    `one_line`: a row is one line of the terminal, whose last column is cut if it has no room.
    """
    if not sys.stdout.isatty():
        for row in [head, *rows]:
            print_row(*row)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    shown = [[Text("" if cell is None else text.plain(str(cell))) for cell in row] for row in rows]
    if one_line:
        widths = (max(len(title), *(row[n].cell_len for row in shown)) for n, title in enumerate(head[:-1]) if shown)
        room = max(len(head[-1]), console.width - sum(width + 1 for width in widths) - 1)
        for row in shown:
            row[-1].truncate(room, overflow="ellipsis")
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0) if one_line else (0, 1), header_style="bold")
    for title in head:
        table.add_column(title, overflow="fold")
    for row in shown:
        table.add_row(*row)
    console.print(table)


def print_row(*cells: object) -> None:
    """Columns divided by tabs, on one line."""
    flat = ("" if cell is None else str(cell).replace("\n", " ").replace("\t", " ") for cell in cells)
    show("\t".join(flat))


def agreed(question: str) -> bool:
    """What a person says; no, where there is none."""
    return sys.stdin.isatty() and sys.stderr.isatty() and click.confirm(text.plain(question), err=True)


def read_text(source: str) -> str:
    """The text of a file, or of standard input for `-`; byte for byte, but for a byte order mark. Raises UsageError."""
    data = read_bytes(source, most_bytes=MOST_TEXT_BYTES)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = "standard input" if source == "-" else source
        raise UsageError(f"{where} is not UTF-8 (byte {error.start + 1}): convert it first") from error


def read_bytes(source: str, *, most_bytes: int = MOST_BATCH_BYTES) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises UsageError, also if there is no end to them."""
    held, where = bytearray(), "standard input" if source == "-" else source
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as file:
            while len(held) <= most_bytes and (piece := file.read(_PIECE_BYTES)):
                held += piece
    except OSError as error:
        raise UsageError(f"cannot read {where}: {error.strerror}") from error
    if len(held) > most_bytes:
        raise UsageError(f"{where} has more than {most_bytes:,} bytes, which is the limit: split it")
    return bytes(held)


@contextmanager
def output(file: str) -> Iterator[BinaryIO]:
    """Where bytes go that are text: a file that is never seen half-written, or standard output for `-`. Raises UsageError."""
    if file == "-" and sys.stdout.isatty():  # made safe to look at
        held = BytesIO()
        yield held
        show(held.getvalue().decode())
        return
    if file == "-":
        yield sys.stdout.buffer
        return
    try:
        with files.atomic(Path(file)) as out:
            yield out
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error


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


def age(moment: datetime | None) -> str | None:
    """How long ago in one unit, for a column."""
    return " ".join(span((datetime.now(UTC) - moment).total_seconds()).split()[:2]) if moment else None


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


def print_ready(view: JobView) -> None:
    """A job that has become ready, as a line."""
    print_row(view.id, view.line.state.value, view.verdict or view.error)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ends with exit code 130 if Ctrl-C ended what is inside, at once or cleanly (`stop_on_signals`)."""
    _caught.clear()
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        say("interrupted")
        sys.exit(INTERRUPTED)
    except SystemExit:
        if signal.SIGINT not in _caught:
            raise
    if signal.SIGINT in _caught:
        sys.exit(INTERRUPTED)


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop`, which must only take note, on Ctrl-C and SIGTERM; a second Ctrl-C ends at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        _caught.append(number)
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
        show(job)
    say(f"{text.counted(len(ids), 'job')} {done}")
