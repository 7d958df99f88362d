"""What calls of targets were, and what they add up to: rates, times, tokens and money. Pure.

A cost that is not known stays unknown: it is counted, never taken for nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.router.meaning import CallOutcome

#: Dollars a million tokens that calls of this machine are measured by: (whose price, of which day, input, output).
REFERENCE = ("claude-sonnet-4-5", "2026-11-21", 3.0, 15.0)
_BLOCK = re.compile(r"(?m)^```")


@dataclass(frozen=True, kw_only=True)
class CallFact:
    """One call of one target."""

    at: datetime
    target: str
    caller: str
    role: str
    model: str
    outcome: CallOutcome
    seconds: float
    is_first: bool  #: no other target was asked before it
    is_local: bool
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    answer_chars: int = 0
    code_blocks: int = 0
    cost_usd: float | None = None  #: None: not known

    @property
    def saved_usd(self) -> float:
        """What an answer of this machine would have cost at the price of reference."""
        if not self.is_local or self.outcome is not CallOutcome.ANSWERED:
            return 0.0
        return ((self.prompt_tokens or 0) * REFERENCE[2] + (self.completion_tokens or 0) * REFERENCE[3]) / 1e6


def code_blocks(text: str) -> int:
    """Fenced blocks of an answer."""
    return len(_BLOCK.findall(text)) // 2


@dataclass(frozen=True, kw_only=True)
class UsageSum:
    """Calls that have something in common."""

    name: str  #: what they have in common
    calls: int
    answered: int
    limited: int
    failed: int
    error_rate: float  #: of calls: failed ones
    fallback_rate: float  #: of answers: those that came from another target than the first
    code_block_rate: float  #: of answers: those with a block of code
    p50_s: float | None
    p95_s: float | None
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unknown_costs: int  #: answers whose cost is not known
    avoided: int  #: answers of this machine, each a call of an API less
    saved_usd: float  #: see `REFERENCE`


#: What calls can be added up by.
BY: Mapping[str, Callable[[CallFact], str]] = {
    "target": lambda fact: fact.target,
    "caller": lambda fact: fact.caller,
    "role": lambda fact: fact.role,
    "model": lambda fact: fact.model,
    "day": lambda fact: fact.at.date().isoformat(),
}


def sums(facts: Iterable[CallFact], by: str) -> list[UsageSum]:
    """Sums by one thing, in the order of its names, and the sum of all, named `all`, at the end."""
    groups: dict[str, list[CallFact]] = {}
    every = list(facts)
    for fact in every:
        groups.setdefault(BY[by](fact), []).append(fact)
    return [*(_sum(name, groups[name]) for name in sorted(groups)), _sum("all", every)]


def _sum(name: str, facts: Sequence[CallFact]) -> UsageSum:
    answers = [fact for fact in facts if fact.outcome is CallOutcome.ANSWERED]
    times = sorted(fact.seconds for fact in answers)
    failed = sum(fact.outcome is CallOutcome.FAILED for fact in facts)
    return UsageSum(
        name=name,
        calls=len(facts),
        answered=len(answers),
        limited=sum(fact.outcome is CallOutcome.LIMITED for fact in facts),
        failed=failed,
        error_rate=_share(failed, len(facts)),
        fallback_rate=_share(sum(not fact.is_first for fact in answers), len(answers)),
        code_block_rate=_share(sum(fact.code_blocks > 0 for fact in answers), len(answers)),
        p50_s=_percentile(times, 0.5),
        p95_s=_percentile(times, 0.95),
        prompt_tokens=sum(fact.prompt_tokens or 0 for fact in answers),
        completion_tokens=sum(fact.completion_tokens or 0 for fact in answers),
        cost_usd=sum(fact.cost_usd or 0.0 for fact in answers),
        unknown_costs=sum(fact.cost_usd is None for fact in answers),
        avoided=sum(fact.is_local for fact in answers),
        saved_usd=sum(fact.saved_usd for fact in answers),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
