"""A prompt or request as a job: refused if it cannot be stored faithfully, and put into a form that editors keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.core.chat import ChatMessage, ChatRequest, ChatRole
from bridge.core.errors import PromptRefused
from bridge.core.job import JobForm, NewJob
from bridge.protocols import job_body
from bridge.protocols.job_body import read_body, shown_prompt, write_body
from bridge.protocols.openai import ChatError

#: A prompt of a million bytes is far above any context that runs on a T4, and ten of them would fill a notebook.
MAX_BYTES = 1_000_000

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def compose(prompt: str, *, system: str | None = None, context: Sequence[tuple[str, str]] = ()) -> tuple[str, JobForm]:
    """(body, form) for a prompt, an optional system prompt and context files as (path, text).

    Raises:
        PromptRefused: empty, over `MAX_BYTES`, or holding a lone surrogate; says where.
    """
    if not prompt.strip():
        raise PromptRefused("the prompt is empty: give some text, or a file with -f")
    text = prompt + "".join(_context_block(path, body) for path, body in context)
    messages = [ChatMessage.system(system)] if system else []
    return body_of(ChatRequest(prompt=(*messages, ChatMessage.user(text))))


def body_of(request: ChatRequest) -> tuple[str, JobForm]:
    """(body, form) for a request. Raises PromptRefused, as `compose` does, and for more than one answer."""
    if request.n > 1:
        raise PromptRefused(f'"n" is {request.n}, but a job has one answer: add {request.n} jobs')
    for text in job_body.texts_of(request):
        _check(text)
    if not any(m.text.strip() or m.has_image for m in request.messages if m.role is not ChatRole.SYSTEM):
        raise PromptRefused("no message of the chat holds any text")
    body, form = write_body(request)
    if not body.isascii() and (lone := _SURROGATE.search(body)):
        raise PromptRefused(f"the request holds a lone surrogate (U+{ord(lone[0]):04X}), which no UTF-8 file can hold")
    if form is not JobForm.PROMPT and len(body.encode()) > MAX_BYTES:
        raise PromptRefused(f"the messages have more than {MAX_BYTES:,} bytes together: split them")
    return body, form


def job_of(request: ChatRequest, defaults: NewJob) -> NewJob:
    """The job that asks for this: `defaults` with the request as its body.

    Raises:
        PromptRefused: it cannot be stored faithfully, or wants more than one answer.
    """
    body, form = body_of(request)
    return replace(defaults, body=body, form=form)


def prompt_of(body: str, form: JobForm) -> str:
    """The prompt as a person would paste it into a chat: system prompt and messages one after the other.

    Raises:
        PromptRefused: a person's edit left no valid body.
    """
    try:
        return shown_prompt(read_body(body, form))
    except ChatError as error:
        raise PromptRefused(str(error)) from error


def texts_of(new: NewJob) -> list[tuple[str, str]]:
    """(what it is, text) of all that a new job writes down and other people read; "" is the prompt itself."""
    body = prompt_of(new.body, new.form) if new.form is JobForm.CHAT else new.body
    named = (("key", new.key), ("caller", new.caller), ("batch", new.batch), ("--out", new.options.out))
    return [("", body), *((what, text) for what, text in named if text)]


def shown(body: str, form: JobForm) -> str:
    """The prompt as `prompt_of` gives it; the body as it stands, if a person's edit left no valid one."""
    try:
        return prompt_of(body, form)
    except PromptRefused:
        return body


def _check(text: str) -> None:
    if not text.isascii() and (lone := _SURROGATE.search(text)):
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
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`{3,}", text)), default=2))
    end = "" if text.endswith("\n") else "\n"
    return f"\n\nContext file `{path}`:\n\n{fence}\n{text}{end}{fence}"
