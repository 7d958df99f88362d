"""A request that goes to one target after another, and to the queue when none is left. See `ReplySource`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core.chat import ChatMessage, ChatReply
from bridge.gateway.again import Again
from bridge.gateway.live import Live
from bridge.gateway.routing import Routing
from bridge.gateway.source import Caller, RequestProgress, Sink
from bridge.protocols.asked import Answered, Asked, ReplyHead
from bridge.protocols.refusal import ApiRefusal, RefusalKind, RefusedAsk
from bridge.router.choice import Decision, RouteChoice, choose
from bridge.router.history import sent
from bridge.router.meaning import CallOutcome, Meaning, meaning_of
from bridge.router.plan import AskTarget, Exhausted, Pause, Route
from bridge.router.size import model_of_size
from bridge.router.task import RouteWish, conversation_of, task_of
from bridge.router.usage import CallFact, code_blocks

_WELL = Meaning(outcome=CallOutcome.ANSWERED)


@dataclass(kw_only=True)
class _Trip:
    """One request under way."""

    asked: Asked
    caller: Caller
    id_prefix: str
    progress: RequestProgress
    sink: RoutedSink
    decision: Decision
    route: Route
    begun: str | None  #: the target that the conversation has
    last: RefusedAsk | None = None

    def note(self, target: str) -> dict[str, object]:
        """What the reply says of its way."""
        return {"target": target, "route": [*self.route.trail], "role": self.decision.role.value}


class RoutedSink:
    """What a target says, on its way to the reply, with a note on who says it; knows whether anything was said."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.note: dict[str, object] = {}
        self.spoken = ""  #: by all targets so far
        self.has_spoken = asyncio.Event()  #: of the one that is being asked

    def begin(self, head: ReplyHead) -> None:
        """See `Sink.begin`."""
        self._sink.begin(replace(head, note={**head.note, **self.note}))

    async def text(self, piece: str, index: int) -> None:
        """See `Sink.text`."""
        self.has_spoken.set()
        self.spoken += piece
        await self._sink.text(piece, index)

    async def finish(self, reply: ChatReply, index: int) -> None:
        """See `Sink.finish`."""
        self.has_spoken.set()
        await self._sink.finish(reply, index)


class RoutedSource:
    """Answers one request by whoever can. Made for each request."""

    def __init__(self, routing: Routing, wish: RouteWish, *, again: Again, now: datetime) -> None:
        """`again`: the end of the list, and answers that came late."""
        self._routing, self._wish, self._again, self._now = routing, wish, again, now

    async def answer(
        self, asked: Asked, caller: Caller, *, id_prefix: str, sink: Sink, progress: RequestProgress
    ) -> Answered:
        """See `ReplySource.answer`."""
        key = await self._again.key(asked, caller, self._wish)
        if key is not None and (late := await self._again.fetched(key, sink, id_prefix)) is not None:
            return late
        trip = self._trip(asked, caller, id_prefix, sink, progress)
        while True:
            step = self._routing.states.next_step(trip.route)
            if isinstance(step, Pause):
                progress.detail = f"{step.target} asks for {step.seconds:.0f} s"
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Exhausted):
                return await self._end(trip, step)
            elif (answered := await self._ask(trip, step)) is not None:
                if key is not None:
                    await self._again.forget(key)
                return answered

    def _trip(self, asked: Asked, caller: Caller, id_prefix: str, sink: Sink, progress: RequestProgress) -> _Trip:
        routing = self._routing
        task = task_of(asked, self._wish, private_folders=routing.rules.private_folders)
        self._conversation = conversation_of(caller.name, asked.request.messages, self._wish)
        begun = routing.stays(self._conversation)
        decision = choose(task, routing.targets, stays=begun, off=routing.may_not(caller.name, self._now))
        order = [choice for choice in decision.order if choice.target in routing.lives]
        return _Trip(
            asked=replace(asked, private=task.private), caller=caller, id_prefix=id_prefix, progress=progress,
            sink=RoutedSink(sink), decision=decision, route=Route(order=order), begun=begun,
        )  # fmt: skip

    async def _ask(self, trip: _Trip, step: AskTarget) -> Answered | None:
        """The answer of one target; None: another one is to be asked. Raises RefusedAsk."""
        name, states = step.choice.target, self._routing.states
        began_s = asyncio.get_running_loop().time()
        try:
            answered = await self._asked_of(trip, step.choice)
        except RefusedAsk as refused:
            meaning = meaning_of(refused)
            self._record(trip, step.choice, meaning.outcome, began_s)
            states.ended(trip.route, name, meaning, why=refused.refusal.message)
            trip.last = refused
            if meaning.outcome is CallOutcome.CALLERS or (trip.sink.spoken and not await self._goes_on(trip, name)):
                raise
            return None
        except BaseException:
            states.given_up(name)
            raise
        self._record(trip, step.choice, CallOutcome.ANSWERED, began_s, answered)
        states.ended(trip.route, name, _WELL)
        self._routing.remember(self._conversation, name)
        return replace(answered, head=replace(answered.head, note={**answered.head.note, **trip.note(name)}))

    def _record(
        self, trip: _Trip, choice: RouteChoice, outcome: CallOutcome, began_s: float, answered: Answered | None = None
    ) -> None:
        """Keep what a call was."""
        target = self._routing.targets.known[choice.target]
        text = "".join(reply.text for reply in answered.replies) if answered is not None else ""
        fact = CallFact(
            at=self._now, target=target.name, caller=trip.caller.name, role=trip.decision.role.value, outcome=outcome,
            model=answered.head.model if answered is not None else choice.model or target.model or "",
            seconds=asyncio.get_running_loop().time() - began_s, is_first=not trip.route.trail, is_local=target.is_local,
            prompt_tokens=answered.usage.prompt if answered is not None else None,
            completion_tokens=answered.usage.completion if answered is not None else None,
            answer_chars=len(text), code_blocks=code_blocks(text),
        )  # fmt: skip
        self._routing.record(fact)

    async def _asked_of(self, trip: _Trip, choice: RouteChoice) -> Answered:
        """Raises RefusedAsk."""
        name = choice.target
        live, sink = self._routing.lives[name], trip.sink
        asked, said = await self._as_sent(trip, choice, live)
        sink.note = {**trip.note(name), **said}
        sink.has_spoken.clear()
        before = sink.spoken
        asking = live.answer(asked, trip.caller, id_prefix=trip.id_prefix, sink=sink, progress=trip.progress)
        limit_s = None if self._routing.targets.known[name].is_local else self._routing.rules.first_token_s
        answered = await _begun_within(asking, sink.has_spoken, limit_s, name)
        head = replace(answered.head, note={**answered.head.note, **said})
        if not before:
            return replace(answered, head=head)
        first = replace(answered.replies[0], text=before + answered.replies[0].text)
        return replace(answered, head=head, replies=(first, *answered.replies[1:]))

    async def _as_sent(self, trip: _Trip, choice: RouteChoice, live: Live) -> tuple[Asked, dict[str, object]]:
        """The request as this target is sent it, and what is to be said about that. Raises RefusedAsk."""
        asked = trip.asked
        said: dict[str, object] = {}
        model = choice.model or live.backend.default_model
        if not live.backend.is_remote and choice.model is None:
            models = await live.models()
            preferred = (name for name in trip.decision.models if name in {model.name for model in models})
            model = next(preferred, None) or model or model_of_size(trip.decision.size, models)
        wanted = asked.options.model
        if wanted not in (None, "auto", model) and choice.model is None:
            said |= {"model_asked": wanted, "model": model}
        messages = asked.request.messages
        if trip.begun not in (None, choice.target):
            messages, left = sent(messages, self._routing.rules.history)
            said |= {"history": left} if left else {}
        if trip.sink.spoken:
            messages = (*messages, ChatMessage.assistant(trip.sink.spoken), ChatMessage.user(_GO_ON))
        same = messages == asked.request.messages
        request = asked.request if same else replace(asked.request, prompt=tuple(messages))
        return replace(asked, request=request, options=replace(asked.options, model=model)), said

    async def _goes_on(self, trip: _Trip, name: str) -> bool:
        """Whether a stream that died in the middle is gone on with, and says so."""
        if not self._routing.rules.continue_streams or trip.asked.request.n > 1 or trip.asked.request.suffix:
            return False
        trip.route.done.add(name)
        await trip.sink.text(f"\n\n[{name} broke off here; what follows is from another target.]\n\n", 0)
        return True

    async def _end(self, trip: _Trip, end: Exhausted) -> Answered:
        """The queue, or an honest refusal. Raises RefusedAsk."""
        if trip.sink.spoken and trip.last is not None:
            raise trip.last
        if trip.last is not None and trip.last.refusal.kind is RefusalKind.CONTEXT_EXCEEDED:
            raise trip.last  # nobody in the queue reads more
        tools = bool(trip.asked.request.tools) and not self._routing.rules.queue_tools
        why = "; ".join(trip.route.trail) or "; ".join(trip.decision.reasons[-2:])
        if not trip.decision.may_queue or tools or trip.asked.request.n > 1:
            reason = "private requests" if trip.asked.private else "turns with tools" if tools else "this request"
            message = f"no target answers ({why}), and {reason} are not queued" if trip.asked.private or tools else f"no target answers ({why})"  # fmt: skip
            raise RefusedAsk(
                ApiRefusal(kind=RefusalKind.RATE_LIMITED, message=message, retry_after_s=end.retry_after_s)
            )
        trip.sink.note = {**trip.note("queue")}
        return await self._again.queued(
            trip.asked,
            trip.caller,
            self._wish,
            sink=trip.sink,
            progress=trip.progress,
            why=why,
            retry_after_s=end.retry_after_s,
        )


_GO_ON = "Your answer broke off. Go on exactly where it ends, without repeating anything of it."


async def _begun_within(
    asking: Awaitable[Answered], spoken: asyncio.Event, limit_s: float | None, name: str
) -> Answered:
    """The answer, if its first word comes in time; None: it has all the time. Raises RefusedAsk."""
    task = asyncio.ensure_future(asking)
    late = False

    def look() -> None:
        nonlocal late
        if not spoken.is_set() and not task.done():
            late = True
            task.cancel()

    timer = asyncio.get_running_loop().call_later(limit_s, look) if limit_s is not None else None
    try:
        return await task
    except asyncio.CancelledError:
        if not late:
            raise
        message = f"{name} said nothing for {limit_s:g} s"
        raise RefusedAsk(ApiRefusal(kind=RefusalKind.TIMED_OUT, message=message)) from None
    finally:
        if timer is not None:
            timer.cancel()
