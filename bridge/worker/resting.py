"""Jobs that failed, and when they may be tried again."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.core.errors import EngineError
from bridge.engines.retry import rule_for


@dataclass(kw_only=True)
class RestingJobs:
    """One worker's. Moments are seconds of its clock."""

    until_s: dict[str, float] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)

    def wake(self, now_s: float) -> None:
        """Forget those that may be tried again."""
        self.until_s = {job: until for job, until in self.until_s.items() if until > now_s}

    def rest(self, job: str, until_s: float) -> None:
        """Leave a job alone for so long."""
        self.until_s[job] = until_s

    def failed(self, job: str, error: EngineError, now_s: float) -> None:
        """Leave a job alone for longer each time."""
        self._tries[job] = self._tries.get(job, 0) + 1
        self.until_s[job] = now_s + rule_for(error).backoff.pause_s(self._tries[job])
