"""The parts that OpenAI's requests share, read leniently: fields that we do not know are ignored. Pure.

What is read is then held to the house's one reader of the shape (`protocols.openai`), so a value that it takes is valid.
Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.chat import ChatRequest
from bridge.core.errors import BadOption
from bridge.core.options import OPTIONS, Options
from bridge.protocols.asked import Json, Truncation
from bridge.protocols.openai import ChatError, read_request
from bridge.protocols.refusal import RefusedAsk

#: Answers to one request; each is asked for by itself.
MOST_ANSWERS = 8


def read_chat(wanted: Mapping[str, object]) -> ChatRequest:
    """The request that known fields make. Raises RefusedAsk."""
    try:
        return read_request({name: value for name, value in wanted.items() if value is not None})
    except ChatError as error:
        raise RefusedAsk.bad(str(error), next((name for name in wanted if f'"{name}"' in str(error)), None)) from None


def read_options(body: Json, *, also: Mapping[str, str] | None = None) -> Options:
    """The options of a body; `also`: {option: its field} of families that call one otherwise.

    Raises:
        RefusedAsk: names the field.
    """
    found: dict[str, object] = {}
    for option in OPTIONS.values():
        names = ((also or {}).get(option.name), *option.openai)
        if option.of_request and (value := _first(body, *names)) is not None and value != []:
            found[option.name] = value
    try:
        return Options.of(found)
    except BadOption as error:
        raise RefusedAsk.bad(str(error), str(error).partition(" ")[0]) from None


def read_count(body: Json) -> int:
    """How many answers are wanted. Raises RefusedAsk."""
    count = body.get("n")
    if count is None:
        return 1
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_ANSWERS:
        raise RefusedAsk.bad(f"n must be a whole number from 1 to {MOST_ANSWERS}, not {count!r}", "n")
    return count


def read_flag(body: Json, name: str) -> bool:
    """A field that is true or false; absent is false. Raises RefusedAsk."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise RefusedAsk.bad(f"{name} must be true or false, not {value!r}", name)
    return bool(value)


def functions_of(tools: object) -> list[object] | None:
    """The tools that are functions; those of other types belong to the provider and are left out."""
    if tools is None or tools == []:
        return None
    if not isinstance(tools, list):
        raise RefusedAsk.bad("tools must be a list", "tools")
    return [tool for tool in tools if isinstance(tool, dict) and tool.get("type", "function") == "function"] or None


def include_usage(body: Json) -> bool:
    """Whether the end of a stream is to say the usage: a chunk that nobody asked for crashes clients (cline#8384)."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def bridge_field(body: Json) -> Mapping[str, object]:
    """Our own extension of a body, `{"bridge": {…}}`. Raises RefusedAsk."""
    value = body.get("bridge")
    if value is not None and not isinstance(value, dict):
        raise RefusedAsk.bad("bridge must be an object", "bridge")
    return value or {}


def read_truncation(body: Json) -> Truncation:
    """`truncation`, at the top or in the `bridge` field. Raises RefusedAsk."""
    value = _first({**body, **bridge_field(body)}, "truncation")
    try:
        return Truncation(value) if value is not None else Truncation.ERROR
    except ValueError:
        raise RefusedAsk.bad(f'truncation must be "auto" or "disabled", not {value!r}', "truncation") from None


def read_private(body: Json) -> bool:
    """`{"bridge": {"private": true}}`. Raises RefusedAsk."""
    return read_flag(dict(bridge_field(body)), "private")


def _first(body: Mapping[str, object], *names: str | None) -> object:
    return next((body[name] for name in names if name is not None and body.get(name) is not None), None)
