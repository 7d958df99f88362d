"""A prompt as the body of a job: refused if it cannot be stored faithfully, and put into a form that editors keep.

Most prompts stand in their cell byte for byte. One with carriage returns or other control characters, which editors
normalise or drop, is stored as a chat of one message, because JSON escapes them; so is one with a system prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from bridge.core.errors import PromptRefused

#: A prompt of a million bytes is far above any context that runs on a T4, and ten of them would fill a notebook.
MAX_BYTES = 1_000_000

#: Control characters but tab and line feed, and Unicode's own line ends: what an editor may change.
_FRAGILE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def compose(prompt: str, *, system: str | None = None, context: Sequence[tuple[str, str]] = ()) -> tuple[str, bool]:
    """(body, chat) for a prompt, an optional system prompt and context files as (path, text).

    Raises:
        PromptRefused: empty, over `MAX_BYTES`, or holding a lone surrogate; says where.
    """
    if not prompt.strip():
        raise PromptRefused("the prompt is empty: give some text, or a file with -f")
    text = prompt + "".join(_context_block(path, body) for path, body in context)
    messages = [{"role": "system", "content": system}] if system else []
    return body_of([*messages, {"role": "user", "content": text}])


def body_of(messages: Sequence[Mapping[str, str]]) -> tuple[str, bool]:
    """(body, chat) for chat messages. Raises PromptRefused, as `compose` does."""
    for message in messages:
        _check(message["content"])
    if not any(m["content"].strip() for m in messages if m["role"] != "system"):
        raise PromptRefused("no message of the chat holds any text")
    if len(messages) == 1 and messages[0]["role"] == "user" and not _FRAGILE.search(messages[0]["content"]):
        return messages[0]["content"], False
    fragile = any(_FRAGILE.search(message["content"]) for message in messages)
    body = json.dumps([dict(m) for m in messages], ensure_ascii=fragile, indent=1)
    if len(body.encode()) > MAX_BYTES:
        raise PromptRefused(f"the messages have more than {MAX_BYTES:,} bytes together: split them")
    return body, True


def messages_of(body: str, *, chat: bool) -> list[dict[str, str]]:
    """The chat messages of a job's body. Raises PromptRefused if a person's edit left no valid list."""
    if not chat:
        return [{"role": "user", "content": body}]
    try:
        messages = json.loads(body)
        return [{"role": str(m["role"]), "content": str(m["content"])} for m in messages]
    except (ValueError, TypeError, KeyError) as error:
        raise PromptRefused(f"the cell says --chat, but its body is no JSON list of messages: {error}") from error


def prompt_of(body: str, *, chat: bool) -> str:
    """The prompt as a person would paste it into a chat: system prompt and messages one after the other."""
    messages = messages_of(body, chat=chat)
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"[{m['role']}]\n{m['content']}" for m in messages)


def shown(body: str, *, chat: bool) -> str:
    """The prompt as `prompt_of` gives it; the body as it stands, if a person's edit left no valid list of messages."""
    try:
        return prompt_of(body, chat=chat)
    except PromptRefused:
        return body


def _check(text: str) -> None:
    if lone := _SURROGATE.search(text):
        raise PromptRefused(
            f"character {lone.start() + 1} is a lone surrogate (U+{ord(lone[0]):04X}), which no UTF-8 file can hold: "
            "the text was decoded wrongly somewhere; read it again as UTF-8"
        )
    size = len(text.encode())
    if size > MAX_BYTES:
        raise PromptRefused(
            f"the prompt has {size:,} bytes, the limit is {MAX_BYTES:,}: Colab cannot save notebooks of about 10 MB, and "
            "no model that runs there reads as much; split it"
        )


def _context_block(path: str, text: str) -> str:
    """A context file below the prompt, in a fence longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    end = "" if text.endswith("\n") else "\n"
    return f"\n\nContext file `{path}`:\n\n{fence}\n{text}{end}{fence}"
