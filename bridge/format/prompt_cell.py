"""A job as a prompt cell and back: the header and result texts are the kernel grammar's, the metadata is ours.

`metadata.bridge` holds what the header holds and more; a cell whose metadata was stripped still gives a job, a *bare*
one. The result counts only if grammar.parse_result believes it. Reading never raises on what a person may have typed:
a header that cannot be read makes a job that is `broken` and says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.core.chat import ToolCall, read_finish_reason
from bridge.core.job import (  # fmt: skip
    Attempt,
    Cancellation,
    Job,
    Lease,
    Options,
    Result,
    ResultStatus,
    Spec,
    from_iso,
    join_attempts,
    join_results,
    to_iso,
)
from bridge.format import json_bytes
from bridge.format.raw_cell import Dots, RawCell, source_of, stamp_of, texts_of, without_unseen
from bridge.kernel import grammar
from bridge.kernel.options import format_number

_CALL = ("id", "name", "arguments")
_LONG_AGO = datetime.fromtimestamp(0, UTC)


def spec_digest(spec: Spec) -> str:
    """16 hex digits that change when a person edits the cell: prompt, form and options; not its place or birth."""
    given = sorted((name, format_number(value)) for name, value in spec.options.given().items())
    return grammar.text_sha256(repr((given, spec.form_mark, spec.broken, grammar.prompt_sha256(spec.body))))[:16]


def read_header(source: str) -> tuple[grammar.Header, str, str | None]:
    """Header, body and, if the header cannot be read, the reason; then the body is the whole source."""
    line, body = grammar.split_cell(source)
    try:
        return grammar.parse_header(line), body, None
    except grammar.GrammarError as error:
        first = line.split(maxsplit=1)[0].upper() if line else ""
        job = first if grammar.JOB_ID.fullmatch(first) else None
        return grammar.Header(job=job), source, str(error)


def read_job(raw: RawCell, job_id: str, position: str, *, moved: bool = False) -> Job:
    """The job in a prompt cell."""
    header, body, broken = read_header(source_of(raw))
    stamp = stamp_of(raw)
    text = _text_reader(stamp)
    created = stamp.get("created_at")
    spec = Spec(
        body=body,
        form=header.form,
        options=Options(**header.options),
        broken=broken,
        position=position,
        created_at=_moment(created) if created else None,
        key=text("key"),
        caller=text("caller"),
        parent=text("parent"),
        round=_number(stamp, "round"),
    )
    attempt_floor = max(header.attempt_floor, _number(stamp, "floor"))
    touched = moved or (bool(stamp) and stamp.get("sha") != spec_digest(spec))
    return Job(
        id=job_id,
        spec=spec,
        edit=_number(stamp, "edit") + touched,
        bare=not stamp,
        attempt_floor=attempt_floor,
        cancelled=_read_cancelled(stamp.get("cancelled"), header, attempt_floor),
        lease=_read_lease(stamp.get("lease")),
        attempts=_read_attempts(stamp.get("attempts")),
        results=tuple(read_results(raw, job_id)[0]),
        outcome=outcome if isinstance(outcome := stamp.get("outcome"), dict) else {},
    )


def write_job(job: Job, dots: Dots, extras: Mapping[str, object] | None = None) -> dict[str, object]:
    """The raw prompt cell of a job: its best result as the only output, everything else in header and metadata."""
    spec = job.spec
    best = job.best(grammar.prompt_sha256(spec.body))
    header = grammar.Header(
        job=job.id,
        options=spec.options.given(),
        form=spec.form,
        cancelled=job.is_cancelled,
        attempt_floor=job.attempt_floor,
    )
    source = spec.body if spec.broken else grammar.join_cell(header, spec.body)
    stamp: dict[str, object] = {
        "id": job.id,
        "dots": without_unseen(dots),
        "edit": job.edit,
        "sha": spec_digest(spec),
    }
    optional = {
        "position": spec.position if spec.position != job.id else None,
        "created_at": to_iso(spec.created_at) if spec.created_at else None,
        "key": spec.key,
        "caller": spec.caller,
        "parent": spec.parent,
        "round": spec.round,
        "floor": job.attempt_floor,
        "cancelled": _write_cancelled(job.cancelled),
        "lease": _write_lease(job.lease),
        "attempts": [_write_attempt(a) for a in visible_attempts(job, best)],
        "outcome": dict(job.outcome),
    }
    stamp |= {key: value for key, value in optional.items() if value}
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": job.id,
        "metadata": {**(extras or {}), "bridge": stamp},
        "outputs": [write_output(best)] if best else [],
        "source": json_bytes.split_lines(source),
    }


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


def read_results(raw: RawCell, job_id: str) -> tuple[list[Result], list[str]]:
    """The believable results in a cell's outputs, and for each text that claims to be one but is not, the reason."""
    found: tuple[Result, ...] = ()
    problems: list[str] = []
    for text in dict.fromkeys(texts_of(raw)):  # mostly the same record twice, as Markdown and plain text
        if not grammar.is_result(text):
            continue
        try:
            record, answer = grammar.parse_result(text)
            found = join_results(found, (_result(record, answer, job_id),))
        except (grammar.GrammarError, ValueError, TypeError, KeyError) as error:
            problems.append(str(error))
    return list(found), problems


def record_of(result: Result) -> dict[str, object]:
    """The JSON record of a result (see queue_schema.json, `result`)."""
    calls = result.tool_calls
    return {
        "schema": grammar.CALLS_SCHEMA if calls else grammar.SCHEMA,
        "job": result.job,
        "attempt": result.attempt,
        "status": result.status.value,
        "finish_reason": result.finish_reason,
        "model": result.model,
        "model_digest": result.model_digest,
        "prompt_sha256": result.prompt_sha256,
        "finished_at": to_iso(result.finished_at),
        "usage": dict(result.usage),
        "timing_s": dict(result.timing_s),
        "worker": dict(result.worker),
        "error": dict(result.error) if result.error else None,
        **({"tool_calls": [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in calls]} if calls else {}),
    }


def result_text(result: Result) -> str:
    """The text of a result output: record line and answer, or the readable error of a failed run."""
    if result.status is ResultStatus.FAILED:
        message = (result.error or {}).get("message") or "no reason was given"
        return grammar.render_result(record_of(result), grammar.failure_text(str(message)))
    return grammar.render_result(record_of(result), result.answer)


def write_output(result: Result) -> dict[str, object]:
    """The one `display_data` output of a result; either of its two texts alone is enough to read it."""
    lines = json_bytes.split_lines(result_text(result))
    return {
        "data": {"text/markdown": lines, "text/plain": lines},
        "metadata": {},
        "output_type": "display_data",
    }


def _result(record: Mapping[str, Any], answer: str, job_id: str) -> Result:
    status = ResultStatus(record["status"])
    attempt, worker = record["attempt"], record["worker"]
    if not isinstance(attempt, int) or attempt < 1 or not isinstance(worker, dict):
        raise ValueError("the record's attempt or worker is not what it should be")
    return Result(
        job=job_id,
        attempt=attempt,
        status=status,
        finished_at=from_iso(record["finished_at"]),
        prompt_sha256=str(record["prompt_sha256"]),
        worker=worker,
        answer="" if status is ResultStatus.FAILED else answer,
        finish_reason=read_finish_reason(ended) if (ended := record.get("finish_reason")) else None,
        tool_calls=_calls(record.get("tool_calls")),
        model=record.get("model"),
        model_digest=record.get("model_digest"),
        usage=dict(record.get("usage") or {}),
        timing_s=dict(record.get("timing_s") or {}),
        error=record.get("error"),
    )


def _calls(value: object) -> tuple[ToolCall, ...]:
    """The tool calls of a record. Raises ValueError, KeyError or TypeError: then the record is not believed."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(c[key], str) for c in value for key in _CALL):
        raise ValueError("the record's tool calls are not what they should be")
    return tuple(ToolCall(**{key: call[key] for key in _CALL}) for call in value)


def _moment(value: object) -> datetime:
    try:
        return from_iso(str(value))
    except ValueError:
        return _LONG_AGO


def _number(stamp: Mapping[str, object], name: str) -> int:
    value = stamp.get(name, 0)
    return value if isinstance(value, int) and value > 0 else 0


def _text_reader(stamp: Mapping[str, object]) -> Any:
    return lambda name: stamp[name] if isinstance(stamp.get(name), str) else None


def _read_cancelled(value: object, header: grammar.Header, attempt_floor: int) -> Cancellation | None:
    if isinstance(value, dict):
        return Cancellation(
            attempt_floor=_number(value, "floor"), at=_moment(value.get("at")), by=str(value.get("by", ""))
        )
    return Cancellation(attempt_floor=attempt_floor, at=_LONG_AGO, by="header") if header.cancelled else None


def _write_cancelled(cancelled: Cancellation | None) -> dict[str, object] | None:
    return {"floor": cancelled.attempt_floor, "at": to_iso(cancelled.at), "by": cancelled.by} if cancelled else None


def _read_lease(value: object) -> Lease | None:
    if not isinstance(value, dict) or not _number(value, "attempt"):
        return None
    return Lease(
        worker=str(value.get("worker", "")),
        attempt=_number(value, "attempt"),
        expires_at=_moment(value.get("expires_at")),
        released=value.get("released") is True,
    )


def _write_lease(lease: Lease | None) -> dict[str, object] | None:
    if lease is None:
        return None
    written = {"worker": lease.worker, "attempt": lease.attempt, "expires_at": to_iso(lease.expires_at)}
    return {**written, "released": True} if lease.released else written


def _read_attempts(value: object) -> tuple[Attempt, ...]:
    attempts = []
    for entry in value if isinstance(value, list) else ():
        try:
            attempts.append(
                Attempt(
                    attempt=int(entry["attempt"]),
                    worker=str(entry["worker"]),
                    status=ResultStatus(entry["status"]),
                    finished_at=from_iso(entry["finished_at"]),
                    answer_sha256=entry.get("answer_sha256"),
                    error=entry.get("error"),
                    late=entry.get("late") is True,
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # a person's edit of the metadata; the attempt is still in the journal
    return tuple(attempts)


def _write_attempt(attempt: Attempt) -> dict[str, object]:
    written = {
        "attempt": attempt.attempt,
        "worker": attempt.worker,
        "status": attempt.status.value,
        "finished_at": to_iso(attempt.finished_at),
    }
    optional = {"answer_sha256": attempt.answer_sha256, "error": attempt.error, "late": attempt.late}
    return written | {key: value for key, value in optional.items() if value}
