"""What a worker is told to do, what it did, and how far it is: values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bridge.core.job import Spec
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX
from bridge.engines.base import Request
from bridge.models.choose import model_of_job

#: In a map of models: whatever a job asks for, also nothing.
EVERY_MODEL = "*"


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """How to work."""

    model: str  #: for jobs that name none
    auto_model: str | None = None  #: for jobs that ask for `auto`; None: `model`
    model_map: Mapping[str, str] = field(
        default_factory=dict
    )  #: {what a job asks for, or `*` for any job: what answers it}
    lanes: int = 1
    forever: bool = False  #: wait for new jobs when the queue is empty
    waits_for_engine: bool = True  #: outlast an engine that refuses every job, such as with a key that was withdrawn
    max_time_s: float | None = None  #: begin nothing after this; what is under way is finished
    job_timeout_s: float | None = 3600.0
    num_ctx: int = DEFAULT_NUM_CTX
    max_tokens: int = DEFAULT_MAX_TOKENS
    publish_s: float = 3.0  #: at most one write of the notebook in this time
    poll_s: float = 5.0  #: between two looks for new jobs when there are none
    beat_s: float = 15.0
    longest_wait_s: float = (
        900.0  #: an engine that asks to be left alone for longer ends the worker, unless it is `forever`
    )
    last_tries_s: float = 60.0  #: how long the last publishing is tried before the worker ends

    def model_of(self, wanted: str | None) -> str:
        """The model of a job that asks for this one."""
        wanted = self.model_map.get(wanted or "", self.model_map.get(EVERY_MODEL, wanted))
        return model_of_job(wanted, default=self.model, auto=self.auto_model)

    def request(self, spec: Spec) -> Request:
        """What to ask the engine for a job. Raises BadRequest."""
        return Request.for_job(
            spec, model=self.model_of(spec.options.model), num_ctx=self.num_ctx, max_tokens=self.max_tokens,
            timeout_s=self.job_timeout_s,
        )  # fmt: skip

    def prefetch(self, ended: int) -> int:
        """Jobs to hold, if so many ended in the last second: two a lane, more when they end faster than is published."""
        return max(2 * self.lanes, min(400, 2 * ended))


class End(Enum):
    """Why the worker ended."""

    EMPTY = "empty"  # no job is waiting
    STOPPED = "stopped"  # somebody asked to
    TIME = "time"  # max_time_s is over
    TOLD_TO_WAIT = "told_to_wait"  # the engine asks to be left alone for longer than `longest_wait_s`
    NO_ANSWERS = "no_answers"  # the engine looks well and answers none of the jobs that are left, for many minutes
    OUT_OF_MEMORY = "out_of_memory"  # the model does not fit: it has answered nothing, and would fail every job


@dataclass(kw_only=True)
class WorkSummary:
    """What was done."""

    end: End = End.EMPTY
    answered: int = 0
    truncated: int = 0
    failed: int = 0
    retried: int = 0
    given_back: int = 0
    tokens: int = 0
    seconds: float = 0.0
    publishes: int = 0
    unpublished: str | None = None  #: why the last results are in the journal only
    unwritten: int = 0  #: results that could not even be written into the journal


@dataclass(frozen=True, kw_only=True)
class WorkerProgress:
    """How far a worker is."""

    done: int
    left: int  #: jobs that wait or run, as of the last publishing
    running: tuple[str, ...]
    tokens_per_s: float
    eta_s: float | None
    model: str
    engine_down: bool
