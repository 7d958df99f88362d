"""A fake engine for tests and dry runs: it answers what it was told to, when it was told to, and counts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.core.chat import FinishReason, ToolCall
from bridge.core.errors import ContextExceeded, EngineDown, EngineError, ModelMissing, NotSupported
from bridge.engines.base import (
    Answer,
    Capabilities,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    Stopped,
    ignore_progress,
    ignore_token,
)


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """What one request gets."""

    text: str = "A scripted answer."
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None  #: None: as text, calls and the request's limit say
    error: EngineError | None = None  #: raised after `text` was streamed; its `partial` becomes that text
    delay_s: float = 0.0  #: before the first piece
    gate: threading.Event | None = None  #: the answer waits for it, after its first piece


#: What a script can do: everything.
ALL = Capabilities(
    tools=True, tool_choice=True, json_schema=True, suffix=True, images=True, embeddings=True, exact_counts=True, context_tokens=8192
)  # fmt: skip


class ScriptedEngine:
    """A fake. Answers come from `enqueue`, in order, then from `default`; every request is kept in `requests`."""

    name = "scripted"

    def __init__(
        self,
        default: Callable[[Request], str] = lambda request: f"Answer to: {request.text[:60]}",
        *,
        models: tuple[str, ...] = ("scripted",),
        chars_per_token: int = 4,
        delay_s: float = 0.0,
        can: Capabilities = ALL,
    ) -> None:
        """`delay_s` is what each answer of `default` takes; `can`: what it does, the rest it refuses."""
        self._can = can
        self.default = default  #: may be replaced at any time
        self._models = models
        self.loaded = models
        self._chars_per_token = chars_per_token
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._script: deque[Scripted] = deque()
        self.requests: list[Request] = []
        self.at_once = 0
        self.most_at_once = 0
        self.down = False  #: set it: nobody answers until it is unset

    def enqueue(self, *script: Scripted | str | EngineError) -> None:
        """What the next requests get, one each."""
        for item in script:
            if isinstance(item, EngineError):
                item = Scripted(text=item.partial, error=item)  # noqa: PLW2901  # the short forms become the long one
            self._script.append(Scripted(text=item) if isinstance(item, str) else item)

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        request.check()
        stop = stop or Stop()
        with self._lock:
            self.requests.append(request)
            plan = (
                self._script.popleft() if self._script else Scripted(text=self.default(request), delay_s=self._delay_s)
            )
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._play(request, plan, on_token, stop)
        finally:
            with self._lock:
                self.at_once -= 1

    def count_tokens(self, request: Request) -> int:
        """See `Engine.count_tokens`: so many characters are a token."""
        request.check()
        self._can_do("count tokens", self._can.exact_counts)
        self._check(request)
        return self._tokens(request)

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`: a vector of three numbers that follow from the text."""
        self._has(model)
        self._can_do("embed", self._can.embeddings)
        return tuple((float(len(text)), float(text.count(" ")), float(sum(map(ord, text)) % 97)) for text in texts)

    def capabilities(self, model: str) -> Capabilities:
        """See `Engine.capabilities`."""
        self._has(model)
        return self._can

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:  # noqa: ARG002  # every context is ready
        """See `Engine.load`."""
        self._has(model)
        self.loaded = (*(name for name in self.loaded if name != model), model)

    def unload(self, model: str) -> None:
        """See `Engine.unload`."""
        self._has(model)
        self.loaded = tuple(name for name in self.loaded if name != model)

    def remove(self, model: str) -> None:
        """See `Engine.remove`."""
        self.unload(model)
        self._models = tuple(name for name in self._models if name != model)

    @staticmethod
    def _can_do(what: str, able: bool) -> None:
        if not able:
            raise NotSupported(f"the scripted engine was told not to {what}")

    def _play(self, request: Request, plan: Scripted, on_token: OnToken, stop: Stop) -> Answer:
        self._check(request)
        began = time.monotonic()
        if stop.wait(plan.delay_s):
            raise Stopped
        size = self._chars_per_token
        pieces = [plan.text[i : i + size] for i in range(0, len(plan.text), size)]
        for number, piece in enumerate(pieces[: request.max_tokens]):
            if stop.is_set():
                raise Stopped
            on_token(piece)
            while number == 0 and plan.gate is not None and not plan.gate.is_set():
                if stop.wait(0.005):
                    raise Stopped
        text = "".join(pieces[: request.max_tokens])
        if plan.error is not None:
            plan.error.partial = text
            raise plan.error
        whole = FinishReason.TOOL_CALLS if plan.tool_calls else FinishReason.STOP
        return Answer(
            text=text,
            tool_calls=plan.tool_calls,
            finish_reason=plan.finish_reason or (FinishReason.LENGTH if len(pieces) > request.max_tokens else whole),
            model=request.model,
            model_digest="0" * 64,
            usage={"prompt_tokens": self._tokens(request), "completion_tokens": min(len(pieces), request.max_tokens)},
            timing_s={"total": time.monotonic() - began},
        )

    def _check(self, request: Request) -> None:
        self._has(request.model)
        self._can.require(request, request.model)
        over_by = self._tokens(request) - request.num_ctx
        if over_by > 0:
            raise ContextExceeded(f"the prompt is {over_by} tokens too long", over_by=over_by)

    def _has(self, model: str) -> None:
        if self.down:
            raise EngineDown("the scripted engine is down")
        if model not in self._models:
            raise ModelMissing(f"the scripted engine has no {model!r}")

    def _tokens(self, request: Request) -> int:
        return -(-len(request.text) // self._chars_per_token)

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        if self.down:
            raise EngineDown("the scripted engine is down")
        return tuple(EngineModel(name=name, digest="0" * 64) for name in self._models)

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`: there is nowhere to pull from."""
        if model not in self._models:
            raise ModelMissing(f"the scripted engine has no {model!r}")
        on_progress("success", 0, 0)

    def health(self) -> Health:
        """See `Engine.health`."""
        return Health(ok=not self.down, detail="a scripted fake", version="1", loaded=self.loaded)

    def close(self) -> None:
        """Holds nothing."""
