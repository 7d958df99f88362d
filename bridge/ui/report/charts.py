"""Charts as inline SVG without any text in it: numbers and names stand beside it as HTML, so that they stay readable on a
phone, and nothing that came from outside gets into a drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup

from bridge.ui.report import escape
from bridge.ui.report.facts import Facts, Pace, Spread
from bridge.ui.report.labels import OUTCOMES, css, number, span
from bridge.ui.report.totals import AnsweredJobs

_QUIET = Markup('<p class="quiet">{}</p>')
#: Columns of the timeline.
_COLUMNS = 48


def share(counts: Mapping[str, int]) -> Markup:
    """One bar, divided as the counts are, with a legend."""
    total = sum(counts.values())
    if not total:
        return _QUIET.format("no jobs")
    x = 0.0
    rects, legend = [], []
    for name in _ordered(counts):
        width = 100 * counts[name] / total
        rect = Markup('<rect class="fill {}" x="{:.3f}" y="0" width="{:.3f}" height="10"/>')
        rects.append(rect.format(css(name), x, width))
        entry = Markup('<li><span class="dot fill {}"></span>{} <b>{:,}</b> <small>{:.0f} %</small></li>')
        legend.append(entry.format(css(name), _word(name), counts[name], width))
        x += width
    told = ", ".join(f"{counts[name]} {name}" for name in _ordered(counts))
    picture = _svg("bar", "0 0 100 10", told, rects)
    return Markup('{}<ul class="legend">{}</ul>').format(picture, Markup("").join(legend))


def timeline(answered: AnsweredJobs) -> Markup:
    """Answers over time: a column for each stretch, divided by outcome."""
    if not answered:
        return _QUIET.format("no answers yet")
    first, last = answered.ends()
    length = max((last - first).total_seconds(), 1e-9)
    columns: list[dict[str, int]] = [{} for _ in range(_COLUMNS)]
    for at, outcome in answered:
        column = columns[min(_COLUMNS - 1, int(_COLUMNS * (at - first.timestamp()) / length))]
        column[outcome] = column.get(outcome, 0) + 1
    most = max(sum(column.values()) for column in columns)
    rects = []
    for n, column in enumerate(columns):
        y = 100.0
        for name in _ordered(column):
            height = 100 * column[name] / most
            y -= height
            rect = Markup('<rect class="fill {}" x="{}" y="{:.2f}" width="8" height="{:.2f}"/>')
            rects.append(rect.format(css(name), 10 * n + 1, y, height))
    told = f"{len(answered):,} answers" if len(answered) > 1 else "1 answer"
    if last > first:
        told += f" in {span(length)}; at most {most:,} in {span(length / _COLUMNS)}"
    ends = Markup('<p class="axis"><span>{}</span><span>{}</span></p>').format(_clock(first), _clock(last, first))
    picture = _svg("columns", f"0 0 {10 * _COLUMNS} 100", told, rects)
    return picture + ends + _QUIET.format(told)


def stages(facts: Facts) -> Markup:
    """How long each step took: median and the time that nine of ten jobs kept, on one logarithmic scale."""
    rows = [
        ("queued → answered", facts.until_answered),
        ("the model’s own time", facts.answering),
        ("answered → checked", facts.until_checked),
        ("checked → delivered", facts.until_delivered),
    ]
    known = [spread for _, spread in rows if spread]
    if not known:
        return _QUIET.format("nothing was answered yet")
    least, most = 0.01, max(0.1, *(spread.p90_s for spread in known))
    bars = Markup("").join(_stage(name, spread, least, most) for name, spread in rows)
    return Markup('<table class="bars"><tbody>{}</tbody></table>').format(bars)


def paces(rows: Sequence[Pace], title: str, *, most: int = 12) -> Markup:
    """A table of models or workers with a bar for tokens a second."""
    top = max((row.tokens_per_s or 0.0 for row in rows), default=0.0)
    body = []
    for row in rows[:most]:
        bar = _bar(row.tokens_per_s / top) if row.tokens_per_s and top else ""
        pace = f"{row.tokens_per_s:.1f}" if row.tokens_per_s else "–"
        cells = Markup('<tr><th>{}</th><td>{:,}</td><td>{}</td><td>{}</td><td>{}</td><td class="draw">{}</td></tr>')
        body.append(
            cells.format(
                escape.line(row.name, 60), row.jobs, number(row.completion_tokens), span(row.seconds), pace, bar
            )
        )
    if len(rows) > most:
        body.append(Markup('<tr><td colspan="6" class="quiet">{} more</td></tr>').format(len(rows) - most))
    return Markup(
        "<table><thead><tr><th>{}</th><th>jobs</th><th>tokens</th><th>time</th><th>tokens/s</th><th></th></tr></thead>"
        "<tbody>{}</tbody></table>"
    ).format(title, Markup("").join(body))


def _stage(name: str, spread: Spread | None, least: float, most: float) -> Markup:
    if spread is None:
        return Markup('<tr><th>{}</th><td class="quiet" colspan="2">–</td></tr>').format(name)
    scale = math.log(most / least)
    p90, mid = (min(1.0, max(0.0, math.log(max(s, least) / least) / scale)) for s in (spread.p90_s, spread.median_s))
    row = Markup('<tr><th>{}</th><td>{} <small>9 of 10 within {}</small></td><td class="draw">{}</td></tr>')
    return row.format(name, span(spread.median_s), span(spread.p90_s), _bar(p90, mid))


def _bar(share_of: float, inner: float | None = None) -> Markup:
    """A bar from 0 to 1; `inner` a darker one in it."""
    rect = Markup('<rect class="{}" width="{:.2f}" height="10"/>')
    rects = [rect.format("pale", 100 * share_of)] if inner is not None else []
    rects.append(rect.format("solid", max(0.6, 100 * (share_of if inner is None else inner))))
    return _svg("thin", "0 0 100 10", "", rects)


def _svg(kind: str, box: str, told: str, shapes: Sequence[Markup]) -> Markup:
    named = Markup('role="img" aria-label="{}"').format(escape.attribute(told))
    label = named if told else Markup('aria-hidden="true"')
    return Markup('<svg class="{}" viewBox="{}" preserveAspectRatio="none" {}>{}</svg>').format(
        kind, box, label, Markup("").join(shapes)
    )


def _ordered(counts: Mapping[str, int]) -> list[str]:
    order = list(OUTCOMES)
    return sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))


def _word(name: str) -> Markup:
    return escape.line(OUTCOMES.get(name, name), 30)


def _clock(at: datetime, since: datetime | None = None) -> str:
    same_day = since is not None and since.date() == at.date()
    return at.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")
