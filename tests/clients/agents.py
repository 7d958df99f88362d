"""The agents that `make clients` runs: what each is installed by, and what the scripted model says to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.core.chat import ChatRole
from bridge.engines.base import Request

#: The file that each of them has to edit, before and after.
FILE = "greeting.py"
BEFORE = 'print("helo")\n'
AFTER = 'print("hello")\n'
_SED = f"sed -i s/helo/hello/ {FILE}"


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool call that the model makes. `{file}` in an argument is the whole path of the file."""

    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One of them."""

    name: str  #: its heading in docs/gateway.md, where its settings are
    program: str
    is_python: bool = False  #: installed by pip, else by npm
    calls: tuple[Call, ...] = ()  #: one after the other, in one conversation; then a last word
    edits: bool = True  #: False: it only completes a turn
    never_says: tuple[str, ...] = ()  #: words of its output that tell of a fault
    #: What a run that nobody watches needs more: {part of the command: what it becomes}
    unattended: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    mcp: bool = False  #: it also has the tools of `bridge mcp`, as docs/mcp.md sets it up
    heeds_no_proxy: bool = True  #: False: with a proxy set, it would send requests for localhost there too


_CHANGE = {"old_string": "helo", "new_string": "hello"}
AGENTS = (
    Agent(
        name="Codex",
        program="codex",
        calls=(Call(tool="exec_command", arguments={"cmd": _SED}),),
        never_says=("Defaulting to fallback metadata",),
        # it would confine its commands by means that a container may lack
        unattended={"codex exec": "codex exec --json --dangerously-bypass-approvals-and-sandbox"},
    ),
    Agent(
        name="Claude Code",
        program="claude",
        calls=(
            Call(tool="Read", arguments={"file_path": "{file}"}),
            Call(tool="Edit", arguments={"file_path": "{file}", **_CHANGE}),
        ),
        env={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    ),
    Agent(
        name="OpenCode",
        program="opencode",
        calls=(
            Call(tool="read", arguments={"filePath": "{file}"}),
            Call(tool="edit", arguments={"filePath": "{file}", "oldString": "helo", "newString": "hello"}),
        ),
        env={"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"},
    ),
    Agent(
        name="Qwen Code",
        program="qwen",
        calls=(
            Call(tool="read_file", arguments={"file_path": "{file}"}),
            Call(tool="edit", arguments={"file_path": "{file}", **_CHANGE}),
        ),
        heeds_no_proxy=False,
    ),
    Agent(
        name="aider",
        program="aider",
        is_python=True,
        unattended={"aider --model": "aider --no-check-update --analytics-disable --yes-always --model"},
    ),
    Agent(name="Continue", program="cn", edits=False, env={"CONTINUE_TELEMETRY_ENABLED": "0"}),
)


@dataclass(kw_only=True)
class Model:
    """What the scripted engine answers: the agent's calls in the words of Qwen2.5-Coder, or the edit as a text."""

    calls: tuple[Call, ...]
    file: Path

    def __call__(self, request: Request) -> str:
        """The next answer of a conversation."""
        done = sum(message.role is ChatRole.TOOL for message in request.messages)
        offered = {tool.name for tool in request.tools}
        if done < len(self.calls) and (call := self.calls[done]).tool in offered:
            arguments = {
                name: value.format(file=self.file) if isinstance(value, str) else value
                for name, value in call.arguments.items()
            }
            said = json.dumps({"name": call.tool, "arguments": arguments})
            return f"I change it.\n<tool_call>\n{said}\n</tool_call>"
        if "file listing" in request.text:  # aider's edit format for models that it does not know
            return f"I change it.\n\n{FILE}\n```\n{AFTER}```\n"
        return "The typo is fixed."
