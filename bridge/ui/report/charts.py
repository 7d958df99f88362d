"""Charts as inline SVG without any text in it: numbers and names stand beside it as HTML, so that they stay readable on a
phone, and nothing that came from outside gets into a drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.ui.report import escape
from bridge.ui.report.facts import Facts, JobFacts, Pace, Spread
from bridge.ui.report.labels import OUTCOMES, css, number, span

#: Columns of the timeline.
_COLUMNS = 48


def share(counts: Mapping[str, int]) -> str:
    """One bar, divided as the counts are, with a legend."""
    total = sum(counts.values())
    if not total:
        return '<p class="quiet">no jobs</p>'
    x, rects, legend = 0.0, [], []
    for name in _ordered(counts):
        width = 100 * counts[name] / total
        rects.append(f'<rect class="fill {css(name)}" x="{x:.3f}" y="0" width="{width:.3f}" height="10"/>')
        legend.append(
            f'<li><span class="dot fill {css(name)}"></span>{_word(name)} <b>{counts[name]:,}</b>'
            f" <small>{100 * counts[name] / total:.0f} %</small></li>"
        )
        x += width
    told = ", ".join(f"{counts[name]} {name}" for name in _ordered(counts))
    return f'{_svg("bar", "0 0 100 10", told, rects)}<ul class="legend">{"".join(legend)}</ul>'


def timeline(jobs: Sequence[JobFacts]) -> str:
    """Answers over time: a column for each stretch, divided by outcome."""
    answered = [(job.answered_at, job.outcome) for job in jobs if job.answered_at]
    if not answered:
        return '<p class="quiet">no answers yet</p>'
    first, last = min(at for at, _ in answered), max(at for at, _ in answered)
    length = max((last - first).total_seconds(), 1e-9)
    columns: list[dict[str, int]] = [{} for _ in range(_COLUMNS)]
    for at, outcome in answered:
        column = columns[min(_COLUMNS - 1, int(_COLUMNS * (at - first).total_seconds() / length))]
        column[outcome] = column.get(outcome, 0) + 1
    most = max(sum(column.values()) for column in columns)
    rects = []
    for n, column in enumerate(columns):
        y = 100.0
        for name in _ordered(column):
            height = 100 * column[name] / most
            y -= height
            rects.append(
                f'<rect class="fill {css(name)}" x="{10 * n + 1}" y="{y:.2f}" width="8" height="{height:.2f}"/>'
            )
    told = f"{len(answered):,} answers" if len(answered) > 1 else "1 answer"
    if last > first:
        told += f" in {span(length)}; at most {most:,} in {span(length / _COLUMNS)}"
    ends = f"<span>{_clock(first)}</span><span>{_clock(last, first)}</span>"
    picture = _svg("columns", f"0 0 {10 * _COLUMNS} 100", told, rects)
    return f'{picture}<p class="axis">{ends}</p><p class="quiet">{told}</p>'


def stages(facts: Facts) -> str:
    """How long each step took: median and the time that nine of ten jobs kept, on one logarithmic scale."""
    rows = [
        ("queued → answered", facts.until_answered),
        ("the model’s own time", facts.answering),
        ("answered → checked", facts.until_checked),
        ("checked → handed over", facts.until_delivered),
    ]
    known = [spread for _, spread in rows if spread]
    if not known:
        return '<p class="quiet">nothing was answered yet</p>'
    least, most = 0.01, max(0.1, *(spread.p90_s for spread in known))
    return f'<table class="bars"><tbody>{"".join(_stage(name, spread, least, most) for name, spread in rows)}</tbody></table>'


def paces(rows: Sequence[Pace], title: str, *, most: int = 12) -> str:
    """A table of models or workers with a bar for tokens a second."""
    top = max((row.tokens_per_s or 0.0 for row in rows), default=0.0)
    body = []
    for row in rows[:most]:
        bar = _bar(row.tokens_per_s / top) if row.tokens_per_s and top else ""
        pace = f"{row.tokens_per_s:.1f}" if row.tokens_per_s else "–"
        body.append(
            f"<tr><th>{escape.line(row.name, 60)}</th><td>{row.jobs:,}</td><td>{number(row.completion_tokens)}</td>"
            f'<td>{span(row.seconds)}</td><td>{pace}</td><td class="draw">{bar}</td></tr>'
        )
    if len(rows) > most:
        body.append(f'<tr><td colspan="6" class="quiet">{len(rows) - most} more</td></tr>')
    head = "<th>jobs</th><th>tokens</th><th>time</th><th>tokens/s</th><th></th>"
    return f"<table><thead><tr><th>{title}</th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _stage(name: str, spread: Spread | None, least: float, most: float) -> str:
    if spread is None:
        return f'<tr><th>{name}</th><td class="quiet" colspan="2">–</td></tr>'
    scale = math.log(most / least)
    p90, mid = (min(1.0, max(0.0, math.log(max(s, least) / least) / scale)) for s in (spread.p90_s, spread.median_s))
    told = f"{span(spread.median_s)} <small>9 of 10 within {span(spread.p90_s)}</small>"
    return f'<tr><th>{name}</th><td>{told}</td><td class="draw">{_bar(p90, mid)}</td></tr>'


def _bar(share_of: float, inner: float | None = None) -> str:
    """A bar from 0 to 1; `inner` a darker one in it."""
    rects = [f'<rect class="pale" width="{100 * share_of:.2f}" height="10"/>'] if inner is not None else []
    rects.append(
        f'<rect class="solid" width="{max(0.6, 100 * (share_of if inner is None else inner)):.2f}" height="10"/>'
    )
    return _svg("thin", "0 0 100 10", "", rects)


def _svg(kind: str, box: str, told: str, shapes: Sequence[str]) -> str:
    label = f'role="img" aria-label="{escape.attribute(told)}"' if told else 'aria-hidden="true"'
    return f'<svg class="{kind}" viewBox="{box}" preserveAspectRatio="none" {label}>{"".join(shapes)}</svg>'


def _ordered(counts: Mapping[str, int]) -> list[str]:
    order = list(OUTCOMES)
    return sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))


def _word(name: str) -> str:
    return escape.line(OUTCOMES.get(name, name), 30)


def _clock(at: datetime, since: datetime | None = None) -> str:
    same_day = since is not None and since.date() == at.date()
    return at.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")
