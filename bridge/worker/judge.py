"""Outcomes with a verdict: a failure waits here until it is known whether the job or the engine is to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from bridge.core.errors import EngineError
from bridge.engines.blame import JOBS_IN_A_ROW, Blame, FaultLog
from bridge.worker.lanes import LaneOutcome


@dataclass(kw_only=True)
class FaultJudge:
    """One worker's judge. What it keeps back is still claimed: if the worker dies, the jobs simply run again."""

    log: FaultLog = field(default_factory=FaultLog)
    waiting: list[LaneOutcome] = field(default_factory=list)  #: failures that nobody is blamed for yet

    def judged(self, outcomes: Iterable[LaneOutcome], *, no_fault: Callable[[LaneOutcome], bool]) -> list[LaneOutcome]:
        """What can be written down now, failures with their `blame`; `no_fault`: failures that are not to be judged."""
        ready: list[LaneOutcome] = []
        for outcome in outcomes:
            job = outcome.task.job.id
            if outcome.answer is not None:
                self.log.answered(job, began_s=outcome.began_s)
                ready += [outcome, *self._vouched()]
            elif outcome.error is None or no_fault(outcome):
                ready.append(outcome)
            else:
                ready += self._judge(outcome, outcome.error)
        return ready

    def settle(self, blame: Blame) -> list[LaneOutcome]:
        """All that waits, with this blame."""
        settled, self.waiting = [replace(outcome, blame=blame) for outcome in self.waiting], []
        return settled

    def reason(self, error: EngineError) -> str:
        """Why the engine is left alone, for a person."""
        if not self.log.engine_is_to_blame:
            return str(error)
        return f"{JOBS_IN_A_ROW} or more jobs in a row failed, so none of them is to blame: {error}"

    def _judge(self, outcome: LaneOutcome, error: EngineError) -> list[LaneOutcome]:
        job, ended_s = outcome.task.job.id, outcome.began_s + outcome.seconds
        blame = Blame.JOB if outcome.unsent else self.log.failed(job, error, ended_s=ended_s)
        if blame is Blame.UNKNOWN:
            self.waiting.append(outcome)
            return []
        others = self.settle(Blame.ENGINE) if blame is Blame.ENGINE else []
        return [*others, replace(outcome, blame=blame)]

    def _vouched(self) -> list[LaneOutcome]:
        """The failures that were the jobs' own, because the engine has answered since."""
        own = [outcome for outcome in self.waiting if self.log.vouched(outcome.began_s + outcome.seconds)]
        self.waiting = [outcome for outcome in self.waiting if outcome not in own]
        return [replace(outcome, blame=Blame.JOB) for outcome in own]
