"""A job and its results as values, and what decides in which state it is (see states.py).

Everything here is pure. Two versions of a job join field by field (`Job.join`), and each field can only move one way, so
the order in which versions meet does not matter: that is what the merge of whole notebooks stands on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self, TypeVar

from bridge.core.options import Options as Options
from bridge.core.result import Attempt as Attempt
from bridge.core.result import Result as Result
from bridge.core.result import ResultStatus as ResultStatus
from bridge.core.result import from_iso as from_iso
from bridge.core.result import join_attempts as join_attempts
from bridge.core.result import join_results as join_results
from bridge.core.states import EDGES as EDGES
from bridge.core.states import State as State
from bridge.kernel.grammar import JobForm as JobForm
from bridge.kernel.grammar import prompt_sha256, ulid
from bridge.kernel.grammar import to_iso as to_iso


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job that is about to be added."""

    body: str  #: what `form` says it is
    form: JobForm = JobForm.PROMPT
    options: Options = field(default_factory=Options)
    key: str | None = None
    caller: str | None = None
    batch: str | None = None  #: name of the group that it was added with
    endpoint: str | None = (
        None  #: path of the API that it was written for, if its results are not to be chat completions
    )
    parent: str | None = None
    round: int = 0


@dataclass(frozen=True, kw_only=True)
class DamagedCell:
    """A prompt cell with a value in it that cannot be believed: it is written back as it came."""

    reason: str
    raw: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"DamagedCell({self.reason!r})"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a job is, as far as a person or its creator can say: replaced as a whole by an edit."""

    body: str  #: what `form` says it is
    form: JobForm = JobForm.PROMPT
    options: Options = field(default_factory=Options)
    broken: str | None = None  #: why the header cannot be read; then `body` is the cell's whole source
    damaged: DamagedCell | None = None  #: why what the cell says beside its header cannot be believed
    position: str  #: sort key of the cell in its notebook (see format/order.py)
    created_at: datetime | None = None
    key: str | None = None  #: the caller's own name for the job; a second job with the same key is the first one
    caller: str | None = None  #: who asked
    batch: str | None = None  #: name of the group that it was added with
    endpoint: str | None = None  #: path of the API that it was written for, such as /v1/completions; None: chat
    parent: str | None = None  #: the job that this one repairs or continues
    round: int = 0  #: 0 for an original, 1.. for repair rounds

    @cached_property
    def body_sha256(self) -> str:
        """The digest that ties a result to this prompt."""
        return prompt_sha256(self.body)

    @property
    def form_mark(self) -> bool | str:
        """The form as digests and orders take it: as version 0.1 wrote the two forms that it knows."""
        return "request" if self.form is JobForm.REQUEST else self.form is JobForm.CHAT

    @property
    def unreadable(self) -> str | None:
        """Why the job is broken, if it is."""
        return self.broken or (self.damaged.reason if self.damaged else None)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A worker's claim on a job."""

    worker: str
    attempt: int
    expires_at: datetime
    released: bool = False  #: given back before it ran out

    @property
    def order(self) -> tuple[int, bool, datetime, str]:
        """Of two leases the later in this order holds."""
        return (self.attempt, self.released, self.expires_at, self.worker)


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """A cancellation; it holds as long as the job was not put back into the queue after it."""

    attempt_floor: int
    at: datetime
    by: str  #: "cell deleted", or who asked

    @property
    def order(self) -> tuple[int, datetime, str]:
        """Of two cancellations the later in this order is kept."""
        return (self.attempt_floor, self.at, self.by)


Fact = TypeVar("Fact", datetime, str)
Dated = TypeVar("Dated", Cancellation, Lease)


def job_id(moment: datetime, randomness: int) -> str:
    """A ULID: 48 bits of milliseconds, 80 bits of randomness (https://github.com/ulid/spec); sorts by time."""
    return ulid(int(moment.timestamp() * 1000) << 80 | randomness % (1 << 80))


def derived_id(digest: bytes) -> str:
    """An id from the first 16 bytes of a digest of a job's content: the same content gives the same job everywhere."""
    return ulid(int.from_bytes(digest[:16]))


@dataclass(frozen=True, kw_only=True)
class Job:
    """One prompt with all that this side knows of it."""

    id: str
    spec: Spec
    #: How often the spec was edited; the highest edit counts.
    edit: int = 0
    #: Known from its header alone: its metadata was stripped, so created_at and the like are missing.
    bare: bool = False
    #: Attempts up to this number do not count any more.
    attempt_floor: int = 0
    cancelled: Cancellation | None = None
    lease: Lease | None = None
    attempts: tuple[Attempt, ...] = ()
    #: Every result that is known here, in any order of arrival, also those that do not count.
    results: tuple[Result, ...] = ()
    #: What the local side added: verdict, hand-over, archiving. Written into archive notebooks only.
    outcome: Mapping[str, object] = field(default_factory=dict)

    def evolve(self, **changes: Any) -> Self:
        """A copy with these fields changed."""
        return replace(self, **changes)

    def counts(self, result: Result, prompt_sha256: str) -> bool:
        """Whether a result is one of the prompt as it is now, and not of an attempt that was set aside."""
        return result.prompt_sha256 == prompt_sha256 and result.attempt > self.attempt_floor

    def best(self, prompt_sha256: str) -> Result | None:
        """The result that counts, of all that are known; None if none does."""
        valid = [result for result in self.results if self.counts(result, prompt_sha256)]
        return max(valid, key=lambda result: result.merit, default=None)

    @property
    def is_cancelled(self) -> bool:
        """Whether the cancellation still holds (a result may win over it)."""
        return self.cancelled is not None and self.cancelled.attempt_floor >= self.attempt_floor

    def next_attempt(self) -> int:
        """The number that a new attempt must carry: above everything seen so far."""
        return 1 + max(self._last_attempt(), self.lease.attempt if self.lease else 0)

    @property
    def open_lease(self) -> Lease | None:
        """The claim, unless its attempt or a later one has ended: a spent one says nothing any more."""
        return self.lease if self.lease and self.lease.attempt > self._last_attempt() else None

    def _last_attempt(self) -> int:
        return max(self.attempt_floor, *(a.attempt for a in self.attempts), *(r.attempt for r in self.results), 0)

    def holds_lease(self, now: datetime) -> bool:
        """Whether a worker's claim holds at this moment."""
        lease = self.lease
        if lease is None or lease.released or lease.attempt <= self.attempt_floor or lease.expires_at <= now:
            return False
        return all((a.attempt, a.worker) != (lease.attempt, lease.worker) for a in self.attempts)

    def state(self, result: Result | None, now: datetime) -> State:
        """The worker-side state, given the result that counts. A finished job stays finished when it is cancelled too."""
        if result and result.status is not ResultStatus.FAILED:
            return State(result.status.value)
        if self.is_cancelled:
            return State.CANCELLED
        if result:
            return State.FAILED
        if self.spec.unreadable:
            return State.BROKEN
        return State.RUNNING if self.holds_lease(now) else State.QUEUED

    def join(self, other: Job) -> Job:
        """Both versions of a job as one: commutative, associative, idempotent."""
        if self == other:
            return self
        newer = max(self, other, key=_spec_order)
        return replace(
            newer,
            spec=_with_birth(newer.spec, self.spec, other.spec),
            attempt_floor=max(self.attempt_floor, other.attempt_floor),
            cancelled=_later(self.cancelled, other.cancelled),
            bare=self.bare and other.bare,
            lease=_later(self.lease, other.lease),
            attempts=join_attempts(self.attempts, other.attempts),
            results=join_results(self.results, other.results),
            outcome=max(self.outcome, other.outcome, key=lambda o: (len(o), repr(sorted(o.items())))),
        )


def _spec_order(job: Job) -> tuple[int, bool, str]:
    spec = job.spec
    damaged = spec.damaged and sorted(map(repr, spec.damaged.raw.items()))
    said = (spec.body, spec.form_mark, spec.options, spec.broken, spec.position, damaged)
    return (job.edit, spec.damaged is None, repr(said))


def _with_birth(spec: Spec, a: Spec, b: Spec) -> Spec:
    """The spec with what either version knows of the job's birth, each fact by itself.

    Said once, when a job is made; no edit changes it, but a version whose metadata was stripped lacks it.
    """
    return replace(
        spec,
        created_at=_known(a.created_at, b.created_at),
        key=_known(a.key, b.key),
        caller=_known(a.caller, b.caller),
        batch=_known(a.batch, b.batch),
        endpoint=_known(a.endpoint, b.endpoint),
        parent=_known(a.parent, b.parent),
        round=max(a.round, b.round),
    )


def _known(a: Fact | None, b: Fact | None) -> Fact | None:
    return max((x for x in (a, b) if x is not None), default=None)


def _later(a: Dated | None, b: Dated | None) -> Dated | None:
    return max((x for x in (a, b) if x is not None), key=lambda x: x.order, default=None)
