"""The steps of each level."""

from __future__ import annotations

from bridge.setup.service.check import integration, performance, smoke
from bridge.setup.service.check.base import CheckLevel, Probe


def steps_of(level: CheckLevel, *, load_s: float) -> list[Probe]:
    """What is checked. `load_s`: how long all users of the performance check ask, in seconds."""
    if level is CheckLevel.SMOKE:
        return smoke.steps()
    return integration.steps() if level is CheckLevel.INTEGRATION else performance.steps(load_s=load_s)
