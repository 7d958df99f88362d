"""A job and a queue as they stand at a moment, for callers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from bridge.core.job import Job, Result, to_iso
from bridge.core.states import UNDER_WAY, Move, State, sources
from bridge.intake.prompt import shown
from bridge.protocols.openai import write_tool_calls
from bridge.store.query import JobLine

if TYPE_CHECKING:
    from bridge.delivery.payload import HandedFile, HandOver

#: A job in one of these has all that it will get without somebody's doing.
FINAL = frozenset(State) - UNDER_WAY

#: With checking, an answer alone is not the end of it.
READY = FINAL - sources(Move.CHECK)


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as it stands now."""

    line: JobLine
    job: Job
    result: Result | None  #: the one that counts
    #: What checking came to, as the journal keeps it; None: not checked yet.
    stored: Mapping[str, object] | None = None
    #: When it was checked and handed over, and on which way (journal's knowledge, or the archive's); None: not yet.
    checked_at: datetime | None = None
    delivered_at: datetime | None = None
    delivered_to: str | None = None
    signature: str | None = (
        None  #: of the answer: signed, unsigned, unknown key; None: no answer, or this machine has no key
    )

    @property
    def verdict(self) -> str | None:
        """What checking said of the answer: clean, errors, incomplete, unchecked, no_code; None: not checked."""
        return self.line.verdict

    @property
    def code(self) -> list[tuple[str | None, str]]:
        """The code in the answer as (path, text): of the best version if it was checked, else as it came. Not executed."""
        return [(file.path, file.code) for file in self.files]

    @cached_property
    def payload(self) -> HandOver | None:
        """What checking came to; None: not checked yet. Raises JournalError."""
        from bridge.delivery import payload

        return None if self.stored is None else payload.read(self.stored)

    @property
    def files(self) -> tuple[HandedFile, ...]:
        """The code in the answer; `status` is None where nobody checked it."""
        if self.payload is not None:
            return self.payload.files
        from bridge.checking.extraction.extract import extract
        from bridge.delivery import payload

        spec, reason = self.job.spec, self.result.finish_reason if self.result else None
        return payload.found(
            extract(self.answer or "", prompt=self.prompt, lang=spec.options.lang, finish_reason=reason)
        )

    @property
    def id(self) -> str:
        """The job's id, a ULID."""
        return self.line.id

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.line.state

    @property
    def prompt(self) -> str:
        """What was asked, as one text."""
        return shown(self.job.spec.body, self.job.spec.form)

    @property
    def answer(self) -> str | None:
        """The raw text that came back; None if there is none."""
        return self.result.answer if self.result and self.result.answer else None

    @property
    def error(self) -> str | None:
        """Why there is no answer; None if nothing went wrong."""
        if self.result and self.result.error:
            return str(self.result.error.get("message"))
        return self.job.spec.unreadable

    @property
    def good(self) -> bool:
        """Whether there is an answer, or calls of tools, and nothing that blocks was found in it."""
        answered = self.result is not None and (self.answer is not None or bool(self.result.tool_calls))
        return answered and self.verdict in (None, "clean", "unchecked", "no_code")

    def handover(self) -> HandOver:
        """What the caller gets: the payload of a checked job, else what there is. Documented in docs/handover.md."""
        from bridge.delivery import payload

        return (self.payload or payload.unchecked(self.job, self.result)).evolve(state=self.state)

    def to_json(self) -> dict[str, object]:
        """The job as one JSON object; documented in docs/cli.md."""
        spec, result = self.job.spec, self.result
        return {
            **line_json(self.line),
            "round": spec.round,
            "options": {k: list(v) if isinstance(v, tuple) else v for k, v in spec.options.given().items()},
            "prompt": self.prompt if not spec.broken else spec.body,
            "answer": self.answer,
            "error": self.error,
            "cancelled_by": self.job.cancelled.by if self.job.cancelled else None,
            "finish_reason": result.finish_reason if result else None,
            "tool_calls": write_tool_calls(result.tool_calls) if result else [],
            "attempt": result.attempt if result else None,
            "usage": dict(result.usage) if result else {},
            "timing_s": dict(result.timing_s) if result else {},
            "worker": dict(result.worker) if result else None,
            "signature": self.signature,
            "attempts": [
                {
                    "attempt": a.attempt, "worker": a.worker, "status": a.status.value,
                    "finished_at": to_iso(a.finished_at), "error": a.error, "late": a.late,
                }
                for a in self.job.attempts
            ],
            "outcome": dict(self.job.outcome),
        }  # fmt: skip


def line_json(line: JobLine) -> dict[str, object]:
    """A job of a list as one JSON object; documented in docs/cli.md."""
    return {
        "id": line.id,
        "state": line.state.value,
        "part": line.part,
        "archive": line.archive,
        "caller": line.caller,
        "batch": line.batch,
        "key": line.key,
        "model": line.model,
        "lang": line.lang,
        "priority": line.priority,
        "parent": line.parent,
        "created_at": to_iso(line.created_at) if line.created_at else None,
        "finished_at": to_iso(line.finished_at) if line.finished_at else None,
        "seconds": line.seconds,
        "problem": line.problem,
        "signer": line.signer,
        "verdict": line.verdict,
    }


@dataclass(frozen=True, kw_only=True)
class Status:
    """The queue at a glance."""

    path: str
    queue_id: str
    parts: int
    archives: int
    counts: dict[State, int]
    oldest_queued_s: float | None  #: age of the job that waits longest
    new_cells: int  #: prompts that a person typed; they become jobs with the next command that writes
    workers: int  #: that show signs of life: a heartbeat, or a lease that holds now
    idle: int  #: of these, with nothing to do
    lanes: int  #: requests that they can have under way together
    eta_s: (
        float | None
    )  #: until the queue is empty, at the pace of the last answers in as many lanes; None: nobody works, or no pace is known
    doubted: tuple[str, ...]  #: jobs that a version of the notebook would have cancelled
    problems: tuple[tuple[str, str], ...]  #: (job, what is wrong with its cell)
    unsigned: int = 0  #: answers in the notebooks that no key of this machine signed; 0 where it has none
    strange_cells: tuple[str, ...] = ()  #: code cells of the notebooks that are neither prompts nor ours
    outages: tuple[tuple[str, str], ...] = ()  #: (worker, why its engine answers nothing)
    copies_stay: str | None = None  #: why second copies are not moved away for the moment

    def to_json(self) -> dict[str, object]:
        """One object of JSON types: what `bridge status --json` prints."""
        problems = [{"job": job, "problem": problem} for job, problem in self.problems]
        counts = {state.value: n for state, n in self.counts.items()}
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        outages = [{"worker": worker, "reason": reason} for worker, reason in self.outages]
        return {**facts, "counts": counts, "doubted": list(self.doubted), "problems": problems, "outages": outages,
                "strange_cells": list(self.strange_cells)}  # fmt: skip
