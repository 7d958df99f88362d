"""Which jobs to take next: pure, so that the order can be stated and tested.

Higher priority first. Among equals, those whose model is loaded, because another model costs a reload of many seconds;
but a job that has waited long goes before that, so that none starves behind a stream of others. Then the oldest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def choose(
    waiting: Iterable[Candidate], *, loaded: str | None, room: int, now: datetime, patience: timedelta
) -> list[Candidate]:
    """The next `room` jobs, in the order in which to begin them.

    Args:
        waiting: all jobs that may be taken.
        loaded: the model that answers without a reload; None: none is.
        room: how many to take.
        now: the present moment.
        patience: how long a job may be passed over for the sake of the loaded model.
    """
    jobs = list(waiting)
    models = _model_order(jobs, loaded)

    def order(job: Candidate) -> tuple[int, int, int, datetime, str]:
        starving = now - job.created_at > patience
        return (-job.priority, 0 if starving else 1, 0 if starving else models[job.model], job.created_at, job.position)

    return sorted(jobs, key=order)[: max(0, room)]


def _model_order(jobs: Sequence[Candidate], loaded: str | None) -> dict[str, int]:
    """The loaded model first, then the one with the most jobs: fewest reloads until the queue is empty."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.model] = counts.get(job.model, 0) + 1
    ranked = sorted(counts, key=lambda model: (model != loaded, -counts[model], model))
    return {model: rank for rank, model in enumerate(ranked)}
