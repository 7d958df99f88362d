"""What a notice says, and what takes one. It holds counts and ids only: nothing that a model or a caller wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bridge.core.text import counted


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A batch is done."""

    title: str
    text: str  #: one line
    queue: str  #: as the command line shows it
    outcomes: Mapping[str, str]  #: {job: its verdict, or its state if it has none}

    def to_json(self) -> dict[str, object]:
        """What a webhook gets; docs/handover.md tells the fields. Chats that take a `text` show it."""
        return {
            "event": "batch_done",
            "text": f"{self.title}: {self.text}",
            "queue": self.queue,
            "counts": dict(Counter(self.outcomes.values())),
            "jobs": dict(self.outcomes),
        }


class Notifier(Protocol):
    """One way to tell it."""

    @property
    def name(self) -> str:
        """For a message when it fails; holds no secret."""

    def tell(self, notice: Notice) -> None:
        """Tell it, once. Raises NotDelivered."""


def batch_done(queue: str, outcomes: Mapping[str, str]) -> Notice:
    """The notice for these jobs: how many came to what, the most frequent first."""
    counts = Counter(outcomes.values()).most_common()
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in counts) or "nothing"
    return Notice(title=f"Qwen Bridge: {counted(len(outcomes), 'job')} done", text=said, queue=queue, outcomes=outcomes)
