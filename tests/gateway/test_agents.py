"""What agents send, as `make clients` recorded it, with words of ours: each gets its answer, and the model sees what was meant.

docs/gateway.md has the table of what was recorded, with versions.
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from bridge.core.chat import ChatRole
from bridge.engines.base import Request
from bridge.engines.scripted import Scripted
from tests.gateway.conftest import Served

_FIXTURES = Path(__file__).parents[1] / "fixtures" / "clients"
_CALL = '<tool_call>\n{"name": "NAME", "arguments": ARGUMENTS}\n</tool_call>'

#: {file: (path, tool that the model calls, its arguments, tools that are left, roles that the engine sees)}
_RECORDED = {
    "codex": ("/v1/responses", "exec_command", '{"cmd": "ls"}', 2, "system system user user assistant tool"),
    "claude-code": ("/v1/messages?beta=true", "Read", '{"file_path": "a.py"}', 2, "system user system assistant tool"),
    "opencode": ("/v1/chat/completions", "read", '{"filePath": "a.py"}', 2, "system user assistant tool"),
    "qwen-code": ("/v1/chat/completions", "edit", '{"file_path": "a", "old_string": "b", "new_string": "c"}', 2, "system user assistant user assistant tool"),
    "continue": ("/v1/chat/completions", "Read", '{"filepath": "a.py"}', 1, "system user"),
    "pi": ("/v1/chat/completions", "bash", '{"command": "ls"}', 1, "system user assistant tool"),
    "aider": ("/v1/chat/completions", "", "", 0, "system user assistant user assistant user"),
}  # fmt: skip


def _asked(served: Served, name: str) -> tuple[str, Request]:
    """The stream that a recorded request gets, and what the engine saw."""
    path, tool, arguments, _, _ = _RECORDED[name]
    said = _CALL.replace("NAME", tool).replace("ARGUMENTS", arguments) if tool else "Done."
    served.engine.enqueue(Scripted(text=f"I look.\n{said}"))
    body = json.loads((_FIXTURES / f"{name}.json").read_text("utf-8"))
    reply = httpx.post(f"{served.url}{path}", json=body)
    assert reply.status_code == 200, reply.text
    return reply.text, served.engine.requests[-1]


@pytest.mark.parametrize("name", _RECORDED)
def test_the_model_sees_what_an_agent_means(served: Served, name: str) -> None:
    _, _, _, tools, roles = _RECORDED[name]
    _, seen = _asked(served, name)
    assert len(seen.tools) == tools
    assert " ".join(message.role.value for message in seen.messages) == roles
    assert "billing" not in seen.text
    assert all(message.text for message in seen.messages if message.role is ChatRole.TOOL)


@pytest.mark.parametrize("name", [name for name in _RECORDED if _RECORDED[name][1]])
def test_the_agent_gets_its_call_and_none_of_its_text(served: Served, name: str) -> None:
    _, tool, arguments, _, _ = _RECORDED[name]
    stream, _ = _asked(served, name)
    assert f'"name":"{tool}"' in stream
    assert json.dumps(arguments) in stream
    assert "tool_call>" not in stream


def test_claude_code_finds_the_gateway_before_it_asks(served: Served) -> None:
    assert httpx.head(f"{served.url}/").status_code == 200


def test_codex_gets_a_catalogue_with_every_field_that_it_needs(served: Served) -> None:
    plain = httpx.get(f"{served.url}/v1/models").json()
    assert "models" not in plain
    for path in ("/v1/models", "/models"):
        found = httpx.get(f"{served.url}{path}", params={"client_version": "0.169.0"}).json()["models"]
        assert [model["slug"] for model in found] == ["scripted", "qwen2.5-coder:1.5b"]
        # without one of these, Codex 0.169.0 drops the whole list
        needed = {
            "slug", "display_name", "supported_reasoning_levels", "shell_type", "visibility", "supported_in_api", "priority",
            "support_verbosity", "truncation_policy", "experimental_supported_tools", "base_instructions",
        }  # fmt: skip
        assert all(needed <= model.keys() for model in found)
        assert found[0]["context_window"] == served.gateway.backend.num_ctx
