"""A live request's life: a model, a place in line, a slot, the engine's words one by one, and a whole reply."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from bridge.core.chat import ChatReply
from bridge.core.errors import BridgeError
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, SAMPLING
from bridge.engines.base import Answer, Engine, EngineModel, Request, Stop, Stopped
from bridge.engines.relay import Relay
from bridge.gateway.fitting import Sized, count_or_estimate, fits_uncounted, sized
from bridge.gateway.line import LineFull, Ticket
from bridge.gateway.listing import Listing
from bridge.gateway.mailbox import Mailbox
from bridge.gateway.names import ChosenModel, choose_model
from bridge.gateway.residency import IDLE_S, Residency
from bridge.gateway.silent_cut import silent_cut
from bridge.gateway.slots import Slots
from bridge.gateway.source import Caller, RequestProgress, Sink
from bridge.gateway.tool_calling import answer_with_calls
from bridge.kernel.catalogue import longest_context, size_of
from bridge.kernel.fit import is_cloud, load_limit_s
from bridge.models.choose import auto_model
from bridge.protocols.asked import Answered, Asked, ReplyHead, Truncation, Usage
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk, refusal_of

T = TypeVar("T")

#: Taken for the size of a model of which nobody knows it, in bytes.
_LARGEST_BYTES = 20_000_000_000


@dataclass(frozen=True, kw_only=True)
class Backend:
    """An engine with what the gateway knows of it."""

    engine: Engine
    slots: Slots
    default_model: str | None  #: for requests that name none, or one that nobody has; None: the engine's largest coder
    aliases: Mapping[str, str] = field(default_factory=dict)
    num_ctx: int = DEFAULT_NUM_CTX
    max_tokens: int = DEFAULT_MAX_TOKENS
    timeout_s: float | None = 600.0
    relay: Relay | None = None  #: to the same API, for clients of its own family; None: everything is translated
    idle_s: float = IDLE_S  #: after which an unused model goes out of memory; 0: never
    on_use: Callable[[str], None] = lambda _model: None  #: told each model that answered, in the event loop
    is_remote: bool = False  #: an API that has `default_model`, and neither lists nor loads anything for us
    is_public: bool = False  #: somebody else runs it

    def require_private(self, model: str) -> None:
        """Raises RefusedAsk: who answers with this model is not ours, so nothing private goes there."""
        if self.is_public or (self.engine.name == "ollama" and is_cloud(model)):
            message = f"a private request does not go to a public target, and {model} is answered by one: name a model of your own"
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.FORBIDDEN, message=message))


class Live:
    """Answers requests with one engine, as many at a time as it has lanes."""

    def __init__(
        self,
        backend: Backend,
        *,
        now: Callable[[], datetime],
        now_s: Callable[[], float],
        tell: Callable[[Mapping[str, object]], None] = lambda _facts: None,
    ) -> None:
        """`now_s`: seconds of a clock that only goes forward. `tell`: gets what the log should say."""
        self._tell = tell
        self.backend = backend
        self._now = now
        self.listing = Listing(lambda: self.in_thread(backend.engine.models), now_s=now_s)
        self.residency = Residency(
            backend.engine, idle_s=backend.idle_s, num_ctx=backend.num_ctx, now_s=now_s, limit_s=self._load_limit_s,
            busy=lambda: {ticket.model for ticket in backend.slots.line.running}, on_use=backend.on_use,
        )  # fmt: skip
        self.lacking: set[str] = set()  #: paths that the relay's API turned out not to have
        self._pool = ThreadPoolExecutor(backend.slots.line.lanes + 1, thread_name_prefix="gateway")

    async def close(self) -> None:
        """Let go of threads and connections; what runs is given up by whoever waits for it."""
        if self.backend.relay is not None:
            await self.backend.relay.close()
        self.listing.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(
        self, asked: Asked, caller: Caller, *, id_prefix: str, sink: Sink, progress: RequestProgress
    ) -> Answered:
        """The whole reply; its pieces go to `sink` as they come. Cancelled, it frees its slot down to the engine.

        Raises:
            RefusedAsk: there is no answer, and why.
        """
        model = await self.chosen(asked.options.model)
        if asked.private:
            self.backend.require_private(model.name)
        head = self.head(model, id_prefix)
        sink.begin(head)
        request = self.request(asked, model)
        async with self.turn(model, caller, progress, window=request.num_ctx):
            fitted = await self.fitted(request, asked.truncation)
            if fitted.note:
                head = replace(head, note={**head.note, **fitted.note})
                sink.begin(head)
            answers = [
                await self._ask(fitted.request, index, sink, parallel=asked.parallel_calls)
                for index in range(asked.request.n)
            ]
        if cut := silent_cut(fitted.request, counted=fitted.tokens, read=_usage(answers[:1]).prompt):
            self._tell({"model": model.name, **cut})
            head = replace(head, note={**head.note, **cut})
        return Answered(
            head=head,
            replies=tuple(_bare(answer) for answer in answers),
            usage=_usage(answers),
            timing_s=answers[0].timing_s if len(answers) == 1 else {},
        )

    @asynccontextmanager
    async def turn(
        self, model: ChosenModel, caller: Caller, progress: RequestProgress, *, window: int | None = None
    ) -> AsyncIterator[None]:
        """Hold a slot, with the model in memory. `window`: tokens that the model has for the request.

        Raises:
            RefusedAsk: also for an error of ours that is raised in the block.
        """
        slots = progress.slots = self.backend.slots

        def got(ticket: Ticket) -> None:
            progress.ticket = ticket

        def tell(detail: str) -> None:
            progress.detail = detail

        try:
            async with (
                slots.slot(caller=caller.name, model=model.name, priority=caller.priority, on_ticket=got),
                contextlib.nullcontext() if self.backend.is_remote else self.residency.using(model.name, tell=tell),
            ):
                yield
        except LineFull as full:
            wait = full.retry_after_s
            raise RefusedAsk(ApiRefusal(kind=RefusalKind.LINE_FULL, message=str(full), retry_after_s=wait)) from None
        except BridgeError as error:
            self.residency.forget(model.name)
            raise RefusedAsk(refusal_of(error, window=window)) from error

    def head(self, model: ChosenModel, id_prefix: str) -> ReplyHead:
        """What is known of a reply before its first word."""
        return ReplyHead(id=id_prefix + secrets.token_hex(12), created=self._now(), model=model.name, note=model.note)

    async def models(self) -> tuple[EngineModel, ...]:
        """What the engine has, as it was a few seconds ago at most; loads nothing. Raises RefusedAsk."""
        return await self.listing.fresh()

    async def model_names(self) -> frozenset[str]:
        """Their names; none if the engine is off, because another worker of a queue may answer."""
        try:
            return frozenset(model.name for model in await self.models())
        except RefusedAsk:
            return frozenset()

    def _load_limit_s(self, name: str) -> float:
        on_disk = next((model.size_bytes for model in self.listing.known or () if model.name == name), None)
        known = size_of(name)
        return load_limit_s(on_disk or (known.weights_bytes if known else _LARGEST_BYTES))

    async def chosen(self, name: str | None) -> ChosenModel:
        """The model that a name stands for. Raises RefusedAsk."""
        if self.backend.is_remote and (asked := name or self.backend.default_model):
            return ChosenModel(name=asked)
        known = await self.listing.lately()
        chosen = self._chosen_of(name, known) if known else None
        if chosen is None or chosen.asked is not None:  # nobody had it when we last looked
            chosen = self._chosen_of(name, await self.listing.fresh())
        return chosen

    def _chosen_of(self, name: str | None, models: Sequence[EngineModel]) -> ChosenModel:
        default = self.backend.default_model or _default_of(models)
        return choose_model(name, has={model.name for model in models}, default=default, aliases=self.backend.aliases)

    async def count(self, asked: Asked) -> int:
        """How many tokens a request is, exact where the engine counts, else estimated. Raises RefusedAsk."""
        request = self.request(asked, await self.chosen(asked.options.model))
        async with self.residency.using(request.model):
            return await self.in_thread(lambda: count_or_estimate(self.backend.engine, request))

    async def fitted(self, request: Request, truncation: Truncation) -> Sized:
        """The request as it may be sent; a thread is asked only where it has to be counted. Raises RefusedAsk."""
        if fits_uncounted(request):
            return Sized(request=request)
        return await self.in_thread(lambda: sized(self.backend.engine, request, truncation))

    async def in_thread(self, call: Callable[[], T]) -> T:
        """What a call to the engine gives that is no answer. Raises RefusedAsk."""
        try:
            return await asyncio.get_running_loop().run_in_executor(None, call)
        except BridgeError as error:
            raise RefusedAsk(refusal_of(error)) from error

    def request(self, asked: Asked, model: ChosenModel) -> Request:
        """What to ask the engine."""
        from_wire = asked.request
        options = asked.options
        return Request(
            prompt=from_wire.prompt,
            suffix=from_wire.suffix,
            tools=from_wire.tools,
            tool_choice=from_wire.tool_choice,
            response_format=from_wire.response_format,
            model=model.name,
            num_ctx=_window(asked.num_ctx, self.backend.num_ctx, most=longest_context(model.name)),
            max_tokens=options.max_tokens or self.backend.max_tokens,
            timeout_s=self.backend.timeout_s,
            **{name: getattr(options, name) for name in SAMPLING},
        )

    async def _ask(self, request: Request, index: int, sink: Sink, *, parallel: bool) -> Answer:
        loop = asyncio.get_running_loop()
        stop = Stop()
        box: Mailbox[str | None] = Mailbox(loop)

        def ask() -> Answer:
            try:
                return answer_with_calls(self.backend.engine, request, box.put, stop=stop, parallel=parallel)
            finally:
                box.put(None)

        asking = loop.run_in_executor(self._pool, ask)
        try:
            is_over = False
            while not is_over:
                pieces = await box.take()
                is_over = pieces[-1] is None
                if text := "".join(piece for piece in pieces if piece is not None):
                    await sink.text(text, index)
            answer = await asking
        finally:
            if not asking.done():
                stop.set()
                with contextlib.suppress(Stopped, BridgeError):  # nobody is there to be told
                    await asyncio.shield(asking)
        await sink.finish(_bare(answer), index)
        return answer


def _window(asked: int | None, own: int, *, most: int | None) -> int:
    """The gateway's window, doubled until it holds what was asked for: each other size has Ollama load the model again.

    `most`: what the model really has, where that is known.
    """
    window = own
    while asked is not None and window < asked:
        window *= 2
    return window if most is None else max(own, min(window, most))


def _default_of(models: Sequence[EngineModel]) -> str:
    if not models:
        message = "the engine has no model yet: `bridge models fetch` gets one"
        raise RefusedAsk(ApiRefusal(kind=RefusalKind.UNAVAILABLE, message=message, code="model_not_found"))
    return auto_model(models, None, fetch=False, lanes=1, num_ctx=DEFAULT_NUM_CTX) or models[0].name


def _bare(answer: Answer) -> ChatReply:
    return ChatReply(text=answer.text, tool_calls=answer.tool_calls, finish_reason=answer.finish_reason)


def _usage(answers: list[Answer]) -> Usage:
    def total(name: str) -> int | None:
        counts = [answer.usage[name] for answer in answers if name in answer.usage]
        return sum(counts) if counts else None

    return Usage(prompt=total("prompt_tokens"), completion=total("completion_tokens"))
