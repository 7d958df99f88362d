"""JSONL batches: our own lines and OpenAI Batch lines, each read strictly, all problems reported at once.

Our line: {"prompt": "...", "system": "...", "lang": "...", ...}. An OpenAI line: {"custom_id", "method", "url", "body"}
(https://platform.openai.com/docs/guides/batch). What cannot be honoured is refused, never dropped: a request for three
choices answered with one would be a lie.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from bridge.core.chat import ChatRequest
from bridge.core.errors import BadBatch, PromptRefused, SecretFound
from bridge.core.job import NewJob
from bridge.core.options import OPTIONS, Options
from bridge.core.text import flat
from bridge.intake.prompt import body_of, compose, texts_of
from bridge.intake.secret_scan import scan_for_secrets
from bridge.protocols.openai import read_messages, read_request
from bridge.protocols.openai_batch import read_frame

_OWN = frozenset({"prompt", "system", "key", "caller", "batch", "messages"})
_URLS = frozenset({"/v1/chat/completions", "/v1/completions"})
#: Parameters that change nothing for a batch as long as they have these values.
_HARMLESS: Mapping[str, tuple[object, ...]] = {
    "stream": (False, None),
    "n": (1, None),
    "logprobs": (False, None),
    "presence_penalty": (0, None),
    "frequency_penalty": (0, None),
}
_IGNORED = frozenset({"user", "metadata", "store", "service_tier"})
#: {option: its fields}
_OPENAI = {option.name: option.openai for option in OPTIONS.values() if option.openai}
#: What makes up the request itself; with the older names of two.
_ASKED = ("messages", "tools", "tool_choice", "response_format")
_OLDER = {"functions": "tools", "function_call": "tool_choice"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What was read."""

    jobs: list[NewJob]
    #: (1-based line, reason)
    problems: list[tuple[int, str]]


def read_batch(
    data: bytes, *, defaults: NewJob, source: str, skip_bad: bool = False, allow_secrets: bool = False
) -> Batch:
    """The jobs of a JSONL file. Blank lines and a byte order mark are skipped; `defaults` fill in what a line does not say.

    Raises:
        BadBatch: lines are wrong or seem to hold a secret (all of them are named, in order), and `skip_bad` is off; or there
            is no job in it at all.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadBatch([(1, "this is UTF-16: save it as UTF-8")], source=source)
    jobs: list[NewJob] = []
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(data.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            new = read_line(line, defaults)
            if not allow_secrets:
                scan_for_secrets((what or "the prompt", text) for what, text in texts_of(new))
            jobs.append(new)
        except SecretFound as error:
            problems.append((number, _named(line) + error.reason))
        except (ValueError, PromptRefused) as error:
            problems.append((number, _named(line) + str(error)))
    if (problems and not skip_bad) or not jobs:
        raise BadBatch(problems or [(1, "there is no job in it")], source=source)
    return Batch(jobs=jobs, problems=problems)


def _named(line: bytes) -> str:
    """The name that a line's caller gave it, to begin a message with."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ""
    given = {name: value.get(name) for name in ("custom_id", "key")} if isinstance(value, dict) else {}
    return next((f"{name} {flat(text, 80)!r}: " for name, text in given.items() if isinstance(text, str) and text), "")


def read_line(line: bytes, defaults: NewJob) -> NewJob:
    """One line's job. Raises ValueError or PromptRefused with the reason."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if "body" in value or "custom_id" in value:
        return _openai(value, defaults)
    return _own(value, defaults)


def _own(value: Mapping[str, object], defaults: NewJob) -> NewJob:
    names = {name.replace("-", "_"): item for name, item in value.items()}
    unknown = sorted(names.keys() - _OWN - OPTIONS.keys())
    if unknown:
        raise ValueError(
            f"unknown field{'s' * (len(unknown) > 1)} {', '.join(unknown)}; known are {', '.join(sorted(_OWN | OPTIONS.keys()))}"
        )
    if ("prompt" in names) == ("messages" in names):
        raise ValueError('one of "prompt" and "messages" is needed')
    if "messages" in names:
        body, form = body_of(_readable(ChatRequest(prompt=read_messages(names["messages"]))))
    else:
        body, form = compose(_text(names, "prompt") or "", system=_text(names, "system"))
    return NewJob(
        body=body,
        form=form,
        options=_options({n: names[n] for n in OPTIONS if n in names}, defaults.options),
        key=_text(names, "key"),
        caller=_text(names, "caller") or defaults.caller,
        batch=_text(names, "batch") or defaults.batch,
    )


def _openai(value: Mapping[str, object], defaults: NewJob) -> NewJob:
    frame = read_frame(value)
    body = frame.body
    if frame.url not in _URLS:
        raise ValueError(f'"url" must be one of {", ".join(sorted(_URLS))}')
    values = {name: [body[f] for f in fields if body.get(f) is not None] for name, fields in _OPENAI.items()}
    completion = frame.url == "/v1/completions"
    asked = {"prompt", "suffix"} if completion else {*_ASKED, *_OLDER}
    known = {*_IGNORED, *(field for fields in _OPENAI.values() for field in fields), *asked}
    for name in body.keys() - known:
        if name not in _HARMLESS or body[name] not in _HARMLESS[name]:
            raise ValueError(f'"{name}" cannot be honoured here: take it out, or send this line elsewhere')
    if completion and body.get("suffix") is None:
        text, form = compose(_text(body, "prompt") or "")
    else:
        given = {_OLDER.get(name, name): body[name] for name in asked if body.get(name) not in (None, [])}
        text, form = body_of(_readable(read_request(given)))
    return NewJob(
        body=text,
        form=form,
        options=_options({name: found[0] for name, found in values.items() if found}, defaults.options),
        key=frame.custom_id,
        caller=defaults.caller,
        batch=defaults.batch,
        endpoint=str(value["url"]) if completion else None,
    )


def _options(given: Mapping[str, object], defaults: Options) -> Options:
    """The options of a line; null is not given. Raises BadOption."""
    return Options.of({**defaults.given(), **{name: value for name, value in given.items() if value is not None}})


def _readable(request: ChatRequest) -> ChatRequest:
    for number, message in enumerate(request.messages, 1):
        if message.has_image:
            raise ValueError(f"message {number} holds something other than text, which no coding model reads")
    return request


def _text(value: Mapping[str, object], name: str) -> str | None:
    text = value.get(name)
    if text is not None and not isinstance(text, str):
        raise ValueError(f'"{name}" must be a text')
    return text
