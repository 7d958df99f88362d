"""Whether the engine takes requests: looks, waits between two looks, and tells when that changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.core.events import EventKind
from bridge.engines.base import Engine, Health
from bridge.engines.breaker import Breaker


@dataclass(kw_only=True)
class EngineWatch:
    """One worker's view of its engine."""

    engine: Engine
    tell: Callable[[EventKind, str, Mapping[str, object]], None]
    breaker: Breaker
    out_of_memory: bool = False  #: a model that has answered nothing does not fit
    _fitting: set[str] = field(default_factory=set)

    @property
    def is_down(self) -> bool:
        """Whether nothing should be sent to it now."""
        return self.breaker.is_open

    def look(self) -> Health:
        """Ask the engine how it is."""
        health = self.engine.health()
        if not health.ok:
            self.fail(health.detail, 0)
            return health
        if self.is_down:
            self.tell(EventKind.ENGINE, f"the engine answers again: {health.detail}", {"ok": True})
        self.breaker.close()
        return health

    def has_answered(self, model: str) -> None:
        """A request was answered."""
        self._fitting.add(model)
        self.breaker.succeed()

    def fits(self, model: str) -> bool:
        """Whether a model is known to fit into memory: it has answered."""
        return model in self._fitting

    def does_not_fit(self, why: str) -> None:
        """A model that has answered nothing does not fit: no job is to blame."""
        if not self.out_of_memory:
            self.tell(
                EventKind.ENGINE, f"{why}: no job fails for that; choose a smaller model or context", {"ok": False}
            )
        self.out_of_memory = True

    def fail(self, why: str, at_least_s: float) -> None:
        """It did not take a request, or wants to be left alone for so long."""
        known = self.is_down
        pause = self.breaker.fail(at_least_s=at_least_s)
        if not known:
            self.tell(
                EventKind.ENGINE, f"the engine takes no requests ({why}); next look in {pause:.0f} s", {"ok": False}
            )
