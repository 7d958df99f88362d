"""What asking again is made of: the request, why no further one is made, the version that is kept. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bridge.checking.faults import RepairPoint, faults
from bridge.checking.values import Jsonable, Report, Verdict
from bridge.core.chat import ChatMessage, FinishReason

#: Gives the report of an answer, as `examine` does.
Judge = Callable[[str, FinishReason | None], Report]


class Purpose(Enum):
    """Why a model is asked again."""

    REPAIR = "repair"  # what it wrote does not pass
    CONTINUE = "continue"  # it was cut at its token limit


class RepairStop(Enum):
    """Why no further request is made."""

    CLEAN = "clean"  # nothing blocks any more
    NOTHING = "nothing"  # there was nothing to repair or to continue
    ROUNDS = "rounds"  # no rounds are left
    SAME = "same"  # a round left exactly the same findings
    REPETITION = "repetition"  # the model repeats itself: the same settings would give the same
    REPLACED = "replaced"  # the model began again and got to the end
    JOINED = "joined"  # one or two continuations were joined on
    UNANSWERED = "unanswered"  # the request was cancelled, or failed
    NO_JOIN = "no_join"  # the continuation does not fit; the answer stays as it was


@dataclass(frozen=True, kw_only=True)
class AskAgain(Jsonable):
    """A request to ask the model again."""

    purpose: Purpose
    round: int  #: 1 for the first
    messages: tuple[ChatMessage, ...]
    more_tokens: bool = False  #: ask for a larger answer than before
    warmer: float = 0.0  #: how much higher the temperature is than that of the job


@dataclass(frozen=True, kw_only=True)
class RepairOutcome(Jsonable):
    """What asking again came to: the best answer so far, not the last one."""

    answer: str
    report: Report
    rounds: int
    stop: RepairStop
    improved: bool


@dataclass(frozen=True, kw_only=True)
class Version:
    """An answer with its report."""

    answer: str
    report: Report

    @property
    def faults(self) -> tuple[RepairPoint, ...]:
        """What is asked about."""
        return faults(self.report)

    @property
    def merit(self) -> tuple[bool, bool, int, int]:
        """The order in which versions are better: it has code, it is whole, less of it blocks, less is left open."""
        report = self.report
        open_gaps = len(self.faults) - len({(d.block, d.fingerprint) for d in report.blocking})
        return (
            report.verdict is not Verdict.NO_CODE,
            report.verdict is not Verdict.INCOMPLETE,
            -len(report.blocking),
            -open_gaps,
        )
