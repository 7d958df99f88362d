"""What a listing does not show yet: by requests or by the clock, never by waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class Lag(Generic[T]):
    """Keeps each item back for the next `requests` looks, or until `seconds` have passed, whichever lasts longer.

    Items come out in the order in which they went in. Set `requests` or `seconds` at any time; it holds for later items.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.requests, self.seconds = 0, 0.0
        self._now = now
        self._looks = 0
        self._waiting: list[tuple[int, datetime | None, T]] = []

    def add(self, item: T) -> None:
        at = self._now() + timedelta(seconds=self.seconds) if self.seconds else None
        self._waiting.append((self._looks + self.requests, at, item))

    def look(self) -> list[T]:
        """What has become visible; counts as one look."""
        due = self.due()
        self._looks += 1
        return due

    def due(self) -> list[T]:
        """What has become visible, without counting."""
        out = []
        while self._waiting:
            look, at, item = self._waiting[0]
            if look > self._looks or (at is not None and at > self._now()):
                break
            out.append(item)
            self._waiting.pop(0)
        return out
