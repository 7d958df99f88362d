"""Qwen Bridge: batches of coding prompts on a free GPU, with a notebook as the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.core.version import __version__ as __version__

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.api.rebuild import Rebuilt, rebuild
    from bridge.api.views import JobView, Status
    from bridge.core.errors import BridgeError
    from bridge.core.job import NewJob, Result, State
    from bridge.core.options import Options
    from bridge.store.enqueue import Added
    from bridge.store.query import JobLine

__all__ = [
    "Added", "Bridge", "BridgeError", "JobLine", "JobView", "NewJob", "Options", "Rebuilt", "Result", "State", "Status",
    "rebuild",
]  # fmt: skip

_HOMES = {
    "Bridge": "bridge.api.bridge",
    **dict.fromkeys(("Rebuilt", "rebuild"), "bridge.api.rebuild"),
    **dict.fromkeys(("JobView", "Status"), "bridge.api.views"),
    **dict.fromkeys(("NewJob", "Result", "State"), "bridge.core.job"),
    "Options": "bridge.core.options",
    "Added": "bridge.store.enqueue",
    "BridgeError": "bridge.core.errors",
    "JobLine": "bridge.store.query",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for at first use, so that `bridge --help` does not load the queue."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'bridge' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
