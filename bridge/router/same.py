"""Whether two requests are the same: by what is asked and by whom, whatever a client puts in that differs from one start to the next. Pure.

Billing lines, `metadata`, `user`, session and request ids are no part of `Asked`. What clients write into their prompts is masked
here: dates, times, ids and folders of a session, in instructions, and in the parts of user messages that each client is known to
fill itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from bridge.core.chat import ChatMessage, ChatRole
from bridge.protocols.asked import Asked
from bridge.protocols.openai import write_request

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*"
#: What differs from one start to the next.
_VARIES = re.compile(
    rf"(?i)\b[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}\b|\b\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    rf"|\b(?:{_DAY},? )?{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b|\b(?:{_DAY},? )?\d{{1,2}}\.? {_MONTH} \d{{4}}\b"
    r"|\b\d{1,2}[/.]\d{1,2}[/.]\d{4}\b|\b\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]m)?\b|\bcch=\w+|\b(?:sess|session|req|thread|conv)[_-](?=\w*\d)[\w-]{8,}"
)


_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True, kw_only=True)
class ClientHabit:
    """What a client writes into what its user says."""

    parts: re.Pattern[str] | None  #: of user messages that are its own; None: none are


def _between(*tags: str) -> ClientHabit:
    return ClientHabit(parts=re.compile("|".join(rf"(?s)<{tag}>.*?</{tag}>" if n == 0 else rf"<{tag}>.*?</{tag}>" for n, tag in enumerate(tags))))  # fmt: skip


#: {how its User-Agent begins: its habit}; all others write nothing of their own there.
HABITS: Mapping[str, ClientHabit] = {
    "codex": _between("environment_context", "user_instructions"),
    "claude-cli": _between("system-reminder", "env"),
    "opencode": _between("env", "system-reminder"),
    "qwencode": ClientHabit(parts=re.compile(r"(?s)\A.*?(?:Today's date is|setting up the context).*\Z")),
    "continue": ClientHabit(parts=None),
    "aider": ClientHabit(parts=None),
}
_NOBODY = ClientHabit(parts=None)


def same_key(asked: Asked, caller: str, user_agent: str = "") -> str:
    """Names all requests that are the same; of whether they are streamed it knows nothing."""
    agent = user_agent.lower()
    habit = next((habit for name, habit in HABITS.items() if agent.startswith(name)), _NOBODY)
    request = asked.request
    texts = [_masked(message, habit) for message in request.messages]
    rest = {**write_request(request), "options": sorted(asked.options.given().items()), "num_ctx": asked.num_ctx}
    rest.pop("prompt", None)
    said = rest.pop("messages", None) or []
    bare = [{name: value for name, value in message.items() if name != "content"} for message in said if isinstance(message, dict)] if isinstance(said, list) else []  # fmt: skip
    whole = orjson.dumps([caller, texts, bare, rest], option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(whole, digest_size=20).hexdigest()


def _masked(message: ChatMessage, habit: ClientHabit) -> str:
    if message.role is ChatRole.SYSTEM:
        return _steady(message.text)
    if message.role is ChatRole.USER and habit.parts is not None:
        return habit.parts.sub(lambda found: _steady(found[0]), message.text)
    return message.text


def _steady(text: str) -> str:
    """A text with a star for all that varies. Only lines with a digit can hold that, and most have none."""
    lines = text.split("\n")
    return "\n".join(_VARIES.sub("*", line) if _DIGIT.search(line) else line for line in lines)
