"""Results as OpenAI Batch lines (https://platform.openai.com/docs/guides/batch): one JSON object a job, joined by custom_id."""

from __future__ import annotations

from bridge.core.job import Job, Result, ResultStatus, State
from bridge.protocols.openai import write_answer, write_finish_reason

#: The endpoint whose results are plain texts.
COMPLETIONS = "/v1/completions"


def batch_line(job: Job, result: Result | None, state: State) -> tuple[dict[str, object], bool]:
    """(line, whether it is a result rather than an error) of a finished job."""
    line: dict[str, object] = {
        "id": f"batch_req_{job.id}",
        "custom_id": job.spec.key or job.id,
        "response": None,
        "error": None,
    }
    if result is None or result.status is ResultStatus.FAILED:
        message = result.error.get("message") if result and result.error else None
        code = "batch_cancelled" if state is State.CANCELLED or (result is None and job.cancelled) else "request_failed"
        line["error"] = {"code": code, "message": message or "the job was cancelled before it was done"}
        return line, False
    is_completion = job.spec.endpoint == COMPLETIONS
    usage = dict(result.usage)
    body = {
        "id": f"{'cmpl' if is_completion else 'chatcmpl'}-{job.id}",
        "object": "text_completion" if is_completion else "chat.completion",
        "created": int(result.finished_at.timestamp()),
        "model": result.model or job.spec.options.model or "unknown",
        "choices": [_text_choice(result) if is_completion else _message_choice(result)],
        "usage": {**usage, "total_tokens": sum(n for n in usage.values() if isinstance(n, int))} if usage else None,
    }
    line["response"] = {"status_code": 200, "request_id": job.id, "body": body}
    return line, True


def _message_choice(result: Result) -> dict[str, object]:
    message = write_answer(result.answer, result.tool_calls)
    return {"index": 0, "message": message, "finish_reason": write_finish_reason(result.finish_reason)}


def _text_choice(result: Result) -> dict[str, object]:
    return {
        "index": 0, "text": result.answer, "logprobs": None, "finish_reason": write_finish_reason(result.finish_reason),
    }  # fmt: skip
