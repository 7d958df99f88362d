"""Who is next for an engine's slot: by priority, then fairly between callers, first come first served within one. Pure.

Fairness is start-time fair queueing with requests of equal cost (Goyal, Vin, Cheng 1996): each request gets a tag, one behind its
caller's last one and never behind the one served last; the smallest tag is next. So a caller with a hundred requests waiting
delays another caller's first by one request, not by a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

#: Requests for the loaded model that may go before one for another model, so that two models do not take turns.
MOST_OVERTAKES = 8
#: How long one may be overtaken.
OVERTAKEN_S = 30.0
#: What a request takes, before one has ended.
_FIRST_GUESS_S = 10.0
#: The weight of the newest request in the mean.
_NEWEST = 0.2


class Priority(IntEnum):
    """The smaller is served earlier."""

    INTERACTIVE = 0  # somebody waits
    BATCH = 1  # nobody does


@dataclass(kw_only=True, eq=False)
class Ticket:
    """One request's place."""

    caller: str
    model: str
    priority: Priority
    came_s: float
    tag: int
    number: int
    overtaken: int = 0
    began_s: float | None = None  #: it has its slot since

    @property
    def order(self) -> tuple[int, int, int]:
        """The smallest is next."""
        return (self.priority, self.tag, self.number)


class LineFull(Exception):  # told as a refusal, never as a fault of ours
    """Too many are waiting."""

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s
        super().__init__("too many requests are waiting")


class Line:
    """The line before one engine. Moments are seconds of one clock that only goes forward."""

    def __init__(self, *, lanes: int, longest: int, one_model: bool) -> None:
        """`longest`: how many may wait. `one_model`: another model is loaded only when nothing runs."""
        self.lanes = lanes
        self.waiting: list[Ticket] = []
        self.running: set[Ticket] = set()
        self.model: str | None = None  #: of the request that began last
        self._longest = longest
        self._one_model = one_model
        self._last_tag = 0
        self._tags: dict[str, int] = {}
        self._number = 0
        self._mean_s = _FIRST_GUESS_S

    @property
    def has_room(self) -> bool:
        """Whether somebody waits, and a lane is free."""
        return bool(self.waiting) and len(self.running) < self.lanes

    @property
    def somebody_waits(self) -> bool:
        """Whether a live request waits: a person, or a tool that a person uses."""
        return any(ticket.priority is Priority.INTERACTIVE for ticket in self.waiting)

    def join(self, *, caller: str, model: str, priority: Priority, now_s: float) -> Ticket:
        """A place in the line.

        Raises:
            LineFull: says when one is likely to be free.
        """
        if len(self.waiting) >= self._longest:
            raise LineFull(self.wait_s(len(self.waiting) + 1))
        self._number += 1
        tag = max(self._last_tag, self._tags.get(caller, -1) + 1)
        self._tags[caller] = tag
        ticket = Ticket(caller=caller, model=model, priority=priority, came_s=now_s, tag=tag, number=self._number)
        self.waiting.append(ticket)
        return ticket

    def begin_next(self, now_s: float) -> Ticket | None:
        """The one that has a slot now; None: nobody waits, or nothing is free."""
        if not self.has_room:
            return None
        ticket = self._next(now_s)
        if ticket is not None:
            self.waiting.remove(ticket)
            self.running.add(ticket)
            ticket.began_s = now_s
            self.model = ticket.model
            self._last_tag = max(self._last_tag, ticket.tag)
        return ticket

    def leave(self, ticket: Ticket, now_s: float) -> None:
        """It has ended, or gives up its place."""
        if ticket in self.running:
            self.running.remove(ticket)
            if ticket.began_s is not None:
                self._mean_s += _NEWEST * (now_s - ticket.began_s - self._mean_s)
        elif ticket in self.waiting:
            self.waiting.remove(ticket)
        if not self.waiting and not self.running:
            self._tags.clear()  # nobody is ahead of anybody

    def place(self, ticket: Ticket) -> int | None:
        """From 1; None: it has its slot."""
        if ticket.began_s is not None:
            return None
        return 1 + sum(other.order < ticket.order for other in self.waiting)

    def wait_s(self, place: int) -> float:
        """An estimate of how long a place takes, by what requests took lately."""
        return max(1.0, self._mean_s * place / self.lanes)

    def _next(self, now_s: float) -> Ticket | None:
        first = min(self.waiting, key=lambda ticket: ticket.order)
        if first.model == self.model or self.model is None:
            return first
        patient = first.overtaken < MOST_OVERTAKES and now_s - first.came_s < OVERTAKEN_S
        same = [t for t in self.waiting if t.model == self.model and t.priority is first.priority]
        if same and patient:
            first.overtaken += 1
            return min(same, key=lambda ticket: ticket.order)
        return None if self._one_model and self.running else first
