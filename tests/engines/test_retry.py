"""When a request that failed is sent again, and at whose cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core import errors
from bridge.core.retry import Backoff
from bridge.engines.retry import rule_for

#: (what failed, whether it costs the job an attempt)
PASSING = [
    (errors.EngineDown(), False),
    (errors.Overloaded(), False),
    (errors.RateLimited(), False),
    (errors.StreamInterrupted(), True),
    (errors.IncompleteAnswer(), True),
]
LASTING = [
    errors.ModelMissing(), errors.OutOfMemory(), errors.ContextExceeded(over_by=1), errors.BadRequest(), errors.Refused(),
    errors.EngineError("a fault of the worker"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "burns"), PASSING, ids=lambda value: getattr(value, "kind", None))
def test_what_passes_is_asked_again(error: errors.EngineError, burns: bool) -> None:
    rule = rule_for(error)

    assert (rule.again, rule.burns_attempt) == (True, burns)
    assert 1.0 <= rule.backoff.pause_s(1) <= rule.backoff.pause_s(9) == 60.0


@pytest.mark.parametrize("error", LASTING, ids=lambda error: error.kind)
def test_what_would_fail_again_is_not(error: errors.EngineError) -> None:
    assert not rule_for(error).again


@pytest.mark.parametrize("asked_s", [0.5, 7.0, 120.0])
def test_an_engine_that_says_how_long_to_wait_is_obeyed(asked_s: float) -> None:
    assert rule_for(errors.RateLimited(retry_after_s=asked_s)).backoff.pause_s(1) == asked_s


def test_pauses_grow_by_the_factor_up_to_the_longest() -> None:
    backoff = Backoff(first_s=2.0, longest_s=60.0)

    assert [backoff.pause_s(tries) for tries in (1, 2, 3, 9)] == [2.0, 4.0, 8.0, 60.0]
    assert Backoff(first_s=1.0, longest_s=60.0, factor=3.0).pause_s(3) == 9.0
    assert backoff.pause_s(2, jitter=0.5) == 2.0


@given(st.floats(0.01, 100), st.floats(0, 1000), st.floats(1, 10), st.integers(1, 10**9))
def test_a_pause_is_never_shorter_than_the_one_before_nor_longer_than_the_longest(
    first_s: float, more_s: float, factor: float, tries: int
) -> None:
    backoff = Backoff(first_s=first_s, longest_s=first_s + more_s, factor=factor)

    assert first_s <= backoff.pause_s(tries) <= backoff.pause_s(tries + 1) <= backoff.longest_s
