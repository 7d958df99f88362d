"""The report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere.

Two walls, each enough alone: everything that came from outside goes through `escape`, which leaves no markup; and the page's
Content-Security-Policy forbids scripts, frames, forms and every load (https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import BinaryIO

from markupsafe import Markup

from bridge.core.job import to_iso
from bridge.core.text import counted
from bridge.ui.report import answer, charts, escape
from bridge.ui.report.colour import Painter
from bridge.ui.report.facts import Facts, JobFacts
from bridge.ui.report.labels import OUTCOMES, TROUBLE, number, size, span
from bridge.ui.report.style import sheet
from bridge.ui.report.totals import AnsweredJobs, Totals

POLICY = Markup("default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'")
_HEAD = Markup(
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
    "<title>Report: {title}</title>\n<style>\n{sheet}\n</style>\n</head>\n<body>\n{header}<main>{charts}{trouble}{picks}"
    '<div class="jobs">'
)
_FOOT = Markup(
    "</div></main>\n<footer><p>{jobs}, {size}. Made by <code>bridge report</code> at {at}; all times are UTC. "
    "Nothing on this page was executed.</p></footer>\n</body>\n</html>\n"
)
_CARD = Markup('<section class="card{}"><h2>{}</h2>{}</section>')
#: Jobs that the list of those which need a look names.
_TROUBLE = 40
#: Jobs, and characters of their texts, that are in memory at the same time.
_JOBS, _CHARS = 100, 1_000_000


def write_page(
    out: BinaryIO,
    jobs: Iterable[JobFacts],
    *,
    queue: str,
    queue_id: str,
    at: datetime,
    chosen: str,
    painter: Painter | None = None,
) -> None:
    """Write the page, as UTF-8 whatever the jobs hold. The memory that it takes does not grow with the jobs.

    Each job is told to a temporary file and counted; the head of the page, which has the counts, is written when all are known.

    Args:
        out: where the page goes.
        jobs: each is read once, in their order.
        queue, queue_id, at, chosen: as in `Facts`.
        painter: colours the code; default: one with the limits of a page.
    """
    totals, trouble, painter = Totals(), _Trouble(), painter or Painter()
    with tempfile.TemporaryFile() as cards:
        for some in _portions(jobs):
            colours = painter.colour(piece for job in some for piece in answer.pieces(job))
            for job in some:
                totals.add(job)
                trouble.add(job, totals.jobs)
                cards.write(answer.job_card(job, totals.jobs, colours).encode())
            some.clear()  # before the next ones are read
        length = cards.tell()
        facts = totals.facts(queue=queue, queue_id=queue_id, at=at, chosen=chosen)
        head = _head(facts, totals, trouble).encode()
        out.write(head)
        cards.seek(0)
        shutil.copyfileobj(cards, out)
    out.write(_FOOT.format(jobs=counted(totals.jobs, "job"), size=size(len(head) + length), at=to_iso(at)).encode())


def _portions(jobs: Iterable[JobFacts]) -> Iterator[list[JobFacts]]:
    """The jobs, as many at a time as are coloured together."""
    some: list[JobFacts] = []
    chars = 0
    for job in jobs:
        some.append(job)
        chars += len(job.prompt) + len(job.answer or "") + sum(len(file.code) for file in job.files)
        if len(some) == _JOBS or chars > _CHARS:
            yield some
            some, chars = [], 0
    if some:
        yield some


class _Trouble:
    """The jobs that need a look: how many, and the first of them as HTML."""

    def __init__(self) -> None:
        self.count = 0
        self.items: list[Markup] = []

    def add(self, job: JobFacts, place: int) -> None:
        """Take it in if it is one of them. `place`: its number on the page."""
        if job.outcome not in TROUBLE:
            return
        self.count += 1
        if self.count <= _TROUBLE:
            item = Markup('<li>{} <a href="#j{}">{}</a></li>')
            self.items.append(item.format(answer.chip(job), place, answer.title(job, 70)))

    def html(self) -> Markup:
        """The card that names them; nothing if there are none."""
        if not self.count:
            return Markup("")
        left = self.count - len(self.items)
        more = Markup('<p class="quiet">{:,} more</p>').format(left) if left else ""
        told = Markup('<ul class="trouble">{}</ul>{}').format(Markup("").join(self.items), more)
        return _CARD.format("", f"Needs a look ({self.count:,})", told)


def _head(facts: Facts, totals: Totals, trouble: _Trouble) -> Markup:
    """The page down to the first job."""
    return _HEAD.format(
        policy=POLICY, title=escape.line(_name(facts), 80), sheet=sheet(), header=_header(facts, totals),
        charts=_charts(facts, totals.answered), trouble=trouble.html(), picks=_picks(facts, totals.jobs),
    )  # fmt: skip


def _name(facts: Facts) -> str:
    return facts.queue.replace("\\", "/").rsplit("/", 1)[-1]


def _header(facts: Facts, totals: Totals) -> Markup:
    checked = sum(facts.verdicts.values())
    clean = facts.verdicts.get("clean", 0)
    spent = (facts.ended_at - facts.began_at).total_seconds() if facts.began_at and facts.ended_at else None
    pace = facts.completion_tokens / spent if spent and spent > 0 and facts.completion_tokens else None
    figures = [
        (number(totals.jobs), "jobs"),
        (number(totals.replies), "answered"),
        (f"{100 * clean / checked:.0f} %" if checked else "–", f"clean of {checked:,} checked"),
        (span(max(0.0, spent)) if spent is not None else "–", "first queued to last answer"),
        (f"{pace:.1f}" if pace else "–", "tokens/s over that time"),
    ]
    if facts.tried_again:
        figures.append((number(facts.tried_again), "tried more than once"))
    if facts.repair_rounds:
        figures.append((number(facts.repair_rounds), f"repair rounds, {counted(facts.repaired, 'job')} repaired"))
    cells = Markup("").join(Markup("<div><b>{}</b><span>{}</span></div>").format(*figure) for figure in figures)
    return Markup(
        '<header><h1>{}</h1><p class="quiet">{} · {:%Y-%m-%d %H:%M} UTC · queue {}</p><div class="figures">{}</div></header>'
    ).format(
        escape.line(_name(facts), 80), escape.line(facts.chosen, 300), facts.at, escape.line(facts.queue_id, 40), cells
    )


def _charts(facts: Facts, answered: AnsweredJobs) -> Markup:
    cards = [
        ("wide", "What came of the jobs", charts.share(facts.outcomes)),
        ("", "Answers over time", charts.timeline(answered)),
        ("", "How long it took", charts.stages(facts)),
    ]
    tables = [charts.paces(rows, name) for rows, name in ((facts.models, "model"), (facts.workers, "worker")) if rows]
    if tables:
        table = Markup('<div class="scroll">{}</div>').format(Markup("").join(tables))
        cards.append(("wide", "Models and workers", table))
    if facts.quality or any(facts.diagnostics.values()):
        flag = Markup('<span class="flag">{} {:,}</span>')
        flags = Markup("").join(flag.format(escape.line(name, 40), count) for name, count in facts.quality.items())
        found = f"{facts.diagnostics['blocking']:,} findings that block, {facts.diagnostics['other']:,} that do not"
        cards.append(("wide", "What checking noticed", Markup("<p>{}</p>{}").format(found, flags)))
    inside = Markup("").join(_CARD.format(f" {kind}", name, html) for kind, name, html in cards)
    return Markup('<div class="grid">{}</div>').format(inside)


def _picks(facts: Facts, jobs: int) -> Markup:
    """Buttons that show the jobs of one outcome: radio buttons and a rule of the style sheet each."""
    names = ["all", *(name for name in OUTCOMES if name in facts.outcomes)]
    radio = Markup('<input class="pick" type="radio" name="pick" id="p-{}"{}>')
    radios = Markup("").join(radio.format(name, " checked" if name == "all" else "") for name in names)
    label = Markup('<label for="p-{}">{} {:,}</label>')
    labels = Markup("").join(
        label.format(name, OUTCOMES.get(name, name), facts.outcomes.get(name, jobs)) for name in names
    )
    return Markup('{}<div class="picks"><h2>Jobs</h2>{}</div>').format(radios, labels)
