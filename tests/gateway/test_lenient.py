"""What clients send beside what is asked: ignored, flattened or accepted in every family, never a refusal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.gateway.conftest import Served

Body = dict[str, Any]
_PARAMETERS = {"type": "object", "properties": {}}
_UNKNOWN: Body = {"thinking": {"type": "adaptive"}, "context_management": {"edits": []}, "xyz": [1, {"a": None}], "user": "u", "service_tier": "auto"}  # fmt: skip
_PARTS = [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there."}]
_LATE = [{"role": "user", "content": "One."}, {"role": "assistant", "content": "Two."}, {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Three."}]  # fmt: skip
_FUNCTION = {"type": "function", "function": {"name": "add", "parameters": _PARAMETERS}}
_SERVER_TOOLS: list[Body] = [
    {"type": "web_search"},
    {"type": "namespace", "name": "x", "tools": []},
    {"type": "custom", "name": "y"},
]

#: {family: (path, body with these messages, body with these tools)}.
FAMILIES: dict[str, tuple[str, Body, list[Body]]] = {
    "chat": ("/v1/chat/completions", {}, [_FUNCTION, *_SERVER_TOOLS]),
    "messages": (
        "/v1/messages", {"max_tokens": 10},
        [{"name": "add", "input_schema": _PARAMETERS}, {"type": "web_search_20250305", "name": "web_search"}, {"type": "bash_20250124", "name": "bash"}],
    ),
    "ollama": ("/api/chat", {"stream": False}, [_FUNCTION, *_SERVER_TOOLS]),
    "responses": ("/v1/responses", {}, [{"type": "function", "name": "add", "parameters": _PARAMETERS}, *_SERVER_TOOLS]),
}  # fmt: skip


def _ask(served: Served, family: str, messages: list[Body], **more: object) -> list[tuple[str, str]]:
    """(role, text) of each message that the engine got."""
    path, body, _ = FAMILIES[family]
    field = "input" if family == "responses" else "messages"
    reply = httpx.post(served.url + path, json={"model": "scripted", field: messages, **body, **more})
    assert reply.status_code == 200, reply.text
    return [(message.role.value, message.text) for message in served.engine.requests[-1].messages]


@pytest.mark.parametrize("family", FAMILIES)
def test_unknown_fields_are_ignored(served: Served, family: str) -> None:
    assert _ask(served, family, [{"role": "user", "content": "hi", "xyz": 1}], **_UNKNOWN) == [("user", "hi")]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_late_system_message_stays_where_it_is(served: Served, family: str) -> None:
    said = _ask(served, family, _LATE)
    assert [text for _, text in said] == ["One.", "Two.", "Be brief.", "Three."]
    assert said[2][0] == "system"


@pytest.mark.parametrize("family", ["chat", "messages", "responses"])
def test_content_in_parts_is_flattened(served: Served, family: str) -> None:
    assert _ask(served, family, [{"role": "user", "content": _PARTS}]) == [("user", "Hi there.")]


@pytest.mark.parametrize("family", FAMILIES)
def test_tools_of_other_types_are_left_out(served: Served, family: str) -> None:
    _ask(served, family, [{"role": "user", "content": "hi"}], tools=FAMILIES[family][2])
    assert [tool.name for tool in served.engine.requests[-1].tools] == ["add"]
    _ask(served, family, [{"role": "user", "content": "hi"}], tools=FAMILIES[family][2][1:])
    assert served.engine.requests[-1].tools == ()


def test_completions_ignore_what_they_do_not_know(served: Served) -> None:
    for path, body in (
        ("/v1/completions", {"prompt": "hi", "best_of": 1, "echo": False}),
        ("/api/generate", {"prompt": "hi", "raw": True, "stream": False, "context": [1, 2]}),
        ("/infill", {"input_prefix": "a", "input_suffix": "b", "t_max_predict_ms": 500, "samplers": ["top_k"]}),
    ):
        reply = httpx.post(served.url + path, json={"model": "scripted", **body, **_UNKNOWN})
        assert reply.status_code == 200, reply.text
