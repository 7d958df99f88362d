"""An agent that works through `bridge mcp`, set up as docs/mcp.md says, and the inspector's command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from bridge.format.codec import keyed_id
from tests.clients.agents import AFTER, AGENTS, FILE, Agent, Call
from tests.clients.install import NPM_BIN
from tests.support.queues import QUEUE_ID, make_queue

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"
#: Where the page's settings have the queue.
QUEUE = Path("notebooks") / "qwen_bridge.ipynb"
INSPECTOR = "mcp-inspector"

_JOB = keyed_id(QUEUE_ID, "typo")
_PROMPT = {"prompt": "Print hello.", "key": "typo", "lang": "python", "out": FILE}
#: It queues a prompt, answers it, waits for the verdict and applies the result.
_CALLS = (
    Call(tool="enqueue_prompts", arguments={"prompts": [_PROMPT], "caller": "agent"}),
    Call(tool="answer", arguments={"job": _JOB, "text": f"```python\n{AFTER}```"}),
    Call(tool="wait_for_results", arguments={"jobs": [_JOB]}),
    Call(tool="apply_result", arguments={"job": _JOB, "dry_run": False, "force": True}),
)


def _by_mcp(name: str, unattended: Mapping[str, str] = MappingProxyType({}), first: tuple[Call, ...] = ()) -> Agent:
    """An agent of the others, that has these tools."""
    [agent] = [agent for agent in AGENTS if agent.name == name]
    calls = (*first, *(Call(tool=f"mcp__bridge__{call.tool}", arguments=call.arguments) for call in _CALLS))
    return replace(agent, calls=calls, unattended={**agent.unattended, **unattended}, mcp=True)


MCP_AGENTS = (
    _by_mcp("Codex"),
    # It begins before its servers are there, and has a tool to wait for them.
    _by_mcp(
        "Claude Code",
        {"--allowedTools Read Edit": "--mcp-config .mcp.json --strict-mcp-config --allowedTools mcp__bridge"},
        first=(Call(tool="WaitForMcpServers", arguments={}),),
    ),
)


def prepare(project: Path) -> None:
    """Put the queue of the page's settings into a project."""
    make_queue(project / QUEUE.parent)


def on_path(env: Mapping[str, str]) -> dict[str, str]:
    """The same environment, where `bridge` is found."""
    return {**env, "PATH": os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])}


def inspect(project: Path, *asked: str, program: Path | None = None) -> dict[str, object]:
    """What the inspector's command line gets of a server, as JSON. Raises CalledProcessError."""
    command = [
        str(program or NPM_BIN / INSPECTOR), "--cli", sys.executable, "-m", "bridge", "mcp", "--queue", str(QUEUE), "--root", ".", *asked,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True, timeout=120)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def inspected(project: Path) -> list[str]:
    """What is wrong with the server, seen through the inspector; nothing, if all is well."""
    prepare(project)
    tools = inspect(project, "--method", "tools/list")["tools"]
    assert isinstance(tools, list)
    wrong = [f"{tool['name']} has no annotations" for tool in tools if not tool.get("annotations")]
    called = inspect(
        project, "--method", "tools/call", "--tool-name", "enqueue_prompts", "--tool-arg", f"prompts={json.dumps([_PROMPT])}"
    )  # fmt: skip
    if _JOB not in json.dumps(called):
        wrong.append(f"enqueue_prompts gave {called}")
    read = inspect(project, "--method", "resources/read", "--uri", f"bridge://jobs/{_JOB}")
    if "queued" not in json.dumps(read):
        wrong.append(f"the resource of the job is {read}")
    return wrong
