"""A request as the router sees it: what it is about, how large it is, and what its caller said of the way. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.core.chat import ChatMessage, ChatRole
from bridge.kernel.error_kind import estimate_tokens
from bridge.protocols.asked import Asked

#: Where a file is named: a path with an ending, or one of several folders.
_FILE = re.compile(r"(?<![\w/])(?:[\w.-]+/)*[\w-]+\.(?!com\b|org\b|net\b)[a-z][a-z0-9]{0,5}\b|(?<!\w)(?:[\w.-]+/){2,}")
#: Characters in which files are looked for.
_LOOKED_AT = 4_000


@dataclass(frozen=True, kw_only=True)
class RouteWish:
    """What a caller says of the way, beside the request."""

    target: str | None = None  #: this one and no other
    avoid: tuple[str, ...] = ()  #: not these
    domain: str | None = None
    path: str | None = None  #: of the file that the work is about
    session: str | None = None  #: of its conversation; None: told by its beginning
    user_agent: str = ""  #: of its client


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked."""

    prompt: str  #: what the person or program said last
    tokens: int  #: of all that is sent, about
    files: tuple[str, ...] = ()  #: that it names
    has_tools: bool = False
    fills_in: bool = False  #: autocomplete
    private: bool = False
    model: str | None = None  #: as it was asked for
    wish: RouteWish = RouteWish()


def task_of(asked: Asked, wish: RouteWish | None = None, *, private_folders: Sequence[str] = ()) -> Task:
    """The task of a request. `private_folders`: who names one of them anywhere is private."""
    wish = wish or RouteWish()
    request = asked.request
    messages = request.messages
    texts = [message.text for message in messages]
    last = next((message.text for message in reversed(messages) if message.role is ChatRole.USER), "")
    named = (*texts, wish.path or "")
    tools = sum(len(tool.name) + len(tool.description) + len(str(tool.parameters)) for tool in request.tools)
    found = (one[0] for one in _FILE.finditer(last[:_LOOKED_AT]))
    return Task(
        prompt=last,
        tokens=sum(estimate_tokens(text) for text in texts) + tools // 4,
        files=tuple(dict.fromkeys((*([wish.path] if wish.path else []), *found))),
        has_tools=bool(request.tools),
        fills_in=request.suffix is not None,
        private=asked.private or any(folder in text for folder in private_folders for text in named),
        model=asked.options.model,
        wish=wish,
    )


def conversation_of(caller: str, messages: Sequence[ChatMessage], wish: RouteWish) -> str:
    """Names a conversation: by its session, else by its caller and the first thing that was said in it."""
    first = next((message.text for message in messages if message.role is ChatRole.USER), "")
    what = f"{caller}\0{wish.session}" if wish.session else f"{caller}\0\0{first}"
    return hashlib.blake2b(what.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
