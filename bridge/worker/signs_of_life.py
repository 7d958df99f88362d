"""What one worker tells the others, and hears from them: heartbeats beside the queue."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from bridge.core.errors import QueueError
from bridge.engines.base import Engine
from bridge.store.store import Store
from bridge.worker.claims import Claims
from bridge.worker.config import WorkerConfig
from bridge.worker.heartbeat import WorkerHeartbeat, read_heartbeats
from bridge.worker.lanes import Lanes


@dataclass(kw_only=True)
class SignsOfLife:
    """One worker's. Moments are seconds of its clock."""

    store: Store
    claims: Claims
    engine: Engine
    heartbeat: WorkerHeartbeat
    plan: WorkerConfig
    lanes: Lanes
    due_s: float = 0.0  #: when the next one is due
    _told_outage: str = field(default="", init=False)

    def beat(self, now_s: float, *, outage: str) -> None:
        """Tell and hear, if it is time or the engine's outage is another one."""
        if now_s < self.due_s and outage == self._told_outage:
            return
        self.due_s, self._told_outage = now_s + self.plan.beat_s, outage
        running = self.lanes.running_s()
        facts = {
            "engine": self.engine.name, "model": self.plan.model, "lanes": self.plan.lanes, "running": [*running],
            "running_s": running, "outage": outage,
        }  # fmt: skip
        with suppress(QueueError):  # publishing says what is wrong
            self.heartbeat.beat(facts, self.store.clock.now())
            for beat in read_heartbeats(self.store.transport, but=self.heartbeat.worker):
                self.claims.leases.beat(beat.worker, beat.beat, now_s)
