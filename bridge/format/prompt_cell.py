"""A job as a prompt cell and back: the header and result texts are the kernel grammar's, the metadata is ours.

`metadata.bridge` holds what the header holds and more; a cell whose metadata was stripped still gives a job, a *bare*
one. The result counts only if grammar.parse_result believes it. Reading never raises on what anybody may have written: a
header that cannot be read, or a value in the metadata that cannot be believed (limits.py), makes a job that is `broken` and
says why; the cell of the latter is written back as it came.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bridge.core.errors import BadOption
from bridge.core.job import (  # fmt: skip
    Attempt,
    Cancellation,
    DamagedCell,
    Job,
    Lease,
    Options,
    Result,
    Spec,
    join_attempts,
    to_iso,
)
from bridge.core.text import plain
from bridge.format import fields, json_bytes, limits, result_record
from bridge.format.fields import FieldError, Fields
from bridge.format.other_metadata import OtherMetadata
from bridge.format.raw_cell import (  # fmt: skip
    Dots,
    RawCell,
    extras_of,
    is_source,
    source_of,
    stamp_of,
    stamped_edit,
    without_unseen,
)
from bridge.kernel import grammar
from bridge.kernel.options import format_number

_LONG_AGO = datetime.fromtimestamp(0, UTC)
_REASON = "{error}; mend the cell's metadata, or `bridge cancel {job}` and `bridge retry {job}` write it anew"


def spec_digest(spec: Spec) -> str:
    """16 hex digits that change when a person edits the cell: prompt, form and options; not its place or birth."""
    given = sorted((name, format_number(value)) for name, value in spec.options.given().items())
    return grammar.text_sha256(repr((given, spec.form_mark, spec.broken, spec.body_sha256)))[:16]


def read_header(source: str) -> tuple[grammar.Header, str, str | None]:
    """Header, body and, if the header cannot be read, the reason; then the body is the whole source."""
    line, body = grammar.split_cell(source)
    try:
        if len(line) > limits.HEADER_CHARS:
            raise grammar.GrammarError(
                f"the header has {len(line):,} characters, {limits.HEADER_CHARS:,} are the limit"
            )
        header = grammar.parse_header(line)
        _check_header(header)
    except grammar.GrammarError as error:
        first = line.split(maxsplit=1)[0].upper() if line else ""
        job = first if grammar.JOB_ID.fullmatch(first) else None
        return grammar.Header(job=job), source, plain(str(error))
    return header, body, None


def _check_header(header: grammar.Header) -> None:
    """Refuse what a header can say, but nothing can hold. Raises GrammarError."""
    for name, value in header.options.items():  # a stop text is written as JSON, which can hold any character
        if isinstance(value, str) and not fields.is_text(value, limits.NOTE_CHARS):
            raise grammar.GrammarError(f"--{name} holds a lone surrogate, or is too long")
    if not fields.is_count(header.attempt_floor):
        raise grammar.GrammarError(f"--floor is above {limits.COUNT}")
    try:
        Options(**header.options)
    except BadOption as error:
        raise grammar.GrammarError(str(error)) from None


def read_job(raw: RawCell, job_id: str, position: str, *, moved: bool = False) -> Job:
    """The job in a prompt cell; one with a value that cannot be believed is broken, and says which."""
    header, body, broken = read_header(source_of(raw))
    stamp = stamp_of(raw)
    spec = Spec(
        body=body, form=header.form, options=Options(**header.options), broken=broken, position=position
    )  # fmt: skip
    job = Job(
        id=job_id,
        spec=spec,
        bare=not stamp,
        attempt_floor=header.attempt_floor,
        cancelled=Cancellation(attempt_floor=header.attempt_floor, at=_LONG_AGO, by="header")
        if header.cancelled
        else None,
        results=tuple(result_record.read_results(raw, job_id)[0]),
    )
    try:
        if not is_source(raw):
            raise FieldError("source is not text")
        job = _stamped_job(job, Fields(values=stamp))
    except FieldError as error:
        damaged = DamagedCell(reason=_REASON.format(error=plain(str(error)), job=job_id), raw=raw)
        job = job.evolve(spec=replace(spec, damaged=damaged), edit=stamped_edit(raw))
    touched = moved or (bool(stamp) and stamp.get("sha") != spec_digest(job.spec))
    return job.evolve(edit=job.edit + touched)


def _stamped_job(job: Job, stamp: Fields) -> Job:
    """The job with what its stamp says. Raises FieldError."""
    attempt_floor = max(job.attempt_floor, stamp.count("floor"))
    cancelled, lease, outcome = stamp.group("cancelled"), stamp.group("lease"), stamp.group("outcome")
    parent = stamp.text("parent")
    if parent is not None and not grammar.JOB_ID.fullmatch(parent):
        raise FieldError("parent is not a job id")
    spec = replace(
        job.spec,
        created_at=stamp.moment("created_at"),
        key=stamp.text("key", limits.NOTE_CHARS),
        caller=stamp.text("caller", limits.NOTE_CHARS),
        batch=stamp.text("batch", limits.NOTE_CHARS),
        endpoint=stamp.text("endpoint", limits.NOTE_CHARS),
        parent=parent,
        round=stamp.count("round"),
    )
    return job.evolve(
        spec=spec,
        edit=stamp.count("edit"),
        attempt_floor=attempt_floor,
        cancelled=_read_cancelled(cancelled) if cancelled else job.cancelled,
        lease=_read_lease(lease) if lease else None,
        attempts=tuple(_read_attempt(entry) for entry in stamp.groups("attempts")),
        outcome=outcome.values if outcome else {},
    )


def write_job(job: Job, dots: Dots, other: OtherMetadata | None = None) -> dict[str, object]:
    """The raw prompt cell of a job: its best result as the only output, everything else in header and metadata."""
    spec = job.spec
    other = other or OtherMetadata()
    if spec.damaged and not job.is_cancelled:
        return _as_it_came(spec.damaged.raw, job, dots)
    best = job.best(spec.body_sha256)
    header = grammar.Header(
        job=job.id,
        options=spec.options.given(),
        form=spec.form,
        cancelled=job.is_cancelled,
        attempt_floor=job.attempt_floor,
    )
    source = spec.body if spec.broken else grammar.join_cell(header, spec.body)
    stamp: dict[str, object] = {"id": job.id, "dots": without_unseen(dots), "edit": job.edit, "sha": spec_digest(spec)}
    optional = {
        "position": spec.position if spec.position != job.id else None,
        "created_at": to_iso(spec.created_at) if spec.created_at else None,
        "key": spec.key,
        "caller": spec.caller,
        "batch": spec.batch,
        "endpoint": spec.endpoint,
        "parent": spec.parent,
        "round": spec.round,
        "floor": job.attempt_floor,
        "cancelled": _write_cancelled(job.cancelled),
        "lease": _write_lease(job.open_lease),
        "attempts": [_write_attempt(a) for a in visible_attempts(job, best)],
        "outcome": dict(job.outcome),
    }
    stamp |= {key: value for key, value in optional.items() if value} | other.stamp()
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": job.id,
        "metadata": json_bytes.by_name({**other.values, "bridge": json_bytes.by_name(stamp)}),
        "outputs": [result_record.write_output(best)] if best else [],
        "source": json_bytes.split_lines(source),
    }


def _as_it_came(raw: RawCell, job: Job, dots: Dots) -> dict[str, object]:
    """A damaged cell with the id, dots and position that it needs to be merged by; all else is as it was found."""
    stamp = {**stamp_of(raw), "id": job.id, "dots": without_unseen(dots)}
    if job.spec.position != stamp.get("position", job.id):
        stamp["position"] = job.spec.position
    return {**raw, "id": job.id, "metadata": {**extras_of(raw), "bridge": stamp}}


def visible_attempts(job: Job, best: Result | None) -> tuple[Attempt, ...]:
    """The attempts that the cell lists: those known as such, and every result that is not the one shown."""
    hidden = tuple(summary(r) for r in job.results if best is None or r.identity != best.identity)
    return join_attempts(job.attempts, hidden)


def summary(result: Result, *, late: bool = False) -> Attempt:
    """A result as an entry in the list of attempts, without its text."""
    message = result.error.get("message") if result.error else None
    return Attempt(
        attempt=result.attempt,
        worker=result.worker_id,
        status=result.status,
        finished_at=result.finished_at,
        answer_sha256=grammar.text_sha256(result.answer) if result.answer else None,
        error=str(message) if message else None,
        late=late,
    )


def _read_cancelled(said: Fields) -> Cancellation:
    return Cancellation(
        attempt_floor=said.count("floor"),
        at=said.moment("at") or _LONG_AGO,
        by=said.text("by", limits.NOTE_CHARS) or "",
    )


def _write_cancelled(cancelled: Cancellation | None) -> dict[str, object] | None:
    return {"floor": cancelled.attempt_floor, "at": to_iso(cancelled.at), "by": cancelled.by} if cancelled else None


def _read_lease(said: Fields) -> Lease:
    return Lease(
        worker=said.text("worker") or "",
        attempt=said.count("attempt", least=1),
        expires_at=said.when("expires_at"),
        released=said.values.get("released") is True,
    )


def _write_lease(lease: Lease | None) -> dict[str, object] | None:
    if lease is None:
        return None
    written = {"worker": lease.worker, "attempt": lease.attempt, "expires_at": to_iso(lease.expires_at)}
    return {**written, "released": True} if lease.released else written


def _read_attempt(said: Fields) -> Attempt:
    return Attempt(
        attempt=said.count("attempt", least=1),
        worker=said.text("worker") or "",
        status=result_record.read_status(said),
        finished_at=said.when("finished_at"),
        answer_sha256=said.text("answer_sha256"),
        error=said.text("error", limits.NOTE_CHARS),
        late=said.values.get("late") is True,
    )


def _write_attempt(attempt: Attempt) -> dict[str, object]:
    written = {
        "attempt": attempt.attempt,
        "worker": attempt.worker,
        "status": attempt.status.value,
        "finished_at": to_iso(attempt.finished_at),
    }
    optional = {"answer_sha256": attempt.answer_sha256, "error": attempt.error, "late": attempt.late}
    return written | {key: value for key, value in optional.items() if value}
