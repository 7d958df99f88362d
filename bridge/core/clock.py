"""The present moment, and waiting, as arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Time, as the store needs it; tests bring their own."""

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
