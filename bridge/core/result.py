"""How one try at a job ended, as values: the attempt, and the result that it left.

`bridge.core.job` builds on it and re-exports its names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from bridge.core.chat import FinishReason, ToolCall
from bridge.kernel.grammar import to_iso as to_iso


class ResultStatus(Enum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"  # complete answer
    TRUNCATED = "truncated"  # answer cut at the token limit
    FAILED = "failed"  # no answer

    @property
    def rank(self) -> int:
        """A complete answer beats a cut one, and that beats none."""
        return {"succeeded": 3, "truncated": 2, "failed": 1}[self.value]


def from_iso(text: str) -> datetime:
    """Read what `to_iso` wrote; a time without a zone is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try at a job, as it ended; the answer itself is in the `Result`, if that is kept here."""

    attempt: int
    worker: str
    status: ResultStatus
    finished_at: datetime
    answer_sha256: str | None = None
    error: str | None = None
    late: bool = False  #: came after its lease had passed to another worker

    @property
    def order(self) -> tuple[int, datetime, str, str, str]:
        """A total order over different attempts; equal only for equal ones, `late` aside."""
        return (self.attempt, self.finished_at, self.worker, self.status.value, self.answer_sha256 or "")


@dataclass(frozen=True, kw_only=True)
class Result:
    """An answer with the facts about the run. A failed run has an error and an empty answer."""

    job: str
    attempt: int
    status: ResultStatus
    finished_at: datetime
    prompt_sha256: str
    worker: Mapping[str, object]  #: at least `id`
    answer: str = ""
    finish_reason: FinishReason | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    model: str | None = None
    model_digest: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)  #: prompt_tokens, completion_tokens
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer
    error: Mapping[str, object] | None = None  #: kind, message
    signature: str | None = None  #: of whoever answered, as its record holds it (kernel/signing.py); not looked at here

    @property
    def worker_id(self) -> str:
        """Who ran it."""
        return str(self.worker.get("id", ""))

    @property
    def identity(self) -> tuple[int, str, datetime, str, str, int, str, str]:
        """Two results with the same identity are the same result."""
        return (
            self.attempt, self.worker_id, self.finished_at, self.status.value, self.prompt_sha256, len(self.answer), self.answer,
            self.signature or "",
        )  # fmt: skip

    @property
    def merit(self) -> tuple[int, bool, int, float, str, str, str]:
        """Of two results of one prompt the higher counts: more complete, signed, later attempt, finished earlier, worker id.

        Finished earlier, because what was handed over should not change when a double arrives.
        """
        return (
            self.status.rank, self.signature is not None, self.attempt, -self.finished_at.timestamp(), self.worker_id,
            self.prompt_sha256 + self.answer, self.signature or "",
        )  # fmt: skip


def join_attempts(a: tuple[Attempt, ...], b: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The union of two lists of attempts, in a fixed order."""
    joined: dict[object, Attempt] = {}
    for attempt in (*a, *b):
        seen = joined.get(attempt.order)
        joined[attempt.order] = max(seen, attempt, key=lambda x: (x.late, x.error or "")) if seen else attempt
    return tuple(joined[key] for key in sorted(joined))  # type: ignore[type-var]  # the keys are tuples of one shape


def join_results(a: tuple[Result, ...], b: tuple[Result, ...]) -> tuple[Result, ...]:
    """The union of two sets of results, in a fixed order."""
    joined: dict[tuple[int, str, datetime, str, str, int, str, str], Result] = {}
    for result in (*a, *b):
        seen = joined.get(result.identity)
        joined[result.identity] = max(seen, result, key=repr) if seen else result
    return tuple(joined[key] for key in sorted(joined))
