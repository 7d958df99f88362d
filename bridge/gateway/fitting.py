"""Whether a request fits the model's window, said before it is sent; and, where the client asks for it, cut so that it does.

Ollama cuts an over-long prompt without a word, from the front, to half of the window (facts/gateway-and-clients.md, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.context.window import fit
from bridge.core.chat import ChatMessage
from bridge.core.errors import ContextExceeded, NotSupported
from bridge.engines.base import Engine, Request
from bridge.kernel.error_kind import estimate_tokens
from bridge.protocols.asked import Truncation
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk

#: What a chat template adds to a message, at most, in tokens.
_TEMPLATE_TOKENS = 64
#: Of the window, what a request that is cut leaves to its answer, unless it asks for less.
_ANSWER_SHARE = 4


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A request that fits."""

    request: Request
    tokens: int | None = None  #: exact; None: nobody had to count
    note: dict[str, object] | None = None  #: what was cut


def sized(engine: Engine, request: Request, truncation: Truncation) -> Sized:
    """The request as it may be sent, with no more tokens for its answer than there is room. Blocks; may load the model.

    Raises:
        RefusedAsk: it does not fit; says both numbers.
        EngineError: as `Engine.count_tokens`.
    """
    window = request.num_ctx
    if fits_uncounted(request):
        return Sized(request=request)
    try:
        tokens = _count(engine, request)
    except NotSupported:
        return Sized(request=request)  # the engine says so itself
    if tokens < window:
        return Sized(request=replace(request, max_tokens=min(request.max_tokens, window - tokens)), tokens=tokens)
    if truncation is Truncation.AUTO and not isinstance(request.prompt, str):
        return _cut(engine, request, tokens)
    raise too_long(tokens, window)


def fits_uncounted(request: Request) -> bool:
    """Whether it fits however its text is counted: each token has at least a byte. Does not block."""
    return _most_tokens(request) + request.max_tokens <= request.num_ctx


def count_or_estimate(engine: Engine, request: Request) -> int:
    """How many tokens a request is: exact where the engine counts. Blocks; may load the model. Raises EngineError."""
    try:
        return _count(engine, request)
    except NotSupported:
        return estimate_tokens(request.text)


def too_long(tokens: int, window: int) -> RefusedAsk:
    """It does not fit."""
    message = f"the request has {tokens} tokens, and the model reads {window}"
    return RefusedAsk(ApiRefusal(kind=RefusalKind.CONTEXT_EXCEEDED, message=message, tokens=tokens, window=window))


def _cut(engine: Engine, request: Request, tokens: int) -> Sized:
    window = request.num_ctx
    room = window - min(request.max_tokens, window // _ANSWER_SHARE)

    def count(messages: Sequence[ChatMessage]) -> int:
        return _count(engine, replace(request, prompt=tuple(messages)))

    fitted = fit(request.messages, tokens=room, count=count)
    if fitted is None:
        raise too_long(tokens, window)
    cut = [piece.as_json() for piece in fitted.dropped]
    return Sized(
        request=replace(request, prompt=fitted.messages, max_tokens=min(request.max_tokens, window - fitted.tokens)),
        tokens=fitted.tokens,
        note={"cut": cut, "tokens_before": tokens, "tokens_after": fitted.tokens},
    )


def _count(engine: Engine, request: Request) -> int:
    """Exact; of a request that is longer than the window, what the engine says of it."""
    try:
        return engine.count_tokens(request)
    except ContextExceeded as error:
        return request.num_ctx + error.over_by


def _most_tokens(request: Request) -> int:
    """More than the request can have. Byte-level vocabularies have no token without a byte."""
    tools = sum(len(tool.name) + len(tool.description) + len(str(tool.parameters)) for tool in request.tools)
    text = len(request.text.encode("utf-8", "surrogatepass")) + len(request.suffix or "")
    return text + 4 * tools + _TEMPLATE_TOKENS * (len(request.messages) + 2 * len(request.tools) + 2)
