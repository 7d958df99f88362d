"""Which models may go: those that nothing uses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bridge.kernel.catalogue import known_name

if TYPE_CHECKING:
    from bridge.engines.base import EngineModel


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """A model of an engine, and who needs it."""

    name: str
    size_bytes: int | None
    is_loaded: bool
    last_used: datetime | None  #: None: never, as far as is known here
    wanted_by: str = ""  #: a setting or an open job that names it


def states_of(
    has: Sequence[EngineModel],
    *,
    loaded: Collection[str],
    last_used: dict[str, datetime | None],
    wanted: dict[str, str],
) -> tuple[ModelState, ...]:
    """What is known of each model. `wanted`: {a model's name in any spelling: who names it}."""
    by_name = {known_name(name) or name: who for name, who in wanted.items()}
    return tuple(
        ModelState(
            name=model.name,
            size_bytes=model.size_bytes,
            is_loaded=model.name in loaded,
            last_used=last_used.get(model.name),
            wanted_by=by_name.get(known_name(model.name) or model.name, ""),
        )
        for model in has
    )


def unused(states: Sequence[ModelState], *, now: datetime, since: timedelta) -> tuple[ModelState, ...]:
    """Those that are not in memory, that no setting and no open job names, and that nobody used for so long, or ever."""
    return tuple(
        state
        for state in states
        if not state.is_loaded and not state.wanted_by and (state.last_used is None or now - state.last_used >= since)
    )
