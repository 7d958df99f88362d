"""`bridge mcp`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bridge.cli import base
from bridge.core.errors import MissingExtra


@base.command("mcp")
@base.folder_option(
    "--root",
    default=".",
    show_default=True,
    help="The project that apply_result writes to, and files of `context` are read from.",
)
def command(*, root: str, queue: str | None, as_json: bool) -> None:  # noqa: ARG001  # the protocol is JSON anyway
    """Serve the queue to agents: a server of the Model Context Protocol on standard input and output.

    \b
    bridge mcp
    bridge mcp --queue notebooks/qwen_bridge.ipynb --root ~/project

    Eleven tools add, find, wait for, answer, retry, cancel and apply jobs; results are resources too (docs/mcp.md). Needs the
    extra [mcp].

    \b
    An agent's settings say how to start it, mostly in this form:
    {"mcpServers": {"bridge": {"command": "bridge", "args": ["mcp", "--queue", "PATH", "--root", "PROJECT"]}}}
    """
    if importlib.util.find_spec("mcp") is None:
        raise MissingExtra("mcp", "mcp")
    from bridge.mcp_server import server

    with base.open_bridge(queue) as bridge:
        server.serve(bridge, root=Path(root))
