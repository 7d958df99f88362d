"""What a report tells of all jobs together, counted one by one: of a job only some numbers are kept, so that a report of any
number of jobs takes the memory of a few."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median, quantiles

from bridge.ui.report.facts import Facts, JobFacts, Pace, Spread


class AnsweredJobs:
    """When jobs were answered, and what came of each."""

    def __init__(self) -> None:
        self._at, self._outcome = array("d"), array("H")
        self._codes: dict[str, int] = {}

    def add(self, at: datetime, outcome: str) -> None:
        """One more."""
        self._at.append(at.timestamp())
        self._outcome.append(self._codes.setdefault(outcome, len(self._codes)))

    def __len__(self) -> int:
        return len(self._at)

    def __iter__(self) -> Iterator[tuple[float, str]]:
        """(seconds since 1970, outcome), in the order of the jobs."""
        names = list(self._codes)
        return ((at, names[code]) for at, code in zip(self._at, self._outcome, strict=True))

    def ends(self) -> tuple[datetime, datetime]:
        """The first and the last of these moments. There has to be one."""
        return datetime.fromtimestamp(min(self._at), UTC), datetime.fromtimestamp(max(self._at), UTC)


@dataclass(kw_only=True)
class _Done:
    """What one model or worker did so far."""

    jobs: int = 0
    tokens: int = 0
    seconds: float = 0.0
    timed_tokens: int = 0  #: of answers whose pace is known
    generating: float = 0.0  #: seconds that these took

    def add(self, job: JobFacts) -> None:
        self.jobs += 1
        self.tokens += job.completion_tokens or 0
        self.seconds += job.seconds or 0.0
        if job.tokens_per_s:
            self.timed_tokens += job.completion_tokens or 0
            self.generating += (job.completion_tokens or 0) / job.tokens_per_s


@dataclass(kw_only=True)
class _Sums:
    """Plain sums over jobs."""

    blocking: int = 0
    findings: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 0
    tried_again: int = 0
    repair_rounds: int = 0
    repaired: int = 0

    def add(self, job: JobFacts) -> None:
        self.blocking += sum(d.blocking for d in job.diagnostics)
        self.findings += len(job.diagnostics)
        self.prompt_tokens += job.prompt_tokens or 0
        self.completion_tokens += job.completion_tokens or 0
        self.attempts += job.tries
        self.tried_again += job.tries > 1
        self.repair_rounds += job.rounds
        self.repaired += job.repaired


@dataclass(kw_only=True)
class _Times:
    """How long each step took, in seconds, of the jobs that went through it."""

    answered: array[float] = field(default_factory=lambda: array("d"))
    checked: array[float] = field(default_factory=lambda: array("d"))
    delivered: array[float] = field(default_factory=lambda: array("d"))
    answering: array[float] = field(default_factory=lambda: array("d"))

    def add(self, job: JobFacts) -> None:
        _between(self.answered, job.created_at, job.answered_at)
        _between(self.checked, job.answered_at, job.checked_at if job.verdict else None)
        _between(self.delivered, job.checked_at, job.delivered_at)
        if job.seconds is not None:
            self.answering.append(job.seconds)


class Totals:
    """The facts of many jobs: `add` each, then ask for the `facts`."""

    def __init__(self) -> None:
        self.jobs = 0
        self.replies = 0  #: jobs that have an answer
        self.answered = AnsweredJobs()
        self._names: dict[str, Counter[str]] = {name: Counter() for name in ("state", "outcome", "verdict", "quality")}
        self._sums, self._times = _Sums(), _Times()
        self._models: dict[str, _Done] = {}
        self._workers: dict[str, _Done] = {}
        self._began_at: datetime | None = None
        self._ended_at: datetime | None = None

    def add(self, job: JobFacts) -> None:
        """Count one more job."""
        self.jobs += 1
        self.replies += job.answer is not None
        self._names["state"][job.state] += 1
        self._names["outcome"][job.outcome] += 1
        if job.verdict:
            self._names["verdict"][job.verdict] += 1
        self._names["quality"].update({q.signal.value for q in job.quality})
        self._sums.add(job)
        self._times.add(job)
        for done, name in ((self._models, job.model), (self._workers, job.worker)):
            if name:
                done.setdefault(name, _Done()).add(job)
        if job.created_at:
            self._began_at = min(self._began_at or job.created_at, job.created_at)
        if job.answered_at:
            self._ended_at = max(self._ended_at or job.answered_at, job.answered_at)
            self.answered.add(job.answered_at, job.outcome)

    def facts(
        self, *, queue: str, queue_id: str, at: datetime, chosen: str, jobs: Sequence[JobFacts] = ()
    ) -> Facts:  # fmt: skip
        """What was counted so far. `jobs`: those that were added, if they are to be told as well."""
        sums, times = self._sums, self._times
        return Facts(
            queue=queue,
            queue_id=queue_id,
            at=at,
            chosen=chosen,
            states=_ranked(self._names["state"]),
            outcomes=_ranked(self._names["outcome"]),
            verdicts=_ranked(self._names["verdict"]),
            quality=_ranked(self._names["quality"]),
            diagnostics={"blocking": sums.blocking, "other": sums.findings - sums.blocking},
            prompt_tokens=sums.prompt_tokens,
            completion_tokens=sums.completion_tokens,
            attempts=sums.attempts,
            tried_again=sums.tried_again,
            repair_rounds=sums.repair_rounds,
            repaired=sums.repaired,
            until_answered=_spread(times.answered),
            until_checked=_spread(times.checked),
            until_delivered=_spread(times.delivered),
            answering=_spread(times.answering),
            began_at=self._began_at,
            ended_at=self._ended_at,
            models=_paces(self._models),
            workers=_paces(self._workers),
            jobs=jobs,
        )


def gather(jobs: Iterable[JobFacts], *, queue: str, queue_id: str, at: datetime, chosen: str) -> Facts:
    """The facts of some jobs, in their order, each of them told."""
    totals, kept = Totals(), list(jobs)
    for job in kept:
        totals.add(job)
    return totals.facts(queue=queue, queue_id=queue_id, at=at, chosen=chosen, jobs=kept)


def _between(seconds: array[float], begin: datetime | None, end: datetime | None) -> None:
    """Note the time between two moments; machines' clocks differ, so a time that would be negative counts as none."""
    if begin and end:
        seconds.append(max(0.0, (end - begin).total_seconds()))


def _ranked(names: Counter[str]) -> dict[str, int]:
    """How often each name comes, the most frequent first."""
    return dict(sorted(names.items(), key=lambda item: (-item[1], item[0])))


def _spread(seconds: array[float]) -> Spread | None:
    if not seconds:
        return None
    p90 = quantiles(seconds, n=10, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return Spread(jobs=len(seconds), median_s=median(seconds), p90_s=p90, most_s=max(seconds))


def _paces(groups: Mapping[str, _Done]) -> list[Pace]:
    paces = [
        Pace(
            name=name,
            jobs=done.jobs,
            completion_tokens=done.tokens,
            seconds=done.seconds,
            tokens_per_s=done.timed_tokens / done.generating if done.generating else None,
        )
        for name, done in groups.items()
    ]
    return sorted(paces, key=lambda pace: (-pace.jobs, pace.name))
