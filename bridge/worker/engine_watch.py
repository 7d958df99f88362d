"""Whether the engine takes requests: looks, waits between two looks, and tells when that changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.core.events import EventKind
from bridge.engines.base import Engine, Health
from bridge.engines.breaker import Breaker
from bridge.worker.config import End


@dataclass(kw_only=True)
class EngineWatch:
    """One worker's view of its engine."""

    engine: Engine
    tell: Callable[[EventKind, str, Mapping[str, object]], None]
    breaker: Breaker
    longest_wait_s: float  #: the engine may ask to be left alone for so long; longer, and the worker ends
    end: End | None = None  #: why the worker is to end
    outage: str = ""  #: why no request is sent, or why the last ones failed; empty: all is well
    _looks_well: bool = True  # though requests fail: only an answer shows that it is back
    _fitting: set[str] = field(default_factory=set)

    @property
    def is_down(self) -> bool:
        """Whether nothing should be sent to it now."""
        return self.breaker.is_open

    def look(self) -> Health:
        """Ask the engine how it is."""
        health = self.engine.health()
        if not health.ok:
            self.fail(health.detail, 0, looks_well=False)
            return health
        if not self._looks_well:
            self._is_back(health.detail)
        self.breaker.close()
        return health

    def has_answered(self, model: str) -> None:
        """A request was answered."""
        self._fitting.add(model)
        self._is_back(self.engine.name)
        self.breaker.succeed()

    def fits(self, model: str) -> bool:
        """Whether a model is known to fit into memory: it has answered."""
        return model in self._fitting

    def does_not_fit(self, why: str) -> None:
        """A model that has answered nothing does not fit: no job is to blame."""
        if self.end is None:
            self.tell(
                EventKind.ENGINE, f"{why}: no job fails for that; choose a smaller model or context", {"ok": False}
            )
        self.end = End.OUT_OF_MEMORY

    def answers_nothing(self, why: str) -> None:
        """It looks well, but whatever is left gets no answer, for many minutes."""
        if self.end is None:
            self.end = End.NO_ANSWERS
            self.tell(
                EventKind.ENGINE, f"the engine answers none of the jobs that are left ({why}): the worker ends, and they stay queued",
                {"ok": False},
            )  # fmt: skip

    def fail(self, why: str, at_least_s: float, *, looks_well: bool = True) -> None:
        """It did not take a request, answers none of them, or wants to be left alone for so long."""
        pause_s = self.breaker.fail(at_least_s=at_least_s)
        if at_least_s > self.longest_wait_s and self.end is None:
            self.end = End.TOLD_TO_WAIT
            self.tell(
                EventKind.ENGINE,
                f"the engine asks to be left alone for {_span(at_least_s)} ({why}): the worker ends, and the jobs stay queued. "
                "Start it again later, or with --forever, which waits",
                {"ok": False, "wait_s": at_least_s},
            )
        elif not self.outage:
            self.tell(
                EventKind.ENGINE, f"the engine takes no requests ({why}); next look in {_span(pause_s)}",
                {"ok": False, "wait_s": round(pause_s, 1)},
            )  # fmt: skip
        self.outage, self._looks_well = why, looks_well

    def _is_back(self, what: str) -> None:
        if self.outage:
            self.tell(EventKind.ENGINE, f"the engine answers again: {what}", {"ok": True})
        self.outage, self._looks_well = "", True


def _span(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 600
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )
