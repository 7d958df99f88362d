"""When two requests are the same: two fresh starts of a client are, and two questions are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.protocols.anthropic import Messages
from bridge.protocols.asked import WireFormat
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.responses import Responses
from bridge.router.same import same_key

_FIXTURES = Path(__file__).parents[1] / "fixtures" / "clients"

#: {client: (wire, User-Agent, what its first start writes where, and its second)}; the spots stand in its instructions or context.
CLIENTS: dict[str, tuple[WireFormat, str, str]] = {
    "codex": (Responses(), "codex_exec/0.169.0", "<environment_context>\n<cwd>/w</cwd>\n<current_date>{date}</current_date>\n</environment_context>"),
    "claude-code": (Messages(), "claude-cli/2.1.197 (external, cli)", "<system-reminder>\nToday's date is {date}.\n</system-reminder>"),
    "opencode": (ChatCompletions(), "opencode/1.18.33", "<env>\n  Today's date: {long}\n</env>"),
    "qwen-code": (ChatCompletions(), "QwenCode/0.15.10 (linux; x64)", "This is the Qwen Code. We are setting up the context for our chat.\nToday's date is {long} (formatted according to the user's locale)."),
}  # fmt: skip
FIRST = {"date": "2026-11-21", "long": "Sat Nov 21 2026", "id": "0b7e3f52-6f1e-4a9c-9d53-1f0a6d6f2a10", "cch": "a1b2c"}
SECOND = {
    "date": "2026-11-22",
    "long": "Sunday, November 22, 2026",
    "id": "5c1d9f00-1111-4a9c-9d53-aaaaaaaaaaaa",
    "cch": "ffff0",
}


def start(name: str, says: dict[str, str]) -> dict[str, Any]:
    """A recorded request as one start of its client sends it."""
    body: dict[str, Any] = json.loads((_FIXTURES / f"{name}.json").read_text("utf-8"))
    context = CLIENTS[name][2].format(**says)
    body |= {"metadata": {"user_id": f"user_{says['id']}"}, "user": says["id"], "prompt_cache_key": says["id"], "client_metadata": {"id": says["id"]}}  # fmt: skip
    if name == "codex":
        body["input"].insert(0, {"type": "message", "role": "user", "content": [{"type": "input_text", "text": context}]})  # fmt: skip
        body["instructions"] = f"{body.get('instructions') or ''}\nSession {says['id']}"
    elif name == "claude-code":
        body["messages"].insert(0, {"role": "user", "content": [{"type": "text", "text": context}, {"type": "text", "text": "Go."}]})  # fmt: skip
        billing = {"type": "text", "text": f"x-anthropic-billing-header: cc_version=2.1.197; cch={says['cch']};"}
        system = body["system"] if isinstance(body["system"], list) else [{"type": "text", "text": body["system"]}]
        body["system"] = [billing, *system[1:]]
    elif name == "opencode":
        body["messages"].insert(0, {"role": "system", "content": context})
    else:
        body["messages"].insert(1, {"role": "user", "content": [{"type": "text", "text": context}]})
    return body


def key(name: str, body: dict[str, Any], caller: str = "me") -> str:
    wire, agent, _ = CLIENTS[name]
    return same_key(wire.read(body), caller, agent)


@pytest.mark.parametrize("name", CLIENTS)
def test_two_fresh_starts_of_a_client_send_the_same_request(name: str) -> None:
    first, second = start(name, FIRST), start(name, SECOND)
    assert first != second
    assert key(name, first) == key(name, second)


@pytest.mark.parametrize("name", CLIENTS)
def test_another_caller_another_question_another_model_are_others(name: str) -> None:
    body = start(name, FIRST)
    others = [key(name, body, "you"), key(name, {**body, "model": "qwen2.5-coder:32b"})]
    changed = json.loads(json.dumps(body))
    turn = changed["input" if name == "codex" else "messages"][-1]
    turn["content" if "content" in turn else "output"] = "Something else."
    others.append(key(name, changed))
    assert len({key(name, body), *others}) == 4


def test_a_date_that_a_person_writes_is_part_of_the_question() -> None:
    def asks(text: str) -> str:
        return same_key(ChatCompletions().read({"messages": [{"role": "user", "content": text}]}), "me", "curl/8")

    assert asks("What happened on 2026-11-21?") != asks("What happened on 2026-11-22?")


def test_a_stream_and_a_whole_reply_are_asked_for_by_the_same_request() -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    wire = ChatCompletions()
    assert same_key(wire.read(body), "me") == same_key(wire.read({**body, "stream": True}), "me")
