"""A fake engine for tests and dry runs: it answers what it was told to, when it was told to, and counts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bridge.core.errors import ContextExceeded, EngineDown, EngineError, ModelMissing
from bridge.engines.base import (
    Answer,
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
    error: EngineError | None = None  #: raised after `text` was streamed; its `partial` becomes that text
    delay_s: float = 0.0  #: before the first piece
    gate: threading.Event | None = None  #: the answer waits for it, after its first piece


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
    ) -> None:
        """`delay_s` is what each answer of `default` takes."""
        self.default = default  #: may be replaced at any time
        self._models = models
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
        return Answer(
            text=text,
            finish_reason="length" if len(pieces) > request.max_tokens else "stop",
            model=request.model,
            model_digest="0" * 64,
            usage={"prompt_tokens": self._tokens(request), "completion_tokens": min(len(pieces), request.max_tokens)},
            timing_s={"total": time.monotonic() - began},
        )

    def _check(self, request: Request) -> None:
        if self.down:
            raise EngineDown("the scripted engine is down")
        if request.model not in self._models:
            raise ModelMissing(f"the scripted engine has no {request.model!r}")
        over_by = self._tokens(request) - request.num_ctx
        if over_by > 0:
            raise ContextExceeded(f"the prompt is {over_by} tokens too long", over_by=over_by)

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
        return Health(ok=not self.down, detail="a scripted fake", version="1", loaded=self._models)

    def close(self) -> None:
        """Holds nothing."""
