"""Why a client gets no answer: one value, and what each family calls it. Pure.

Sources: https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from bridge.core.errors import (
    BadOption,
    BadRequest,
    BridgeError,
    ContextExceeded,
    EngineDown,
    EngineError,
    IncompleteAnswer,
    ModelMissing,
    NotSupported,
    OutOfMemory,
    Overloaded,
    PromptRefused,
    QueueError,
    RateLimited,
    Refused,
    SecretFound,
    StreamInterrupted,
    UnknownJob,
    UsageError,
)


class RefusalKind(Enum):
    """What went wrong, as an HTTP client tells it apart."""

    BAD_REQUEST = "bad_request"  # it cannot be done as it was asked
    CONTEXT_EXCEEDED = "context_exceeded"  # longer than the model's window
    UNAUTHORIZED = "unauthorized"  # no token, or a wrong one
    FORBIDDEN = "forbidden"  # not from there
    NOT_FOUND = "not_found"  # no such path, model or object
    WRONG_METHOD = "wrong_method"  # the path is another method's
    CONFLICT = "conflict"  # the object is in a state that does not allow it
    TOO_LARGE = "too_large"  # more than the gateway reads
    SECRET = "secret"  # noqa: S105  # a prompt on its way to the queue seems to hold one
    LINE_FULL = "line_full"  # too many are waiting
    RATE_LIMITED = "rate_limited"  # the engine, or the brake, wants fewer requests
    UNAVAILABLE = "unavailable"  # the engine or the queue does not answer
    BROKEN_OFF = "broken_off"  # the answer ended before its end
    TIMED_OUT = "timed_out"  # it took too long
    INTERNAL = "internal"  # a fault of ours


@dataclass(frozen=True, kw_only=True)
class _Names:
    status: int
    openai_type: str
    openai_code: str | None
    anthropic_type: str


def _names(status: int, openai_type: str, openai_code: str | None, anthropic_type: str) -> _Names:
    return _Names(status=status, openai_type=openai_type, openai_code=openai_code, anthropic_type=anthropic_type)


_BAD = "invalid_request_error"
_NAMES: Mapping[RefusalKind, _Names] = {
    RefusalKind.BAD_REQUEST: _names(400, _BAD, None, _BAD),
    RefusalKind.CONTEXT_EXCEEDED: _names(400, _BAD, "context_length_exceeded", _BAD),
    RefusalKind.UNAUTHORIZED: _names(401, _BAD, "invalid_api_key", "authentication_error"),
    RefusalKind.FORBIDDEN: _names(403, _BAD, "forbidden", "permission_error"),
    RefusalKind.NOT_FOUND: _names(404, _BAD, "not_found", "not_found_error"),
    RefusalKind.WRONG_METHOD: _names(405, _BAD, "method_not_allowed", _BAD),
    RefusalKind.CONFLICT: _names(409, _BAD, "conflict", _BAD),
    RefusalKind.TOO_LARGE: _names(413, _BAD, "request_too_large", "request_too_large"),
    RefusalKind.SECRET: _names(400, _BAD, "secret_found", _BAD),
    RefusalKind.LINE_FULL: _names(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"),
    RefusalKind.RATE_LIMITED: _names(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"),
    RefusalKind.UNAVAILABLE: _names(503, "server_error", "engine_unavailable", "overloaded_error"),
    RefusalKind.BROKEN_OFF: _names(502, "server_error", "answer_broke_off", "api_error"),
    RefusalKind.TIMED_OUT: _names(504, "server_error", "timeout", "timeout_error"),
    RefusalKind.INTERNAL: _names(500, "server_error", "internal_error", "api_error"),
}

#: openai-python waits no longer than this and gives up at once; told not to, it says so to its caller.
LONGEST_RETRY_S = 120.0


@dataclass(frozen=True, kw_only=True)
class ApiRefusal:
    """Why there is no answer."""

    kind: RefusalKind
    message: str
    param: str | None = None  #: the field that is to blame
    code: str | None = None  #: instead of the kind's own, for OpenAI's family
    tokens: int | None = None  #: of the request, with CONTEXT_EXCEEDED
    window: int | None = None  #: that the model has, with CONTEXT_EXCEEDED
    retry_after_s: float | None = None
    location: str | None = None  #: where the same can be had later

    @property
    def status(self) -> int:
        """The HTTP status."""
        return _NAMES[self.kind].status

    @property
    def openai_type(self) -> str:
        """`error.type` in OpenAI's family."""
        return _NAMES[self.kind].openai_type

    @property
    def openai_code(self) -> str | None:
        """`error.code` in OpenAI's family."""
        return self.code or _NAMES[self.kind].openai_code

    @property
    def anthropic_type(self) -> str:
        """`error.type` in Anthropic's family."""
        return _NAMES[self.kind].anthropic_type

    def headers(self) -> dict[str, str]:
        """When to come again, and where."""
        told: dict[str, str] = {}
        if self.retry_after_s is not None:
            told["retry-after"] = str(max(1, round(self.retry_after_s)))
            if self.retry_after_s > LONGEST_RETRY_S:
                told["x-should-retry"] = "false"
        if self.location is not None:
            told["location"] = self.location
        return told


class RefusedAsk(Exception):  # it carries a refusal, it is no error of ours
    """A request that is refused; never crosses the edge of the gateway."""

    def __init__(self, refusal: ApiRefusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)

    @classmethod
    def bad(cls, message: str, param: str | None = None) -> RefusedAsk:
        """It cannot be done as it was asked; `param`: the field that is to blame."""
        return cls(ApiRefusal(kind=RefusalKind.BAD_REQUEST, message=message, param=param))


#: The first that fits counts.
_KINDS: tuple[tuple[type[BridgeError], RefusalKind], ...] = (
    (SecretFound, RefusalKind.SECRET),
    (UnknownJob, RefusalKind.NOT_FOUND),
    (BadOption, RefusalKind.BAD_REQUEST),
    (PromptRefused, RefusalKind.BAD_REQUEST),
    (UsageError, RefusalKind.BAD_REQUEST),
    (ModelMissing, RefusalKind.NOT_FOUND),
    (BadRequest, RefusalKind.BAD_REQUEST),
    (NotSupported, RefusalKind.BAD_REQUEST),
    (RateLimited, RefusalKind.RATE_LIMITED),
    (Overloaded, RefusalKind.LINE_FULL),
    (EngineDown, RefusalKind.UNAVAILABLE),
    (OutOfMemory, RefusalKind.UNAVAILABLE),
    (StreamInterrupted, RefusalKind.BROKEN_OFF),
    (IncompleteAnswer, RefusalKind.BROKEN_OFF),
    (Refused, RefusalKind.BAD_REQUEST),
    (EngineError, RefusalKind.UNAVAILABLE),
    (QueueError, RefusalKind.UNAVAILABLE),
)

_CODES: Mapping[type[BridgeError], str] = {
    ModelMissing: "model_not_found",
    NotSupported: "unsupported_value",
    Refused: "content_filter",
}


def refusal_of(error: BridgeError, *, window: int | None = None) -> ApiRefusal:
    """What a client is told of one of our errors; `window`: tokens that the model had for the request."""
    if isinstance(error, ContextExceeded):
        tokens = None if window is None else window + error.over_by
        return ApiRefusal(kind=RefusalKind.CONTEXT_EXCEEDED, message=str(error), tokens=tokens, window=window)
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), RefusalKind.INTERNAL)
    wait = error.retry_after_s if isinstance(error, RateLimited) else 2.0 if kind is RefusalKind.LINE_FULL else None
    return ApiRefusal(kind=kind, message=str(error), code=_CODES.get(type(error)), retry_after_s=wait)
