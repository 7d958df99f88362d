"""What an executing cell shows, and how it ends when a person interrupts it."""

from __future__ import annotations

from typing import Protocol


class CellDisplay(Protocol):
    """Where a cell shows what it has."""

    def show(self, text: str) -> None:
        """Show this for now, in place of what was shown."""

    def final(self, text: str) -> None:
        """Show this and nothing else: the cell's one output."""

    def clear(self) -> None:
        """Show nothing."""


class Interrupted(KeyboardInterrupt):
    """A person interrupted the cell; raised on, so that Run all stops."""

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]
