"""Whose fault a failed request is: the engine's, or the job's own. Pure; moments come in, seconds of one clock that goes forward.

One fault proves nothing. The engine's it is if several jobs in a row fail and none is answered meanwhile; the job's, if the
engine answers another job between two of its faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from bridge.core.errors import EngineError
from bridge.engines.retry import rule_for
from bridge.kernel.engine_faults import JOBS_IN_A_ROW as JOBS_IN_A_ROW
from bridge.kernel.engine_faults import OF_THE_REQUEST

#: Faults of one job, each with another job's answer since the one before, until it is its own. A full or limited engine
#: refuses any job now and then, so there it takes more.
_FAULTS_BETWEEN_ANSWERS, _REFUSALS_BETWEEN_ANSWERS = 1, 5
#: Faults in a row of a job that has nothing beside it which could be asked instead: about six minutes of pauses.
_FAULTS_ALONE = 10


class Blame(Enum):
    """Whose fault it is."""

    JOB = "job"  # its own: it costs an attempt
    UNKNOWN = "unknown"  # the next answer or fault of another job tells
    ENGINE = "engine"  # no job's: nobody pays, and the engine is left alone


@dataclass(kw_only=True)
class _JobFaults:
    last_s: float  #: when the last one ended
    between: int = 0  #: how many had another job's answer before them
    in_a_row: int = 1  #: without any answer


@dataclass(kw_only=True)
class FaultLog:
    """What one worker saw of one engine."""

    is_hopeless: bool = False  #: a job was tried so often that waiting on is no help, and still it may be the engine
    _of_job: dict[str, _JobFaults] = field(default_factory=dict)
    _in_a_row: dict[str, float] = field(default_factory=dict)  # jobs that failed since the last answer, and when
    _answer_began_s: float = float("-inf")  # of the last answer

    @property
    def engine_is_to_blame(self) -> bool:
        """Whether several jobs in a row have failed."""
        return len(self._in_a_row) >= JOBS_IN_A_ROW

    def failed(self, job: str, error: EngineError, *, ended_s: float) -> Blame:
        """A job's request failed at this moment."""
        if error.kind in OF_THE_REQUEST:
            return Blame.JOB
        faults = self._count(job, ended_s)
        passes = not rule_for(error).burns_attempt
        enough = _REFUSALS_BETWEEN_ANSWERS if passes else _FAULTS_BETWEEN_ANSWERS
        too_many = faults.in_a_row > _FAULTS_ALONE
        alone = faults.between > 0 or len({*self._in_a_row, job}) < JOBS_IN_A_ROW
        if faults.between >= enough or (alone and too_many):
            self._in_a_row.pop(job, None)
            return Blame.JOB
        self._in_a_row[job] = ended_s
        self.is_hopeless = self.is_hopeless or too_many
        return Blame.ENGINE if passes or self.engine_is_to_blame else Blame.UNKNOWN

    def answered(self, job: str, *, began_s: float) -> None:
        """A job's request, begun at this moment, was answered: what failed before it was not the engine."""
        self._of_job.pop(job, None)
        self.is_hopeless = False
        self._answer_began_s = max(self._answer_began_s, began_s)
        self._in_a_row = {other: at for other, at in self._in_a_row.items() if at >= began_s and other != job}

    def vouched(self, ended_s: float) -> bool:
        """Whether the engine has answered a request that was begun after this moment."""
        return ended_s < self._answer_began_s

    def _count(self, job: str, ended_s: float) -> _JobFaults:
        known = self._of_job.get(job)
        if known is None:
            faults = _JobFaults(last_s=ended_s)
        elif self.vouched(known.last_s):
            faults = _JobFaults(last_s=ended_s, between=known.between + 1)
        else:
            faults = _JobFaults(last_s=ended_s, between=known.between, in_a_row=known.in_a_row + 1)
        self._of_job[job] = faults
        return faults
