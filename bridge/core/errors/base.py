"""The root of all failures."""

from __future__ import annotations

import inspect


class BridgeError(Exception):
    """Qwen Bridge could not do this."""

    exit_code = 3

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or "").partition("\n")[0])
