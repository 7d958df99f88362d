"""Whatever answers prompts does not: exit 3. When to ask again: engines/retry.py."""

from __future__ import annotations

from bridge.core.errors.base import BridgeError
from bridge.kernel.error_kind import ErrorKind


class EngineError(BridgeError):
    """The engine did not answer."""

    kind = "engine_error"  #: the reason in a result's `error.kind`; of each child a member of `ErrorKind`, which says what it means

    def __init_subclass__(cls, *, kind: ErrorKind) -> None:
        cls.kind = kind.value

    def __init__(self, message: str | None = None, *, partial: str = "") -> None:
        self.partial = partial  #: what had arrived of the answer
        super().__init__(message)


class EngineDown(EngineError, kind=ErrorKind.DOWN):
    """The engine cannot be reached."""


class ModelMissing(EngineError, kind=ErrorKind.MODEL_MISSING):
    """The engine does not have this model."""


class Overloaded(EngineError, kind=ErrorKind.OVERLOADED):
    """The engine's waiting line is full."""


class RateLimited(EngineError, kind=ErrorKind.RATE_LIMITED):
    """The engine wants fewer requests."""

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None, partial: str = "") -> None:
        self.retry_after_s = retry_after_s  #: seconds that the engine asked for; None: it did not say
        super().__init__(message, partial=partial)


class OutOfMemory(EngineError, kind=ErrorKind.OUT_OF_MEMORY):
    """The model does not fit into the engine's memory."""


class ContextExceeded(EngineError, kind=ErrorKind.CONTEXT_EXCEEDED):
    """The prompt is longer than the model's context."""

    def __init__(self, message: str | None = None, *, over_by: int, estimated: bool = False) -> None:
        self.over_by = over_by  #: tokens that are too many
        self.estimated = estimated  #: whether the engine did not count them
        super().__init__(message)


class BadRequest(EngineError, kind=ErrorKind.BAD_REQUEST):
    """The engine cannot do what the request asks for."""


class NotSupported(EngineError, kind=ErrorKind.NOT_SUPPORTED):
    """The engine cannot do this."""


class StreamInterrupted(EngineError, kind=ErrorKind.INTERRUPTED):
    """The answer broke off."""


class IncompleteAnswer(EngineError, kind=ErrorKind.INCOMPLETE):
    """The answer is not whole."""


class Refused(EngineError, kind=ErrorKind.REFUSED):
    """The engine refuses to answer."""


class QuotaExhausted(Refused, kind=ErrorKind.REFUSED):
    """The quota at the engine is used up."""

    def __init__(self, message: str | None = None, *, reset_after_s: float | None = None, partial: str = "") -> None:
        self.reset_after_s = reset_after_s  #: seconds until there is one again; None: the engine did not say
        super().__init__(message, partial=partial)
