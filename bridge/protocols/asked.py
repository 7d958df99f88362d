"""What a client of the gateway asks and what it gets back, as values that every wire reads and writes. Pure.

A wire is one module of this folder: `read` makes an `Asked` of a body, `whole` a body of an `Answered`, `stream` a writer that
says the same piece by piece, `refuse` an error in the family's own shape. None of them knows an engine, a clock or a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from bridge.core.chat import ChatReply, ChatRequest
from bridge.core.options import Options
from bridge.protocols.refusal import ApiRefusal

Json = dict[str, object]


class Truncation(Enum):
    """What becomes of a request that is longer than the model's window."""

    ERROR = "disabled"  # it is refused, with both numbers
    AUTO = "auto"  # it is cut, and the answer says what was dropped


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request of a client, whatever it was written in."""

    request: ChatRequest
    options: Options = field(default_factory=Options)
    num_ctx: int | None = None  #: tokens for prompt and answer together; None: the gateway's setting
    stream: bool = False
    include_usage: bool = False  #: of a stream: whether its end says the usage
    legacy_functions: bool = False  #: OpenAI's older `functions`: calls are answered as `function_call`
    parallel_calls: bool = True  #: whether one answer may call several tools
    truncation: Truncation = Truncation.ERROR
    background: bool = False  #: answered at once with a job that a worker of the queue does
    previous: str | None = None  #: the id of the stored response that this one goes on from
    echo: Mapping[str, object] = field(default_factory=dict)  #: what the reply repeats of the body
    private: bool = False  #: no queue, no history, no cache, no public target


@dataclass(frozen=True, kw_only=True)
class ReplyHead:
    """What is known of a reply before its first word."""

    id: str
    created: datetime
    model: str  #: the one that answers
    note: Mapping[str, object] = field(
        default_factory=dict
    )  #: what the `bridge` field says: substitutions, cuts, routes

    @property
    def told(self) -> Json:
        """The field `bridge` of a reply; nothing, if there is nothing to say."""
        return {"bridge": dict(self.note)} if self.note else {}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of a reply; None: the engine does not count them."""

    prompt: int | None = None
    completion: int | None = None

    @property
    def total(self) -> int:
        """Both together, what is not known as nothing."""
        return (self.prompt or 0) + (self.completion or 0)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A whole reply: one answer for each that was asked for."""

    head: ReplyHead
    replies: tuple[ChatReply, ...]
    usage: Usage = Usage()
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Why nothing has come yet."""

    place: int | None = None  #: in line, from 1; None: it has its slot
    detail: str = ""  #: for a person, such as `loading qwen2.5-coder:7b`

    @property
    def text(self) -> str:
        """Both in a line."""
        place = f"waiting, place {self.place} in line" if self.place else ""
        return self.detail or place or "working"


class StreamWriter(Protocol):
    """One reply, said piece by piece. Each method gives the bytes to send, or none."""

    def begin(self) -> bytes:
        """What goes before all else."""

    def alive(self, waiting: Waiting) -> bytes:
        """What keeps the client patient, in a way that it accepts; also between two pieces."""

    def text(self, piece: str, index: int = 0) -> bytes:
        """A piece of an answer; `index`: of which, where several were asked for."""

    def finish(self, reply: ChatReply, index: int = 0) -> bytes:
        """An answer has ended: its tool calls, and how it ended."""

    def end(self, answered: Answered) -> bytes:
        """All answers have ended: usage, and the end of the stream."""

    def fail(self, refusal: ApiRefusal) -> bytes:
        """It ends with an error."""


class WireFormat(Protocol):
    """A family's way to ask for an answer."""

    id_prefix: str  #: of a reply's id
    stream_type: str  #: the content type of a stream

    def read(self, body: Json) -> Asked:
        """What a body asks. What is unknown is ignored. Raises RefusedAsk."""

    def whole(self, asked: Asked, answered: Answered) -> Json:
        """The body of a reply."""

    def stream(self, asked: Asked, head: ReplyHead) -> StreamWriter:
        """A writer for one reply."""

    def refuse(self, refusal: ApiRefusal) -> Json:
        """The body of an error."""
