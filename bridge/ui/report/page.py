"""The report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere. Pure.

Two walls, each enough alone: everything that came from outside goes through `escape`, which leaves no markup; and the page's
Content-Security-Policy forbids scripts, frames, forms and every load (https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from bridge.core.job import to_iso
from bridge.ui.report import answer, charts, escape
from bridge.ui.report.colour import Colours
from bridge.ui.report.facts import Facts
from bridge.ui.report.labels import OUTCOMES, TROUBLE, number, size, span
from bridge.ui.report.style import sheet

POLICY = Markup("default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'")
_PAGE = Markup(
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
    "<title>Report: {title}</title>\n<style>\n{sheet}\n</style>\n</head>\n<body>\n{body}\n"
    "<footer><p>{jobs:,} jobs, {size}. Made by <code>bridge report</code> at {at}; all times are UTC. "
    "Nothing on this page was executed.</p></footer>\n</body>\n</html>\n"
)
_CARD = Markup('<section class="card{}"><h2>{}</h2>{}</section>')
#: Jobs that the list of those which need a look names.
_TROUBLE = 40


def pieces(facts: Facts) -> Iterator[tuple[str, str]]:
    """The code on the page that is to be coloured, as (lexer, code)."""
    for job in facts.jobs:
        yield from answer.pieces(job)


def render(facts: Facts, colours: Colours) -> str:
    """The page. It can be encoded as UTF-8 whatever the jobs hold. `colours`: of its `pieces`, as far as they are known."""
    cards = [answer.job_card(job, place, colours) for place, job in enumerate(facts.jobs, 1)]
    parts = (_charts(facts), _trouble(facts), _jobs(facts, cards))
    body = Markup("{}<main>{}{}{}</main>").format(_header(facts), *parts)
    length = len(body.encode()) + len(sheet())
    page = _PAGE.format(
        policy=POLICY, title=escape.line(_name(facts), 80), sheet=sheet(), body=body, jobs=len(facts.jobs),
        size=size(length), at=to_iso(facts.at),
    )  # fmt: skip
    return str(page)


def _name(facts: Facts) -> str:
    return facts.queue.replace("\\", "/").rsplit("/", 1)[-1]


def _header(facts: Facts) -> Markup:
    checked = sum(facts.verdicts.values())
    clean = facts.verdicts.get("clean", 0)
    answered = sum(job.answer is not None for job in facts.jobs)
    spent = (facts.ended_at - facts.began_at).total_seconds() if facts.began_at and facts.ended_at else None
    pace = facts.completion_tokens / spent if spent and spent > 0 and facts.completion_tokens else None
    figures = [
        (number(len(facts.jobs)), "jobs"),
        (number(answered), "answered"),
        (f"{100 * clean / checked:.0f} %" if checked else "–", f"clean of {checked:,} checked"),
        (span(max(0.0, spent)) if spent is not None else "–", "first queued to last answer"),
        (f"{pace:.1f}" if pace else "–", "tokens/s over that time"),
    ]
    if facts.tried_again:
        figures.append((number(facts.tried_again), "tried more than once"))
    if facts.repair_rounds:
        figures.append((number(facts.repair_rounds), f"repair rounds, {facts.repaired:,} jobs mended"))
    cells = Markup("").join(Markup("<div><b>{}</b><span>{}</span></div>").format(*figure) for figure in figures)
    return Markup(
        '<header><h1>{}</h1><p class="quiet">{} · {:%Y-%m-%d %H:%M} UTC · queue {}</p><div class="figures">{}</div></header>'
    ).format(
        escape.line(_name(facts), 80), escape.line(facts.chosen, 300), facts.at, escape.line(facts.queue_id, 40), cells
    )


def _charts(facts: Facts) -> Markup:
    cards = [
        ("wide", "What came of the jobs", charts.share(facts.outcomes)),
        ("", "Answers over time", charts.timeline(facts.jobs)),
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


def _trouble(facts: Facts) -> Markup:
    found = [(n, job) for n, job in enumerate(facts.jobs, 1) if job.outcome in TROUBLE]
    if not found:
        return Markup("")
    item = Markup('<li>{} <a href="#j{}">{}</a></li>')
    items = Markup("").join(item.format(answer.chip(job), n, answer.title(job, 70)) for n, job in found[:_TROUBLE])
    more = Markup('<p class="quiet">{:,} more</p>').format(len(found) - _TROUBLE) if len(found) > _TROUBLE else ""
    told = Markup('<ul class="trouble">{}</ul>{}').format(items, more)
    return _CARD.format("", f"Needs a look ({len(found):,})", told)


def _jobs(facts: Facts, cards: list[Markup]) -> Markup:
    """All jobs, with buttons that show those of one outcome: radio buttons and a rule of the style sheet each."""
    names = ["all", *(name for name in OUTCOMES if name in facts.outcomes)]
    radio = Markup('<input class="pick" type="radio" name="pick" id="p-{}"{}>')
    radios = Markup("").join(radio.format(name, " checked" if name == "all" else "") for name in names)
    label = Markup('<label for="p-{}">{} {:,}</label>')
    labels = Markup("").join(
        label.format(name, OUTCOMES.get(name, name), facts.outcomes.get(name, len(cards))) for name in names
    )
    return Markup('{}<div class="picks"><h2>Jobs</h2>{}</div><div class="jobs">{}</div>').format(
        radios, labels, Markup("").join(cards)
    )
