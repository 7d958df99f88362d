"""What answers a request, and what it is given: who asks, where the pieces go, and how far it is told to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bridge.core.chat import ChatReply
from bridge.gateway.line import Priority, Ticket
from bridge.gateway.slots import Slots
from bridge.protocols.asked import Answered, Asked, ReplyHead, Waiting


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks."""

    name: str  #: by its token or address; slots are shared fairly between names
    priority: Priority = Priority.INTERACTIVE


class Sink(Protocol):
    """Where a reply goes while it is made. All of it is called in the event loop."""

    def begin(self, head: ReplyHead) -> None:
        """The model is known; nothing has been asked yet. Again, with a longer note, if the request had to be cut."""

    async def text(self, piece: str, index: int) -> None:
        """A piece of an answer."""

    async def finish(self, reply: ChatReply, index: int) -> None:
        """An answer is whole."""


class ReplySource(Protocol):
    """Answers a request: an engine, or whoever works on the queue."""

    async def answer(
        self, asked: Asked, caller: Caller, *, id_prefix: str, sink: Sink, progress: RequestProgress
    ) -> Answered:
        """The whole reply; its pieces go to `sink` as they come.

        Raises:
            RefusedAsk: there is no answer, and why.
        """


class NoSink:
    """For replies that are given whole."""

    def begin(self, head: ReplyHead) -> None:
        """See `Sink.begin`."""

    async def text(self, piece: str, index: int) -> None:
        """See `Sink.text`."""

    async def finish(self, reply: ChatReply, index: int) -> None:
        """See `Sink.finish`."""


@dataclass(kw_only=True)
class RequestProgress:
    """Where a request is, for whoever keeps its client patient."""

    slots: Slots | None = None
    ticket: Ticket | None = None
    detail: str = ""

    def waiting(self) -> Waiting:
        """As it is now."""
        place = self.slots.line.place(self.ticket) if self.slots and self.ticket else None
        return Waiting(place=place, detail=self.detail)
