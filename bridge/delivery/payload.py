"""What a caller gets of a job: one value, the same on every way out; as JSON it is docs/handover.schema.json.

The journal keeps it as that JSON, beside the SARIF log; `read` is the way back in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.checking.destination import WANTED, destinations
from bridge.checking.rounds import RepairOutcome, RepairStop
from bridge.checking.values import BlockStatus, CodeBlock, Diagnostic, Extraction, Level, Quality, Report, Role, Verdict
from bridge.core.errors import JournalError
from bridge.core.job import Job, Result, ResultStatus, State, to_iso
from bridge.core.jsonable import Jsonable, from_json


@dataclass(frozen=True, kw_only=True)
class HandedFile(Jsonable):
    """One piece of code of an answer."""

    block: int  #: its number, which diagnostics name
    path: str | None  #: relative, and safe below a folder
    language: str | None
    role: Role
    complete: bool
    status: BlockStatus | None  #: None: nobody checked it
    targets: tuple[str, ...] = ()  #: of a patch: the files that it changes
    code: str
    joined: str | None = None  #: of a continuation: the whole file, the prompt's own code with this


@dataclass(frozen=True, kw_only=True)
class HandedError(Jsonable):
    """Why there is no answer."""

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class HandOver(Jsonable):
    """A job as its caller gets it; docs/handover.md tells every field."""

    state: State | None = None  #: only where somebody asks; what is sent does not say it
    job: str
    key: str | None = None
    caller: str | None = None
    lang: str | None = None
    out: str | None = None
    status: ResultStatus | None = None
    error: HandedError | None = None
    finish_reason: str | None = None
    model: str | None = None
    finished_at: str | None = None  #: as `to_iso` writes it
    usage: Mapping[str, int] = field(default_factory=dict)
    timing_s: Mapping[str, float] = field(default_factory=dict)
    answer: str | None = None
    # From here on: what checking adds.
    verdict: Verdict | None = None
    level: Level | None = None
    files: tuple[HandedFile, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    quality: tuple[Quality, ...] = ()
    notes: tuple[str, ...] = ()
    complete: bool | None = None
    rounds: int = 0
    stop: RepairStop | None = None
    repaired: bool = False

    def to_json(self) -> dict[str, object]:
        """The object of docs/handover.schema.json."""
        return {name: value for name, value in super().to_json().items() if name != "state" or value is not None}


def read(stored: Mapping[str, object]) -> HandOver:
    """A hand-over as the journal keeps it, by this version or an earlier one. Raises JournalError."""
    usage, timing_s = _whole(stored.get("usage")), _numbers(stored.get("timing_s"))
    try:
        return from_json(HandOver, {**stored, "usage": usage, "timing_s": timing_s})
    except ValueError as error:
        raise JournalError(
            f"the journal's result of job {stored.get('job')} cannot be read ({error}): `bridge retry {stored.get('job')}`"
        ) from error


def unchecked(job: Job, result: Result | None) -> HandOver:
    """Of a job that has no checked answer: it failed, was cancelled, or nobody has looked at it."""
    spec = job.spec
    error = None
    if result and result.error:
        kind, message = result.error.get("kind"), result.error.get("message")
        error = HandedError(kind=str(kind or "unknown"), message=str(message or ""))
    elif result is None and (reason := spec.unreadable):
        error = HandedError(kind="broken", message=reason)
    told = HandOver(
        job=job.id, key=spec.key, caller=spec.caller, lang=spec.options.lang, out=spec.options.out, error=error
    )
    if result is None:
        return told
    return told.evolve(
        status=result.status,
        finish_reason=result.finish_reason,
        model=result.model,
        finished_at=to_iso(result.finished_at),
        usage=_whole(result.usage),
        timing_s=_numbers(result.timing_s),
        answer=result.answer or None,
    )


def finished(job: Job, result: Result, outcome: RepairOutcome) -> HandOver:
    """Of a job whose answer was checked, and perhaps repaired or continued."""
    report = outcome.report
    return unchecked(job, result).evolve(
        answer=outcome.answer,
        verdict=report.verdict,
        level=report.level,
        files=_files(report),
        diagnostics=report.diagnostics,
        quality=report.quality,
        notes=report.notes,
        complete=report.complete,
        rounds=outcome.rounds,
        stop=outcome.stop,
        repaired=outcome.improved,
    )


def found(extraction: Extraction) -> tuple[HandedFile, ...]:
    """The files of an answer that nobody checked."""
    return tuple(_file(block, None) for block in extraction.blocks if block.role in WANTED and block.current)


def placed(what: HandOver) -> dict[str, HandedFile]:
    """{path: file} of a result's code that has a place (see `destinations`): where `apply` writes it, and the outbox too.

    A continuation that goes to the path asked for is handed over as the joined file.
    """
    found = destinations(what.files, what.out)
    return {
        path: file.evolve(code=file.joined, role=Role.FILE) if path == what.out and file.joined is not None else file
        for path, file in found.items()
    }


def _files(report: Report) -> tuple[HandedFile, ...]:
    """The blocks that are code or data, newest version of each path, in the order of the answer."""
    return tuple(
        _file(block, check.status)
        for block, check in zip(report.blocks, report.checks, strict=True)
        if block.role in WANTED and block.current
    )


def _file(block: CodeBlock, status: BlockStatus | None) -> HandedFile:
    return HandedFile(
        block=block.index, path=block.path, language=block.language, role=block.role, complete=block.complete,
        status=status, targets=block.targets, code=block.code, joined=block.joined,
    )  # fmt: skip


def _numbers(told: object) -> dict[str, float]:
    """What an engine measured, as far as it is numbers: nobody has looked at it before."""
    known = told.items() if isinstance(told, Mapping) else ()
    return {str(name): value for name, value in known if type(value) in (int, float)}


def _whole(told: object) -> dict[str, int]:
    return {name: value for name, value in _numbers(told).items() if isinstance(value, int)}
