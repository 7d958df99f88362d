"""What a worker counts and tells, once it is on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.core.errors import EngineError
from bridge.core.events import Event, EventKind, Listener
from bridge.core.job import ResultStatus
from bridge.engines.base import Answer
from bridge.worker.config import WorkSummary


@dataclass(kw_only=True)
class Counters:
    """The counters of one worker, and whom to tell."""

    notify: Listener
    summary: WorkSummary = field(default_factory=WorkSummary)

    @property
    def done(self) -> int:
        """Jobs that need no more work."""
        return self.summary.answered + self.summary.failed

    def answered(self, job: str, answer: Answer, status: ResultStatus, seconds: float) -> None:
        """An answer is on disk."""
        self.summary.answered += 1
        self.summary.truncated += status is ResultStatus.TRUNCATED
        tokens = int(answer.usage.get("completion_tokens", 0))
        self.summary.tokens += tokens
        facts = {"job": job, "status": status.value, "seconds": round(seconds, 3), "tokens": tokens}
        self.tell(EventKind.ANSWERED, f"{job} {status.value} in {seconds:.1f} s", facts)

    def failed(self, job: str, error: EngineError, *, gave_up: bool) -> None:
        """A failure is on disk."""
        facts = {"job": job, "error": error.kind, "message": str(error)}
        if gave_up:
            self.summary.failed += 1
            self.tell(EventKind.FAILED, f"{job} failed: {error}", facts)
            return
        self.summary.retried += 1
        self.tell(EventKind.RETRIED, f"{job} goes back into the queue: {error}", facts)

    def tell(self, kind: EventKind, message: str, facts: Mapping[str, object] | None = None) -> None:
        """An event, with how many jobs are done."""
        self.notify(Event(kind=kind, message=message, facts={**(facts or {}), "done": self.done}))
