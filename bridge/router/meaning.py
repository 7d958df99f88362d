"""What a target's refusal means for the way: wait, try another one, or tell the caller. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bridge.core.errors import (
    BadRequest,
    ContextExceeded,
    EngineError,
    ModelMissing,
    NotSupported,
    QuotaExhausted,
    RateLimited,
    Refused,
)
from bridge.protocols.refusal import RefusalKind, RefusedAsk

#: A quota that is used up and does not say until when, in seconds.
QUOTA_S = 3600.0


class CallOutcome(Enum):
    """How one call of a target ended."""

    ANSWERED = "answered"
    LIMITED = "limited"  # it wants fewer requests, or its quota is used up: the gate closes
    FAILED = "failed"  # it is ill, or its key is wrong: the breaker counts it
    UNFIT = "unfit"  # it is well and cannot do this: another may
    CALLERS = "callers"  # the request is wrong: no other would take it


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a refusal means."""

    outcome: CallOutcome
    wait_s: float | None = None  #: that the target asked for, with LIMITED; None: it did not say


#: Of refusals that no engine made.
_OURS = {
    RefusalKind.LINE_FULL: CallOutcome.UNFIT,
    RefusalKind.CONTEXT_EXCEEDED: CallOutcome.UNFIT,
    RefusalKind.UNAVAILABLE: CallOutcome.UNFIT,  # it loads its model
    RefusalKind.NOT_FOUND: CallOutcome.UNFIT,
    RefusalKind.FORBIDDEN: CallOutcome.UNFIT,  # a private request, and a model of Ollama's cloud
    RefusalKind.TIMED_OUT: CallOutcome.FAILED,
}


def meaning_of(refused: RefusedAsk) -> Meaning:
    """What a refusal means; the engine's error is its cause."""
    error = refused.__cause__
    if isinstance(error, QuotaExhausted):
        return Meaning(outcome=CallOutcome.LIMITED, wait_s=error.reset_after_s or QUOTA_S)
    if isinstance(error, RateLimited):
        return Meaning(outcome=CallOutcome.LIMITED, wait_s=error.retry_after_s)
    if isinstance(error, ContextExceeded | NotSupported | ModelMissing):
        return Meaning(outcome=CallOutcome.UNFIT)
    if isinstance(error, BadRequest | Refused) and not _is_misconfigured(error):
        return Meaning(outcome=CallOutcome.CALLERS)
    if isinstance(error, EngineError):
        return Meaning(outcome=CallOutcome.FAILED)
    return Meaning(outcome=_OURS.get(refused.refusal.kind, CallOutcome.CALLERS))


def _is_misconfigured(error: EngineError) -> bool:
    """Whether the address or the key of a target is wrong, which is no fault of the request."""
    said = str(error)
    return said.startswith(("HTTP 401", "HTTP 402", "HTTP 403", "HTTP 404", "HTTP 30")) or "api key" in said.lower()
