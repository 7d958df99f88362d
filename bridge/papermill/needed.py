"""papermill's modules, imported when they are needed."""

from __future__ import annotations

from types import ModuleType

from bridge.core.errors import MissingExtra


def papermill(module: str) -> ModuleType:
    """A module of papermill. Raises MissingExtra."""
    import importlib

    try:
        return importlib.import_module(f"papermill.{module}")
    except ImportError:
        raise MissingExtra("papermill", "papermill") from None
