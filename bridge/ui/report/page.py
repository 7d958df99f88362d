"""The report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere. Pure.

Two walls, each enough alone: everything that came from outside goes through `ink`, which leaves no markup; and the page's
Content-Security-Policy forbids scripts, frames, forms and every load (https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.core.job import to_iso
from bridge.ui.report import answer, charts, escape
from bridge.ui.report.colour import Colours
from bridge.ui.report.facts import Facts, JobFacts
from bridge.ui.report.labels import OUTCOMES, TROUBLE, css, number, size, span
from bridge.ui.report.style import sheet

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
#: Jobs that the list of those which need a look names.
_TROUBLE = 40


def pieces(facts: Facts) -> Iterator[tuple[str, str]]:
    """The code on the page that is to be coloured, as (lexer, code)."""
    for job in facts.jobs:
        yield from answer.pieces(job)


def render(facts: Facts, colours: Colours) -> str:
    """The page. It can be encoded as UTF-8 whatever the jobs hold. `colours`: of its `pieces`, as far as they are known."""
    cards = [answer.job_card(job, place, colours) for place, job in enumerate(facts.jobs, 1)]
    body = f"{_header(facts)}<main>{_charts(facts)}{_trouble(facts)}{_jobs(facts, cards)}</main>"
    length = len(body.encode()) + len(sheet())
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Report: {escape.line(_name(facts), 80)}</title>\n<style>\n{sheet()}\n</style>\n</head>\n<body>\n{body}\n"
        f"<footer><p>{len(facts.jobs):,} jobs, {size(length)}. Made by <code>bridge report</code> at {to_iso(facts.at)}; all "
        f"times are UTC. Nothing on this page was executed.</p></footer>\n</body>\n</html>\n"
    )


def _name(facts: Facts) -> str:
    return facts.queue.replace("\\", "/").rsplit("/", 1)[-1]


def _header(facts: Facts) -> str:
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
    cells = "".join(f"<div><b>{value}</b><span>{name}</span></div>" for value, name in figures)
    return (
        f'<header><h1>{escape.line(_name(facts), 80)}</h1><p class="quiet">{escape.line(facts.chosen, 300)} · '
        f"{facts.at:%Y-%m-%d %H:%M} UTC · queue {escape.line(facts.queue_id, 40)}</p>"
        f'<div class="figures">{cells}</div></header>'
    )


def _charts(facts: Facts) -> str:
    cards = [
        ("wide", "What came of the jobs", charts.share(facts.outcomes)),
        ("", "Answers over time", charts.timeline(facts.jobs)),
        ("", "How long it took", charts.stages(facts)),
    ]
    tables = [charts.paces(rows, name) for rows, name in ((facts.models, "model"), (facts.workers, "worker")) if rows]
    if tables:
        cards.append(("wide", "Models and workers", f'<div class="scroll">{"".join(tables)}</div>'))
    if facts.quality or any(facts.diagnostics.values()):
        flags = "".join(
            f'<span class="flag">{escape.line(name, 40)} {count:,}</span>' for name, count in facts.quality.items()
        )
        found = f"{facts.diagnostics['blocking']:,} findings that block, {facts.diagnostics['other']:,} that do not"
        cards.append(("wide", "What checking noticed", f"<p>{found}</p>{flags}"))
    inside = "".join(f'<section class="card {kind}"><h2>{name}</h2>{html}</section>' for kind, name, html in cards)
    return f'<div class="grid">{inside}</div>'


def _trouble(facts: Facts) -> str:
    found = [(n, job) for n, job in enumerate(facts.jobs, 1) if job.outcome in TROUBLE]
    if not found:
        return ""
    items = "".join(f'<li>{_chip(job)} <a href="#j{n}">{answer.title(job, 70)}</a></li>' for n, job in found[:_TROUBLE])
    more = f'<p class="quiet">{len(found) - _TROUBLE:,} more</p>' if len(found) > _TROUBLE else ""
    return (
        f'<section class="card"><h2>Needs a look ({len(found):,})</h2><ul class="trouble">{items}</ul>{more}</section>'
    )


def _chip(job: JobFacts) -> str:
    return f'<span class="chip {css(job.outcome)}">{escape.line(OUTCOMES.get(job.outcome, job.outcome), 30)}</span>'


def _jobs(facts: Facts, cards: list[str]) -> str:
    """All jobs, with buttons that show those of one outcome: radio buttons and a rule of the style sheet each."""
    names = ["all", *(name for name in OUTCOMES if name in facts.outcomes)]
    radios = "".join(
        f'<input class="pick" type="radio" name="pick" id="p-{name}"{" checked" if name == "all" else ""}>'
        for name in names
    )
    labels = "".join(
        f'<label for="p-{name}">{OUTCOMES.get(name, name)} {facts.outcomes.get(name, len(cards)):,}</label>'
        for name in names
    )
    return f'{radios}<div class="picks"><h2>Jobs</h2>{labels}</div><div class="jobs">{"".join(cards)}</div>'
