"""What to do about an engine's failure: whether to ask again, after how long, and at whose cost. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.core.errors import EngineError, RateLimited
from bridge.core.retry import Backoff
from bridge.kernel.error_kind import ErrorKind


@dataclass(frozen=True, kw_only=True)
class RetryRule:
    """When a request that failed is worth sending again, unchanged."""

    again: bool  #: whether at all
    backoff: Backoff
    burns_attempt: bool = True  #: counts as an attempt of the job: no, if the job has no part in it


def _again(first_s: float, *, burns_attempt: bool) -> RetryRule:
    return RetryRule(again=True, backoff=Backoff(first_s=first_s, longest_s=60.0), burns_attempt=burns_attempt)


#: Kinds that pass; all others fail the job at once, because the same request would fail again.
_RULES: Mapping[str, RetryRule] = {
    ErrorKind.DOWN.value: _again(2.0, burns_attempt=False),
    ErrorKind.OVERLOADED.value: _again(2.0, burns_attempt=False),
    ErrorKind.RATE_LIMITED.value: _again(10.0, burns_attempt=False),
    ErrorKind.INTERRUPTED.value: _again(1.0, burns_attempt=True),
    ErrorKind.INCOMPLETE.value: _again(1.0, burns_attempt=True),
}
_NEVER = RetryRule(again=False, backoff=Backoff(first_s=0.0, longest_s=0.0))


def rule_for(error: EngineError) -> RetryRule:
    """The rule for a failure; an engine that says how long to wait is obeyed, however long that is."""
    rule = _RULES.get(error.kind, _NEVER)
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        asked_s = error.retry_after_s
        return replace(rule, backoff=Backoff(first_s=asked_s, longest_s=max(asked_s, rule.backoff.longest_s)))
    return rule
