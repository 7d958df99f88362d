"""What a heartbeat says of the jobs in the lanes, and what the overview makes of it."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.engines.base import Request
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.transports.memory import MemoryFolder
from bridge.worker.heartbeat import WorkerHeartbeat, read_heartbeats
from bridge.worker.lanes import Lanes
from tests.security.mutations import DEEP, HOSTILE
from tests.support.harness import Harness
from tests.worker.test_lanes import NOW, task


def test_lanes_tell_how_long_each_job_has_been_running():
    gate, begun, seconds = threading.Event(), threading.Event(), [100.0]
    engine = ScriptedEngine()
    engine.enqueue(Scripted(text="a b c", gate=gate))
    lanes = Lanes(
        engine, lanes=1, now_s=lambda: seconds[0],
        request_for=lambda t: (begun.set(), Request.for_job(t.job.spec, model="scripted", num_ctx=512, max_tokens=9))[1],
    )  # fmt: skip
    assert lanes.running_s() == {}
    lanes.submit(task(1))
    assert begun.wait(120)
    seconds[0] += 7.25

    assert lanes.running_s() == {task(1).job.id: 7.25}
    gate.set()
    assert lanes.outcomes.get(timeout=120) is not None
    assert lanes.running_s() == {}
    lanes.end()


def test_a_heartbeat_is_read_as_it_was_written_also_one_that_does_not_say_since_when(tmp_path: Path):
    transport = MemoryFolder()
    new, old = (WorkerHeartbeat(name, locks=tmp_path, transport=transport) for name in ("new", "old"))
    facts = {"engine": "ollama", "model": "m", "lanes": 2, "running": ["01A"]}
    new.beat({**facts, "running_s": {"01A": 3.5}}, NOW)
    old.beat(facts, NOW)

    told = {beat.worker: beat for beat in read_heartbeats(transport)}

    assert (told["new"].running, told["new"].running_s, told["old"].running_s) == (("01A",), {"01A": 3.5}, {})


@pytest.mark.parametrize("damage", ['{"01A": "long"}', "[1]", '"x"', '{"01A": null}'])
def test_a_damaged_heartbeat_is_left_out(tmp_path: Path, damage: str):
    transport = MemoryFolder()
    text = f'{{"worker": "w", "beat": 1, "at": "{NOW.isoformat()}", "running_s": {damage}}}'
    transport.stage("workers/w.json", text.encode(), unless_changed=None).commit()

    assert read_heartbeats(transport) == []


def test_a_claim_without_a_heartbeat_is_a_sign_of_life_until_it_runs_out(harness: Harness):
    """A worker of an older version, or one whose heartbeat has not come through the sync."""
    [job, _] = harness.add("a", "b")
    worker = harness.worker(ScriptedEngine(), lease_s=900.0)
    worker.claims.claim(1, loaded=None, held=frozenset(), now_s=0.0)
    bridge = harness.open()

    [alive] = bridge.overview().workers
    assert (alive.beat_s, alive.held, alive.idle, bridge.status().workers) == (None, 1, False, 1)
    assert bridge.overview().queued != (job,)
    harness.clock.began += timedelta(seconds=901)
    assert (bridge.status().workers, bridge.overview().workers) == (0, ())
    worker.lanes.end()


def test_a_worker_that_waits_for_jobs_counts_as_idle(harness: Harness):
    seen = []
    worker = harness.worker(ScriptedEngine(), forever=True, lanes=3)
    bridge = harness.open()

    def look() -> None:
        seen.append(bridge.status())
        worker.ask_to_stop()

    harness.clock.at(60, look)
    worker.run()

    assert [(status.workers, status.idle, status.lanes) for status in seen] == [(1, 1, 3)]
    assert bridge.status().workers == 0  # it left, and took its heartbeat away


@pytest.mark.parametrize("name", ["worker", "beat", "at", "engine", "model", "lanes", "running", "running_s", "outage"])
def test_a_heartbeat_that_anybody_may_have_written_stops_nobody(harness: Harness, name: str) -> None:
    whole = {
        "worker": "w9",
        "beat": 1,
        "at": "2026-01-01T00:00:00Z",
        "engine": "e",
        "lanes": 1,
        "running": [],
        "running_s": {},
    }
    folder = harness.path.parent / "workers"
    folder.mkdir(exist_ok=True)
    for number, value in enumerate(HOSTILE):
        text = json.dumps({**whole, name: value}).replace(json.dumps(DEEP), "[" * 5000 + "]" * 5000)
        (folder / f"w{number}.json").write_text(text)
    job = harness.add("a")[0]
    harness.open().status()
    assert harness.work(ScriptedEngine()).answered == 1
    assert harness.view(job).job.id == job
