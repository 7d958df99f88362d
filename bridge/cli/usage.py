"""`bridge usage`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from bridge.cli import base
from bridge.cli.duration import DURATION

if TYPE_CHECKING:
    from bridge.router.usage import UsageSum


@base.command("usage", of_queue=False)
@click.option("--by", type=click.Choice(["target", "caller", "role", "model", "day"]), default="target", show_default=True, help="What calls are added up by.")  # fmt: skip
@click.option("--since", type=DURATION, metavar="D", help="Calls of the last so long, such as 7d (default: all).")
@click.option("--html", is_flag=True, help="A page of HTML instead of text.")
def command(*, by: str, since: float | None, html: bool, as_json: bool) -> None:
    """Show what the router's calls were: answers, errors, fallbacks, times, tokens, cost, and what was saved.

    \b
    bridge usage
    bridge usage --by day --since 7d --json

    A cost that nobody knows stays unknown. Prices: [engines.NAME] price, else genai-prices (extra [prices]).
    """
    from bridge import wiring
    from bridge.router.usage import REFERENCE, sums

    begin = datetime.now(UTC) - timedelta(seconds=since) if since is not None else None
    found = sums(wiring.usage_facts(begin), by)
    name, day, *_ = REFERENCE
    reference = f"saved: at the price of {name} of {day}"
    if as_json:
        base.print_json({"by": by, "reference": {"model": name, "date": day}, "usage": [asdict(row) for row in found]})
    elif html:
        from bridge.ui.usage_page import page

        base.verbatim(page(HEAD, [_cells(row) for row in found], by=by, note=reference))
    else:
        base.print_table([by, *HEAD], [_cells(row) for row in found])
        base.show(reference)


HEAD: Sequence[str] = (
    "calls", "answered", "limited", "failed", "errors", "fallback", "code", "p50", "p95", "tokens in", "tokens out", "cost",
    "saved",
)  # fmt: skip


def _cells(row: UsageSum) -> list[str]:
    unknown = f" + {row.unknown_costs} unknown" if row.unknown_costs else ""
    return [
        row.name, *map(str, (row.calls, row.answered, row.limited, row.failed)), f"{row.error_rate:.0%}",
        f"{row.fallback_rate:.0%}", f"{row.code_block_rate:.0%}", _seconds(row.p50_s), _seconds(row.p95_s),
        f"{row.prompt_tokens:,}", f"{row.completion_tokens:,}", f"${row.cost_usd:.4f}{unknown}",
        f"${row.saved_usd:.4f} ({row.avoided})",
    ]  # fmt: skip


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
