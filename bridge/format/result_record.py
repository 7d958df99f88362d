"""A result as the output of its cell and back: the record in its text is the kernel grammar's form, its fields are ours.

Reading never raises: a record that cannot be believed is no result, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.chat import ToolCall, read_finish_reason
from bridge.core.job import Result, ResultStatus, join_results, to_iso
from bridge.core.text import plain
from bridge.format import json_bytes, limits
from bridge.format.fields import FieldError, Fields
from bridge.format.raw_cell import RawCell, carriers_of
from bridge.kernel import grammar
from bridge.kernel.display import to_display, with_footer
from bridge.kernel.footer import footer_of


def read_results(raw: RawCell, job_id: str) -> tuple[list[Result], list[str]]:
    """The believable results in a cell's outputs, and for each text that claims to be one but is not, the reason.

    Of an output the first text that is believed counts: the plain one, or what its Markdown is the display form of.
    """
    found: tuple[Result, ...] = ()
    problems: list[str] = []
    for texts in carriers_of(raw):
        for text in filter(grammar.is_result, texts):
            try:
                record, answer = grammar.parse_result(text)
                found = join_results(found, (_result(record, answer, job_id),))
                break  # the output's other text says the same
            except RecursionError:
                problems.append("the record is nested too deeply")
            except ValueError as error:  # a GrammarError or a FieldError
                problems.append(plain(str(error)))
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
        **({"signature": result.signature} if result.signature else {}),
        **({"tool_calls": [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in calls]} if calls else {}),
    }


def result_text(result: Result) -> str:
    """The text of a result output: record line and answer, or the readable error of a failed run."""
    return grammar.render_result(record_of(result), text_below(result))


def text_below(result: Result) -> str:
    """What stands below the record: the answer, or the readable error of a failed run."""
    if result.status is ResultStatus.FAILED:
        return grammar.failure_text(str((result.error or {}).get("message") or "no reason was given"))
    return result.answer


def write_output(result: Result, *, footer: bool = True) -> dict[str, object]:
    """The one `display_data` output of a result; either of its two texts alone is enough to read it.

    `footer`: a quiet line below the display form, outside the hash.
    """
    text = result_text(result)
    shown = display_form(result) if footer else json_bytes.split_lines(to_display(text))
    return {
        "data": {"text/markdown": shown, "text/plain": json_bytes.split_lines(text)},
        "metadata": {},
        "output_type": "display_data",
    }


def display_form(result: Result, *, verdict: str = "") -> list[str]:
    """The lines that a notebook shows of a result, with their footer."""
    footer = footer_of(record_of(result), verdict)
    return json_bytes.split_lines(with_footer(to_display(result_text(result)), footer))


def _result(record: Mapping[str, object], answer: str, job_id: str) -> Result:
    """Raises FieldError: then the record is not believed."""
    said = Fields(values=record, where="record.")
    worker, error = said.group("worker"), said.group("error")
    if said.text("job") != job_id:
        raise FieldError("the record is of another job")
    if worker is None:
        raise FieldError("the record's worker is missing")
    worker.text("id")
    if error is not None:
        error.text("message", limits.ANSWER_CHARS)
        error.text("kind")
    status = read_status(said)
    return Result(
        job=job_id,
        attempt=said.count("attempt", least=1),
        status=status,
        finished_at=said.when("finished_at"),
        prompt_sha256=said.text("prompt_sha256") or "",
        worker=worker.values,
        answer="" if status is ResultStatus.FAILED else answer,
        finish_reason=read_finish_reason(ended) if (ended := said.text("finish_reason")) else None,
        tool_calls=tuple(_read_call(call) for call in said.groups("tool_calls")),
        model=said.text("model"),
        model_digest=said.text("model_digest"),
        usage=said.counts("usage"),
        timing_s=said.amounts("timing_s"),
        error=error.values if error else None,
        signature=said.text("signature"),
    )


def _read_call(said: Fields) -> ToolCall:
    name, call, arguments = said.text("name"), said.text("id"), said.text("arguments", limits.ANSWER_CHARS)
    if name is None or call is None or arguments is None:
        raise FieldError(f"{said.where}name, id or arguments is missing")
    return ToolCall(id=call, name=name, arguments=arguments)


def read_status(said: Fields) -> ResultStatus:
    """How an attempt ended. Raises FieldError."""
    try:
        return ResultStatus(said.text("status"))
    except ValueError:
        raise FieldError(f"{said.where}status is none that is known") from None
