"""Which jobs to take next: pure, so that the order can be stated and tested.

Higher priority first. Among equals, those whose model is loaded, because another model costs a reload of many seconds; but
a model that was passed over for long goes before that, so that none starves behind a stream of others. Then the oldest.
The jobs of one model stay together in any case: that a batch is old is no reason to reload for each of its jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A job that waits."""

    id: str
    model: str  #: that it will be answered with
    priority: int
    created_at: datetime
    position: str = ""
    #: Of several workers, the one whom this job falls to first; the others take it only when they have none of their own.
    mine: bool = True


def choose(
    waiting: Iterable[Candidate],
    *,
    loaded: str | None,
    room: int,
    patience: timedelta,
    passed_over: Mapping[str, timedelta],
) -> list[Candidate]:
    """The next `room` jobs, in the order in which to begin them.

    Args:
        waiting: all jobs that may be taken.
        loaded: the model that answers without a reload; None: none is.
        room: how many to take.
        patience: how long a model may be passed over for the sake of the loaded one.
        passed_over: how long each model was; one that is missing was not.
    """
    jobs = sorted(waiting, key=lambda job: (job.created_at, job.position, job.id))
    rank = _model_order(jobs, loaded, patience, passed_over)

    def order(entry: tuple[int, Candidate]) -> tuple[int, int, bool, int]:
        age, job = entry
        # What falls to another is taken from its far end: the other begins at the near one, and is seen late.
        return (-job.priority, rank[job.model], not job.mine, age if job.mine else -age)

    return [job for _, job in sorted(enumerate(jobs), key=order)[: max(0, room)]]


def _model_order(
    jobs: Sequence[Candidate], loaded: str | None, patience: timedelta, passed_over: Mapping[str, timedelta]
) -> dict[str, int]:
    """Those whose patience is over, the longest first; the loaded one; then the one with the most jobs."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.model] = counts.get(job.model, 0) + 1
    none = timedelta(0)

    def order(model: str) -> tuple[timedelta, bool, int, str]:
        waited = passed_over.get(model, none)
        starves = model != loaded and waited > patience
        return (-waited if starves else none, model != loaded, -counts[model], model)

    return {model: rank for rank, model in enumerate(sorted(counts, key=order))}
