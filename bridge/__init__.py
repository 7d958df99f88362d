"""Qwen Bridge: batches of coding prompts on a free GPU, with a notebook as the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.core.version import __version__ as __version__

if TYPE_CHECKING:
    from bridge.api.async_bridge import AsyncBridge
    from bridge.api.bridge import Bridge
    from bridge.api.handle import JobHandle
    from bridge.api.rebuild import Rebuilt, rebuild
    from bridge.api.views import JobView, Status
    from bridge.core.errors import (
        AmbiguousJob,
        AnswerRefused,
        BadBatch,
        BadOption,
        BridgeError,
        ConfigError,
        EngineError,
        JobFailed,
        JournalError,
        MissingExtra,
        ModelMissing,
        NotAQueue,
        NotDelivered,
        PromptRefused,
        QueueError,
        QueueNotFound,
        QueueUnreadable,
        SecretFound,
        UnknownJob,
        UsageError,
        WaitTimedOut,
        WrongState,
    )
    from bridge.core.job import NewJob, Result, State
    from bridge.core.options import Options
    from bridge.store.enqueue import Added
    from bridge.store.query import JobLine
    from bridge.worker.config import WorkSummary

__all__ = [
    "Added", "AmbiguousJob", "AnswerRefused", "AsyncBridge", "BadBatch", "BadOption", "Bridge", "BridgeError", "ConfigError",
    "EngineError", "JobFailed", "JobHandle", "JobLine", "JobView", "JournalError", "MissingExtra", "ModelMissing", "NewJob",
    "NotAQueue", "NotDelivered", "Options", "PromptRefused", "QueueError", "QueueNotFound", "QueueUnreadable", "Rebuilt",
    "Result", "SecretFound", "State", "Status", "UnknownJob", "UsageError", "WaitTimedOut", "WorkSummary", "WrongState",
    "rebuild",
]  # fmt: skip

_HOMES = {
    "AsyncBridge": "bridge.api.async_bridge",
    "Bridge": "bridge.api.bridge",
    "JobHandle": "bridge.api.handle",
    **dict.fromkeys(("Rebuilt", "rebuild"), "bridge.api.rebuild"),
    **dict.fromkeys(("JobView", "Status"), "bridge.api.views"),
    **dict.fromkeys(("NewJob", "Result", "State"), "bridge.core.job"),
    "Options": "bridge.core.options",
    "Added": "bridge.store.enqueue",
    "JobLine": "bridge.store.query",
    "WorkSummary": "bridge.worker.config",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for at first use, so that `bridge --help` does not load the queue."""
    import importlib

    if name not in __all__:
        raise AttributeError(f"module 'bridge' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES.get(name, "bridge.core.errors")), name)


def __dir__() -> list[str]:
    """What can be imported from here, for an interactive shell."""
    return sorted({*globals(), *__all__})
