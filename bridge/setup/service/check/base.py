"""What a check is: steps, each with an outcome, within a limit of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from bridge.setup.service.check.client import GatewayClient, NoReply


class CheckLevel(Enum):
    """How thorough."""

    SMOKE = "smoke"  # does it live, and answer once?
    INTEGRATION = "integration"  # does every family answer, also through the queue?
    PERFORMANCE = "performance"  # how fast, with how many at once?

    @property
    def limit_s(self) -> float:
        """It takes no longer, in seconds."""
        return {CheckLevel.SMOKE: 30.0, CheckLevel.INTEGRATION: 300.0, CheckLevel.PERFORMANCE: 600.0}[self]


class StepOutcome(Enum):
    """How a step ended."""

    OK = "ok"  # as it should
    FAILED = "failed"  # not so; the detail says how
    SKIPPED = "skipped"  # this gateway or its engine does not have what it is about


@dataclass(frozen=True, kw_only=True)
class StepFound:
    """What a step that went well found."""

    detail: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)  #: by names that carry their unit


class StepSkipped(Exception):
    """There is nothing to check; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing that is checked. Its function raises NoReply if it is not as it should be, else StepSkipped if it does not apply."""

    name: str
    run: Callable[[GatewayClient], StepFound]


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """How one step went."""

    name: str
    outcome: StepOutcome
    seconds: float
    detail: str
    figures: Mapping[str, float]

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "step": self.name, "outcome": self.outcome.value, "seconds": round(self.seconds, 3), "detail": self.detail,
            "figures": dict(self.figures),
        }  # fmt: skip


def run_steps(
    steps: Sequence[Probe],
    client: GatewayClient,
    *,
    now_s: Callable[[], float] = time.monotonic,
) -> list[StepReport]:
    """Take all steps, whatever becomes of each. `now_s`: seconds of a clock that only goes forward."""
    reports: list[StepReport] = []
    for step in steps:
        began_s = now_s()
        found, outcome = StepFound(), StepOutcome.OK
        try:
            found = step.run(client)
        except StepSkipped as why:
            found, outcome = StepFound(detail=str(why)), StepOutcome.SKIPPED
        except NoReply as why:
            found, outcome = StepFound(detail=str(why)), StepOutcome.FAILED
        seconds = now_s() - began_s
        reports.append(
            StepReport(name=step.name, outcome=outcome, seconds=seconds, detail=found.detail, figures=found.figures)
        )
    return reports
