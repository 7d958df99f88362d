"""A conversation fitted into a model's window: what is kept, what is dropped, in which order, and a record of it. Pure.

Kept in any case: instructions (system messages) and the last turn. Dropped, one by one until it fits: whole turns, the oldest
first; then whole files, fenced blocks of the turns that are left, the oldest first. Nothing is cut in the middle, and a call of a
tool never loses its result, because both are in one turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bridge.core.chat import ChatMessage, ChatRole, MessagePart, TextPart

#: A fenced block of fewer characters is no file.
_SMALLEST_FILE = 400
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)

#: Tokens of messages, exact or estimated.
CountTokens = Callable[[Sequence[ChatMessage]], int]


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A piece that was left out."""

    what: str  #: `turn` or `file`
    message: int  #: where it stood, from 0; of a turn its first message
    messages: int  #: how many messages it was; of a file 0
    chars: int
    label: str = ""  #: of a file, the line before it

    def as_json(self) -> dict[str, object]:
        """For the record of a reply or a job."""
        label = {"label": self.label} if self.label else {}
        return {"what": self.what, "message": self.message, "messages": self.messages, "chars": self.chars, **label}


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A conversation that fits."""

    messages: tuple[ChatMessage, ...]
    tokens: int  #: as they were counted
    dropped: tuple[Dropped, ...] = ()


def fit(messages: Sequence[ChatMessage], *, tokens: int, count: CountTokens) -> Fitted | None:
    """The conversation in at most so many tokens; None: what has to stay is longer than that."""
    kept: list[ChatMessage | None] = list(messages)
    dropped: list[Dropped] = []
    has = count(messages)
    if has <= tokens:
        return Fitted(messages=tuple(messages), tokens=has)
    for piece in _pieces(messages):
        for at in range(piece.message, piece.message + piece.messages):
            kept[at] = None
        if not piece.messages:
            kept[piece.message] = _without_file(kept[piece.message], piece)
        dropped.append(piece)
        left = [message for message in kept if message is not None]
        has = count(left)
        if has <= tokens:
            return Fitted(messages=tuple(left), tokens=has, dropped=tuple(dropped))
    return None


def _pieces(messages: Sequence[ChatMessage]) -> Iterator[Dropped]:
    """What may be dropped, in the order in which it is."""
    turns = _turns(messages)
    for turn in turns[:-1]:
        chars = sum(len(messages[at].text) for at in turn)
        yield Dropped(what="turn", message=turn.start, messages=len(turn), chars=chars)
    for at in turns[-1] if turns else ():
        if messages[at].role is not ChatRole.SYSTEM:
            yield from _files(messages[at].text, at)


def _turns(messages: Sequence[ChatMessage]) -> list[range]:
    """Runs of messages from one of the user to the next; system messages belong to none."""
    starts: list[int] = []
    turns: list[range] = []
    for at, message in enumerate([*messages, None]):
        is_end = message is None or message.role is ChatRole.SYSTEM
        asks = message is not None and message.role is ChatRole.USER
        if starts and (is_end or asks):
            turns.append(range(starts.pop(), at))
        if message is not None and not is_end and (asks or not starts):
            starts = [at] if asks or not starts else starts
    return turns


def _files(text: str, at: int) -> Iterator[Dropped]:
    for match in _FENCE.finditer(text):
        if len(match[0]) >= _SMALLEST_FILE:
            before = text[: match.start()].rstrip().rpartition("\n")[2].strip()
            yield Dropped(what="file", message=at, messages=0, chars=len(match[0]), label=before[:200])


def _without_file(message: ChatMessage | None, piece: Dropped) -> ChatMessage | None:
    if message is None:
        return None
    parts: list[MessagePart] = []
    is_done = False
    for part in message.parts:
        found = None
        if isinstance(part, TextPart) and not is_done:
            found = next((m for m in _FENCE.finditer(part.text) if len(m[0]) == piece.chars), None)
        if isinstance(part, TextPart) and found:
            left_out = f"[left out: a block of {found[0].count(chr(10)) - 1} lines]"
            parts.append(TextPart(text=part.text[: found.start()] + left_out + part.text[found.end() :]))
            is_done = True
        else:
            parts.append(part)
    return replace(message, parts=tuple(parts))
