"""What happened, for whoever wants to show or log it: events go out, nothing is printed in here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum


class EventKind(Enum):
    """What an event is about."""

    WAITING = "waiting"  # for a lock, or for a file to hold still
    RESTORED = "restored"  # a version lacked jobs that nobody had deleted: they were put back
    REMOVED = "removed"  # cells were deleted from the notebook: their jobs count as cancelled
    SUSPECT_DELETION = "doubted"  # a version would cancel most open jobs at once: not believed
    NOT_SIGNED = "not_signed"  # answers that no key of the queue signed do not count
    ADOPTED = "adopted"  # cells that a person typed became jobs
    CONFLICT_COPY = "fork"  # a second copy of the notebook was folded in and moved to forks/
    ANSWERED = "answered"  # a worker has an answer, and it is on disk
    FAILED = "failed"  # a job was given up
    RETRIED = "retried"  # an attempt failed; the job is in the queue again
    ENGINE = "engine"  # the engine went down, or answers again
    BLOCKED = "blocked"  # the queue cannot be written at the moment
    PUBLISHED = "published"  # it can again
    CHECKED = "checked"  # a job's answer was checked to its end
    REPAIR = "repair"  # a round of repair, or the rest of an answer, was asked for
    DELIVERED = "delivered"  # the caller has it
    UNDELIVERED = "undelivered"  # a way out failed; it is tried again
    WRITER = "writer"  # the journal took a new writer id


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened, in words and as facts."""

    kind: EventKind
    message: str
    facts: Mapping[str, object] = field(default_factory=dict)


Listener = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """A listener for who does not want to know."""
