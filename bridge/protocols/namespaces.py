"""Tools that a client gives by server: Codex sends those of an MCP server as one tool of the type `namespace`. Pure.

A model knows functions only, so each gets the name of both, `mcp__bridge__enqueue_prompts`; its calls are taken apart again for the client.
Only namespaces of MCP servers are read: Codex has others of its own (`multi_agent_v1`), and goes on without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_SERVER, _BETWEEN = "mcp__", "__"


def with_functions(tools: object) -> object:
    """The tools of a request, with the functions of servers among them; anything else is given back as it is."""
    if not isinstance(tools, list):
        return tools
    return [function for tool in tools for function in (_functions(tool) if _is_server(tool) else (tool,))]


def joined(item: Mapping[str, object]) -> object:
    """The name of a call that a client repeats, as the model knows it."""
    space, name = item.get("namespace"), item.get("name")
    return f"{space}{_BETWEEN}{name}" if isinstance(space, str) and space.startswith(_SERVER) else name


def parted(name: str, tools: object) -> dict[str, str]:
    """The fields that name a call for a client that gave these tools: `name`, and `namespace` if it gave it in one."""
    spaces = [str(tool["name"]) for tool in tools if _is_server(tool)] if isinstance(tools, list) else []
    for space in sorted(spaces, key=len, reverse=True):
        if name.startswith(space + _BETWEEN):
            return {"name": name.removeprefix(space + _BETWEEN), "namespace": space}
    return {"name": name}


def _is_server(tool: object) -> bool:
    return isinstance(tool, dict) and tool.get("type") == "namespace" and str(tool.get("name")).startswith(_SERVER)


def _functions(tool: Mapping[str, object]) -> Iterator[dict[str, object]]:
    within = tool.get("tools")
    for function in within if isinstance(within, list) else ():
        if isinstance(function, dict) and function.get("type", "function") == "function":
            yield {**function, "name": f"{tool['name']}{_BETWEEN}{function.get('name')}"}
