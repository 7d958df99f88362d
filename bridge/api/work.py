"""Answering what waits, in this process: with an engine by name, one of the caller's own, or a function."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from filelock import FileLock, Timeout

from bridge import wiring
from bridge.core.events import ignore
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.core.states import State
from bridge.delivery.review import Reviewer
from bridge.engines.base import Engine
from bridge.engines.scripted import ScriptedEngine
from bridge.engines.slotted import SlottedEngine, hold_for_jobs
from bridge.models.choose import JobModels
from bridge.store import query
from bridge.store.query import Filter
from bridge.worker.config import End, WorkerConfig, WorkSummary

#: What answers: an engine's name (or that of a table `[engines.NAME]`), an engine, or a function from prompt to answer.
Answerer = str | Engine | Callable[[str], str]

_UNCHECKED = (State.SUCCEEDED, State.TRUNCATED)


@contextmanager
def ready_engine(
    answerer: Answerer, opened: wiring.Opened, *, model: str | None, lanes: int, pull: bool, asked: Collection[str]
) -> Iterator[tuple[Engine, JobModels]]:
    """What answers, with its models; an engine of the caller's is left open.

    Args:
        answerer: see `Answerer`.
        opened: the queue.
        model: for jobs that name none; None: the engine's only one.
        lanes: requests at once.
        pull: fetch a model that is missing.
        asked: models that jobs name: a function answers for all of them.

    Raises what `wiring.prepared_engine` raises.
    """
    if isinstance(answerer, str):
        meant = wiring.engine_settings(answerer, opened.settings)
        context = meant.context or DEFAULT_NUM_CTX
        with wiring.prepared_engine(meant, model, pull=pull, lanes=lanes, num_ctx=context) as (engine, models):
            files = wiring.slot_files(meant, lanes=lanes, state=wiring.state_folder())
            yield engine if files is None else SlottedEngine(engine, hold_for_jobs(files)), models
    elif callable(answerer):
        function, first = answerer, model or "function"
        names = (first, *sorted({*asked} - {first, "auto"}))
        yield ScriptedEngine(lambda request: function(request.text), models=names), JobModels(default=first, auto=first)
    else:
        yield (
            answerer,
            wiring.ready_models(
                answerer, model, pull=pull, lanes=lanes, num_ctx=DEFAULT_NUM_CTX, say=lambda _line: None
            ),
        )


def work_off(
    opened: wiring.Opened, engine: Engine, plan: WorkerConfig, open_reviewer: Callable[[], Reviewer] | None
) -> WorkSummary:
    """Answer until no job waits; with a reviewer, check the answers and answer its rounds as well. Gives what was done in all."""
    done = WorkSummary()
    while True:
        done = _sum(done, wiring.open_worker(opened, engine, plan, listener=ignore).run())
        if done.end is not End.EMPTY or open_reviewer is None or not _reviewed(opened, open_reviewer()):
            return done


def _reviewed(opened: wiring.Opened, reviewer: Reviewer) -> bool:
    """Check what was answered; whether that put rounds into the queue. A watcher that runs does it by its own rules instead."""
    store = opened.store

    def ids(*states: State) -> list[str]:
        return store.look(lambda reader: query.ids(reader, Filter(states=states, original=True), store.clock.now()))

    def waiting() -> int:
        return store.look(query.count_waiting)

    before = waiting()
    with suppress(Timeout), FileLock(wiring.review_lock(opened), timeout=0):
        reviewer.settle(ids(*_UNCHECKED))
    return waiting() > before


def _sum(one: WorkSummary, other: WorkSummary) -> WorkSummary:
    names = ("answered", "truncated", "failed", "retried", "given_back", "tokens", "seconds", "publishes", "unwritten")
    return replace(other, **{name: getattr(one, name) + getattr(other, name) for name in names})
