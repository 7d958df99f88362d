"""The lanes: how far they may run ahead of what is on disk."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from bridge.core.job import Job, Spec
from bridge.engines.base import Request
from bridge.engines.scripted import ScriptedEngine
from bridge.worker.claims import ClaimedJob
from bridge.worker.lanes import LaneOutcome, Lanes

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def task(n: int) -> ClaimedJob:
    job = f"{n:026}"
    return ClaimedJob(job=Job(id=job, spec=Spec(body=f"prompt {n}", position=job)), attempt=1, claimed_at=NOW)


def test_lanes_hold_at_most_two_answers_each_that_nobody_has_written_down():
    engine = ScriptedEngine()
    lanes = Lanes(
        engine,
        lanes=2,
        request_for=lambda t: Request.for_job(t.job.spec, model="scripted", num_ctx=512, max_tokens=9),
        now_s=time.monotonic,
    )
    for n in range(10):
        lanes.submit(task(n))

    first: list[LaneOutcome] = [o for _ in range(4) if (o := lanes.outcomes.get(timeout=120)) is not None]
    assert len(first) == len(engine.requests) == 4  # two lanes, two each; then they wait

    lanes.written(first[:3])
    more = [lanes.outcomes.get(timeout=120) for _ in range(3)]
    assert len(more) == 3
    assert len(engine.requests) == 7
    lanes.end()
    left = [lanes.outcomes.get(timeout=120) for _ in range(3)]
    assert all(o is not None and o.answer is None for o in left)  # never begun: they go back into the queue
