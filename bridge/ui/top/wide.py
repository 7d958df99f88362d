"""What `bridge top` shows where there is room: the state of things, the list of jobs, and the job that is chosen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from bridge.api.job_detail import JobDetail
from bridge.api.status import Overview
from bridge.core import text
from bridge.store.query import JobLine
from bridge.ui.top import panels
from bridge.ui.top.model import Shown

#: From so many columns on there are three of them.
COLUMNS = 120
#: Of the first; the list has two fifths of the rest.
_FIRST = 38
#: Lines of a prompt, and findings, before the answer.
_PROMPT_LINES, _FINDINGS = 6, 8


def middle(overview: Overview, shown: Shown, *, width: int, room: int | None, now: datetime) -> list[Text]:
    """The lines between head and foot; as many as there are, or `room`."""
    rest = width - _FIRST - 4
    listed = 2 * rest // 5
    first = [
        *panels.states(overview, shown.state, _FIRST), Text(), *panels.workers(overview, now), Text(),
        *((*panels.trouble(overview, now), Text()) if shown.state is None else ()), *panels.handed_over(overview, now)[: room or None],
    ]  # fmt: skip
    chosen = shown.job or (overview.jobs[0].id if overview.jobs else None)
    jobs = _jobs(overview, shown, chosen, listed, now)
    told = _detail(overview.detail, chosen, rest - listed, now)
    left = panels.columns(first[:room], jobs[:room], _FIRST)
    return panels.columns(left, told[:room], _FIRST + 2 + listed)


def _jobs(overview: Overview, shown: Shown, chosen: str | None, width: int, now: datetime) -> list[Text]:
    name = f"NEWEST {shown.state.value.upper()}" if shown.state else "NEWEST JOBS"
    lines = [panels.heading(name, "↑ ↓ choose")]
    lines += [_job(line, overview.words.get(line.id, ""), line.id == chosen, width, now) for line in overview.jobs]
    return lines if overview.jobs else [*lines, Text(" none", style="dim")]


def _job(line: JobLine, words: str, is_chosen: bool, width: int, now: datetime) -> Text:
    age = panels.short((now - line.created_at).total_seconds()) if line.created_at else ""
    word = text.line(line.verdict or line.state.value, 10)
    style = panels.VERDICTS.get(line.verdict or "", "") or panels.STYLES[line.state]
    mark = "▸" if is_chosen else " "
    told = Text.assemble(f"{mark}…{line.id[-6:]} ", (f"{word:<10}", style), f"{age:>6} ")
    told.append(text.line(words or line.key or "", max(1, width)))
    if is_chosen:
        told.stylize("reverse")
    return told


def _detail(detail: JobDetail | None, chosen: str | None, width: int, now: datetime) -> list[Text]:
    """The chosen job; another one's facts are never shown below its id."""
    if chosen is None:
        return [panels.heading("JOB"), Text(" none", style="dim")]
    if detail is None or detail.line.id != chosen:
        return [panels.heading("JOB", text.line(chosen, 26)), Text(" looking …", style="dim")]
    return [panels.heading("JOB", text.line(chosen, 26)), *_facts(detail, now), *_texts(detail, width)]


def _facts(detail: JobDetail, now: datetime) -> Iterator[Text]:
    line = detail.line
    state = Text.assemble(" ", (line.state.value, panels.STYLES[line.state]))
    if line.verdict:
        state.append(f"  {text.line(line.verdict, 12)}", style=panels.VERDICTS.get(line.verdict, ""))
    if detail.rounds:
        state.append(f"  {text.counted(detail.rounds, 'repair round')}")
    yield state
    ages = [("added", line.created_at), ("answered", line.finished_at), ("delivered", line.delivered_at)]
    told = [f"{name} {panels.short((now - at).total_seconds())} ago" for name, at in ages if at]
    if line.seconds is not None:
        told.append(f"took {panels.short(line.seconds)}")
    yield Text(" " + ", ".join(told), style="dim")
    named = (
        ("key", line.key),
        ("caller", line.caller),
        ("lang", line.lang),
        ("model", line.model),
        ("out", detail.out),
    )
    for name, value in named:
        if value:
            yield Text.assemble((f" {name} ", "dim"), text.line(value, 80))


def _texts(detail: JobDetail, width: int) -> Iterator[Text]:
    """What went wrong, then what was asked and what came back."""
    if detail.error:
        yield from (Text(f" {part}", style="red") for part in _folded(text.line(detail.error, 600), width))
    for finding in detail.findings[:_FINDINGS]:
        yield Text(f" {text.line(finding, 200)}", style="red" if detail.line.verdict == "errors" else "yellow")
    more = len(detail.findings) - _FINDINGS
    if more > 0:
        yield Text(f" … {text.counted(more, 'more finding')}", style="dim")
    yield Text()
    yield panels.heading("PROMPT")
    asked = _folded(text.flat(detail.prompt, 8 * width), width)
    yield from (Text(f" {text.line(part, 2 * width)}") for part in asked[:_PROMPT_LINES])
    if len(asked) > _PROMPT_LINES:
        yield Text(f" … `bridge show {detail.line.id} --prompt` shows all", style="dim")
    if detail.answer is not None:
        yield Text()
        yield panels.heading("ANSWER")
        yield from (Text(f" {text.plain(line.expandtabs(4))}") for line in detail.answer.split("\n"))


def _folded(words: str, width: int) -> Sequence[str]:
    """One line as several of at most `width` columns, broken between words."""
    lines, last = [], ""
    for word in words.split(" "):
        longer = f"{last} {word}" if last else word
        if last and cell_len(longer) > width - 1:
            lines.append(last)
            last = word
        else:
            last = longer
    return [*lines, last] if last else lines
