"""What calls add up to, what they cost, and the file that keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.core.errors import JournalError
from bridge.router.ledger import UsageLedger
from bridge.router.meaning import CallOutcome
from bridge.router.prices import PriceBook, TokenPrice
from bridge.router.usage import CallFact, code_blocks, sums
from tests.cli.conftest import Run, bridge  # noqa: F401  # a fixture

NOW = datetime.now(UTC).replace(microsecond=0)


def fact(target: str = "gemini", outcome: CallOutcome = CallOutcome.ANSWERED, **more: object) -> CallFact:
    held = {
        "at": NOW,
        "caller": "me",
        "role": "coding",
        "model": "m",
        "seconds": 1.0,
        "is_first": True,
        "is_local": False,
    }
    held |= {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, **more}
    return CallFact(target=target, outcome=outcome, **held)  # type: ignore[arg-type]


def test_rates_times_and_money_of_a_target() -> None:
    facts = [
        fact(seconds=float(n), code_blocks=n % 2, cost_usd=0.5 if n < 8 else None, is_first=n != 3)
        for n in range(1, 10)
    ]
    [row, every] = sums([*facts, fact(outcome=CallOutcome.FAILED), fact(outcome=CallOutcome.LIMITED)], "target")
    assert (row.name, every.name, row.calls, every.calls) == ("gemini", "all", 11, 11)
    assert (row.answered, row.failed, row.limited) == (9, 1, 1)
    assert (row.error_rate, row.fallback_rate, row.code_block_rate) == (1 / 11, 1 / 9, 5 / 9)
    assert (row.p50_s, row.p95_s) == (5.0, 9.0)
    assert (row.cost_usd, row.unknown_costs) == (3.5, 2)  # unknown is not nothing


def test_what_this_machine_answered_saved_the_price_of_reference() -> None:
    [here, *_] = sums([fact("home", is_local=True, cost_usd=0.0), fact("home", is_local=True, outcome=CallOutcome.FAILED)], "target")  # fmt: skip
    assert (here.avoided, here.saved_usd, here.cost_usd) == (1, 3.0 + 1.5, 0.0)


@pytest.mark.parametrize(("by", "names"), [("caller", ["me", "you", "all"]), ("day", [NOW.date().isoformat(), "all"])])
def test_calls_add_up_by_anything(by: str, names: list[str]) -> None:
    assert [row.name for row in sums([fact(), fact(caller="you")], by)] == names


def test_no_calls_are_nothing_and_not_an_error() -> None:
    assert [(row.name, row.p50_s, row.error_rate) for row in sums([], "target")] == [("all", None, 0.0)]


def test_blocks_of_code_are_counted() -> None:
    assert code_blocks("Look:\n```python\nx\n```\nand\n```\ny\n```\n") == 2


def test_prices_are_of_the_settings_then_of_the_package_and_else_unknown() -> None:
    book = PriceBook(given={"house": TokenPrice(input_usd=1.0, output_usd=10.0)}, local=["home"])
    million = 1_000_000
    assert book.cost_usd("house", "any", million, million) == 11.0
    assert book.cost_usd("home", "qwen2.5-coder:7b", million, million) == 0.0
    assert book.cost_usd("house", "any", None, None) is None
    assert book.cost_usd("elsewhere", "qwen2.5-coder:7b", million, million) is None


def test_the_package_knows_what_the_presets_cost() -> None:
    pytest.importorskip("genai_prices", reason="the extra [prices] is not installed")
    assert PriceBook().cost_usd("openai", "gpt-4.1-mini", 1_000_000, 0) == pytest.approx(0.4)
    assert PriceBook().cost_usd("my-gemini", "gemini-2.5-flash", 1_000_000, 0) is not None


def test_calls_are_kept_with_their_cost_and_what_was_spent_today_is_known_again(tmp_path: Path) -> None:
    book = PriceBook(given={"gemini": TokenPrice(input_usd=1.0, output_usd=0.0)})
    ledger = UsageLedger(tmp_path / "u" / "usage.sqlite3", book)
    ledger.record(fact())
    ledger.record(fact(outcome=CallOutcome.LIMITED))
    ledger.record(fact(at=NOW - timedelta(days=3)))
    assert ledger.spent_usd("me", NOW) == 1.0
    ledger.close()
    again = UsageLedger(tmp_path / "u" / "usage.sqlite3", book)
    assert (again.spent_usd("me", NOW), again.spent_usd("you", NOW)) == (1.0, 0.0)
    assert [kept.cost_usd for kept in again.facts()] == [1.0, 1.0, None]
    assert again.facts(since=NOW - timedelta(days=1))[0] == fact(cost_usd=1.0)
    again.close()


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "usage.sqlite3").write_text("not a database" * 100)
    with pytest.raises(JournalError, match="cannot be used"):
        UsageLedger(tmp_path / "usage.sqlite3")


def test_the_command_prints_a_table_an_object_or_a_page(bridge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811  # fmt: skip
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path))
    ledger = UsageLedger(tmp_path / "router" / "usage.sqlite3")
    ledger.record(fact("<b>", cost_usd=0.25))
    ledger.record(fact("home", is_local=True, at=NOW - timedelta(days=9), cost_usd=0.0))
    ledger.close()
    assert "$0.2500" in bridge("usage").out
    found = bridge("usage", "--by", "caller", "--since", "7d", "--json").json
    assert [(row["name"], row["calls"]) for row in found["usage"]] == [("me", 1), ("all", 1)]
    page = bridge("usage", "--html").out
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
