"""Qwen Bridge: batches of coding prompts on a free GPU, with a notebook as the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.api import Bridge, Rebuilt, rebuild
    from bridge.errors import BridgeError
    from bridge.job import NewJob, Options, Result, State
    from bridge.notebook.enqueue import Added
    from bridge.notebook.query import JobLine
    from bridge.views import JobView, Status

__version__ = "0.1.0"

__all__ = [
    "Added", "Bridge", "BridgeError", "JobLine", "JobView", "NewJob", "Options", "Rebuilt", "Result", "State", "Status",
    "rebuild",
]  # fmt: skip

_HOMES = {
    **dict.fromkeys(("Bridge", "Rebuilt", "rebuild"), "bridge.api"),
    **dict.fromkeys(("JobView", "Status"), "bridge.views"),
    **dict.fromkeys(("NewJob", "Options", "Result", "State"), "bridge.job"),
    "Added": "bridge.notebook.enqueue",
    "BridgeError": "bridge.errors",
    "JobLine": "bridge.notebook.query",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for at first use, so that `bridge --help` does not load the queue."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'bridge' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
