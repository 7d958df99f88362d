"""The queue for agents: tools and resources of the Model Context Protocol, on standard input and output.

Needs the extra [mcp] (https://modelcontextprotocol.io, package `mcp` 2.x); `bridge mcp` starts it. docs/mcp.md lists the tools.
"""

from __future__ import annotations

from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations

from bridge.api.bridge import Bridge
from bridge.core.version import __version__
from bridge.mcp_server.adding import AddingTools
from bridge.mcp_server.changing import ChangingTools
from bridge.mcp_server.looking import LookingTools
from bridge.mcp_server.resources import add_resources
from bridge.mcp_server.strict import tool
from bridge.mcp_server.waiting import BEAT_S, WaitingTools
from bridge.mcp_server.words import INSTRUCTIONS

#: Changes nothing, here or elsewhere.
_LOOKS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def serve(bridge: Bridge, *, root: Path) -> None:
    """Serve a queue on standard input and output until the client goes. `root`: the project of `apply_result` and `context`."""
    server(bridge, root=root).run()


def server(bridge: Bridge, *, root: Path, beat_s: float = BEAT_S) -> MCPServer[object]:
    """The server, not started."""
    made: MCPServer[object] = MCPServer(
        "qwen-bridge", title="Qwen Bridge", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING",
        tools=_tools(bridge, root, beat_s),
    )  # fmt: skip
    add_resources(made, bridge)
    return made


def _tools(bridge: Bridge, root: Path, beat_s: float) -> list[Tool]:
    """All tools. What reaches a model, and so perhaps another machine, is open-world."""
    adding, looking, changing = AddingTools(bridge, root), LookingTools(bridge), ChangingTools(bridge, root)
    waiting = WaitingTools(bridge, root, beat_s=beat_s)
    return [
        tool(adding.enqueue_prompts, "Queue prompts", _writes(repeats=False, reaches_out=True)),
        tool(adding.context, "Size of context files", _LOOKS),
        tool(looking.queue_status, "Queue at a glance", _LOOKS),
        tool(looking.list_jobs, "List jobs", _LOOKS),
        tool(looking.search, "Search prompts and answers", _LOOKS),
        # It hands results over, and may ask a model for repairs.
        tool(waiting.wait_for_results, "Wait for results", _writes(reaches_out=True)),
        tool(looking.get_result, "One result", _LOOKS),
        tool(changing.cancel_jobs, "Cancel jobs", _writes(destroys=True)),
        tool(changing.retry, "Retry jobs", _writes(destroys=True, repeats=False, reaches_out=True)),
        tool(changing.answer, "Answer a job", _writes(repeats=False)),
        tool(changing.apply_result, "Apply a result", _writes(destroys=True)),
    ]


def _writes(*, destroys: bool = False, repeats: bool = True, reaches_out: bool = False) -> ToolAnnotations:
    """Of a tool that writes. `repeats`: a second call with the same arguments changes nothing more."""
    return ToolAnnotations(
        read_only_hint=False, destructive_hint=destroys, idempotent_hint=repeats, open_world_hint=reaches_out
    )
