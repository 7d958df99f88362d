"""A request as the body of a prompt cell and back: a prompt as it stands, a list of messages, or the whole request as JSON.

The smallest form that holds everything is taken, so that plain jobs stay what version 0.1 reads. A prompt with carriage
returns or other control characters, which editors normalise or drop, is stored as a chat of one message, because JSON
escapes them.
"""

from __future__ import annotations

import json
import re

from bridge.core.chat import ChatMessage, ChatRequest, ChatRole
from bridge.kernel import chat
from bridge.kernel.grammar import JobForm
from bridge.protocols import openai

#: Control characters but tab and line feed, and Unicode's own line ends: what an editor may change.
_FRAGILE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


def write_body(request: ChatRequest) -> tuple[str, JobForm]:
    """(body, form) of the job that asks for this."""
    messages = request.messages
    fragile = any(_FRAGILE.search(text) for text in texts_of(request))
    if not request.is_plain:
        return _indented(openai.write_request(request), fragile), JobForm.REQUEST
    if len(messages) == 1 and messages[0].role is ChatRole.USER and not fragile:
        return messages[0].text, JobForm.PROMPT
    return _indented(openai.write_messages(messages), fragile), JobForm.CHAT


def read_body(body: str, form: JobForm) -> ChatRequest:
    """What a job asks for.

    Raises:
        ChatError: the body is not what the form says: a person edited it.
    """
    return openai.typed_request(chat.read_body(body, form))


def texts_of(request: ChatRequest) -> list[str]:
    """Every text in a request that a person or a model wrote: of messages, tool calls and what follows a gap."""
    texts = [text for message in request.messages for text in _message_texts(message)]
    return [*texts, *([request.suffix] if request.suffix else [])]


def _message_texts(message: ChatMessage) -> list[str]:
    return [message.text, *(call.arguments for call in message.tool_calls)]


def shown_prompt(request: ChatRequest) -> str:
    """The request as a person would paste it into a chat: messages one after the other, tool calls as text."""
    if isinstance(request.prompt, str):
        return request.prompt + (f"\n\n[what follows]\n{request.suffix}" if request.suffix else "")
    messages = request.messages
    if len(messages) == 1 and messages[0].is_plain:
        return messages[0].text
    return "\n\n".join(f"[{message.role.value}]\n{_shown_message(message)}" for message in messages)


def _shown_message(message: ChatMessage) -> str:
    calls = [f"calls {call.name}({call.arguments})" for call in message.tool_calls]
    images = ["(an image)"] if message.has_image else []
    return "\n".join(text for text in (message.text, *images, *calls) if text)


def _indented(value: object, fragile: bool) -> str:
    text = json.dumps(value, ensure_ascii=fragile, indent=1)
    return json.dumps(value, indent=1) if _FRAGILE.search(text) else text
