"""Bodies held against the models of OpenAI's, Anthropic's and Ollama's own clients: strictly, and without fields that these do not know."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import httpx
from pydantic import BaseModel, TypeAdapter

#: Fields of ours that clients skip: what was done to the request, and the flat list and call that some callers want.
OURS = frozenset({"bridge"})


def judged(kind: Any, value: object, *, ours: Collection[str] = OURS) -> Any:
    """The body as the client's own model. Fails on a field that is missing, of another type, or unknown to it."""
    found = _reader(kind).validate_json(json.dumps(value), strict=True)
    unknown = set(_unknown(found)) - set(ours)
    assert not unknown, f"{type(found).__name__} does not know {unknown}"
    return found


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    """Made once: that of a stream's events is large."""
    return TypeAdapter(kind)


def events(response: httpx.Response) -> list[dict[str, Any]]:
    """The JSON of a stream's events; comments and `[DONE]` are none. The name of each is its type, where it has one."""
    found = []
    for block in response.text.split("\n\n"):
        lines = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
        if lines.get("data", "[DONE]") != "[DONE]":
            value = json.loads(lines["data"])
            assert lines.get("event", value.get("type")) == value.get("type")
            found.append(value)
    return found


def _unknown(value: object) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _unknown(item)
