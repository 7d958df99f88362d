"""OpenAI's batches: the lines of an input file, the object, and the lines of its output. Pure.

Source: https://platform.openai.com/docs/api-reference/batch; edge rules: facts/gateway-and-clients.md, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import orjson

from bridge.protocols.asked import Json
from bridge.protocols.refusal import RefusedAsk

#: Lines of one batch, as OpenAI has it.
MOST_LINES = 50_000
#: Problems that a failed batch names.
MOST_ERRORS = 100
#: Seconds that a batch may take.
WINDOW_S = 86_400
#: What a line may ask for.
ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings")


class BatchStatus(Enum):
    """Where a batch is."""

    VALIDATING = "validating"  # its lines are read
    FAILED = "failed"  # a line is wrong: nothing was asked
    IN_PROGRESS = "in_progress"  # its lines are answered
    FINALIZING = "finalizing"  # its files are written
    COMPLETED = "completed"  # every line has its end, be it an error
    EXPIRED = "expired"  # time was over; what was answered is there
    CANCELLING = "cancelling"  # the client took it back
    CANCELLED = "cancelled"  # what was answered is there

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens."""
        return self in (BatchStatus.FAILED, BatchStatus.COMPLETED, BatchStatus.EXPIRED, BatchStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class LineProblem:
    """Why a line cannot be asked."""

    code: str
    message: str
    line: int | None  #: from 1; None: of the whole file
    param: str | None = None

    def as_json(self) -> Json:
        """As the batch names it."""
        return {"code": self.code, "message": self.message, "line": self.line, "param": self.param}


class BadLine(ValueError):
    """A line that cannot be asked."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        self.code, self.param = code, param
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class LineFrame:
    """What every line says, whoever reads it."""

    custom_id: str
    url: str
    body: Json


def read_frame(value: Mapping[str, object]) -> LineFrame:
    """The frame of a line. Raises BadLine."""
    custom_id, url, body = value.get("custom_id"), value.get("url"), value.get("body")
    if not isinstance(custom_id, str) or not custom_id:
        raise BadLine("missing_required_parameter", '"custom_id" must be a text that is not empty', "custom_id")
    if value.get("method", "POST") != "POST":
        raise BadLine("invalid_method", '"method" must be POST', "method")
    if not isinstance(body, dict):
        raise BadLine("missing_required_parameter", '"body" must be an object', "body")
    return LineFrame(custom_id=custom_id, url=url if isinstance(url, str) else "", body=body)


@dataclass(frozen=True, kw_only=True)
class BatchLine:
    """One line of an input file."""

    number: int  #: from 1
    custom_id: str
    body: Json


def read_line(line: bytes, number: int, endpoint: str) -> BatchLine:
    """What a line asks for. Raises BadLine."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadLine("invalid_json_line", f"this line is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadLine("invalid_json_line", "this line is no JSON object")
    frame = read_frame(value)
    if len(frame.custom_id) > 512:
        raise BadLine("invalid_value", "custom_id has more than 512 characters", "custom_id")
    if frame.url != endpoint:
        raise BadLine("mismatched_endpoint", f'"url" must be the endpoint of the batch, {endpoint}', "url")
    if frame.body.get("stream"):
        raise BadLine("invalid_value", "a line of a batch cannot be streamed", "stream")
    return BatchLine(number=number, custom_id=frame.custom_id, body=frame.body)


@dataclass(frozen=True, kw_only=True)
class ApiBatch:
    """A batch as it stands. Moments are seconds since 1970."""

    id: str
    endpoint: str
    input_file_id: str
    created_at: int
    expires_at: int
    completion_window: str = "24h"
    metadata: Mapping[str, str] = field(default_factory=dict)
    status: BatchStatus = BatchStatus.VALIDATING
    total: int = 0
    completed: int = 0
    failed: int = 0
    problems: tuple[LineProblem, ...] = ()
    output_file_id: str | None = None
    error_file_id: str | None = None
    queue: str = ""  #: the id of the queue that its lines go through
    is_late: bool = False  #: it expired, and some lines have no answer
    output_kept_s: int | None = None  #: how long its files are kept; None: as other files
    model: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    moments: Mapping[str, int] = field(default_factory=dict)  #: {status: when}

    @property
    def wants_check(self) -> bool:
        """Whether its answers are to be checked."""
        return self.metadata.get("check") == "true"

    def moved(self, status: BatchStatus, at: int) -> ApiBatch:
        """The batch in another status."""
        return replace(self, status=status, moments={**self.moments, status.value: at})

    def as_json(self) -> Json:
        """The object of the API."""
        problems = [problem.as_json() for problem in self.problems]
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": problems} if problems else None,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": self.status.value,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            **{f"{name}_at": self.moments.get(name) for name in _MOMENTS},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": dict(self.metadata) or None,
            "model": self.model,
            "usage": _usage(self.prompt_tokens, self.completion_tokens),
        }


_MOMENTS = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def store(batch: ApiBatch) -> Json:
    """All of a batch, for `load`."""
    return {
        **vars(batch),
        "status": batch.status.value,
        "metadata": dict(batch.metadata),
        "moments": dict(batch.moments),
        "problems": [problem.as_json() for problem in batch.problems],
    }


def load(value: Json) -> ApiBatch:
    """What `store` gave."""
    given = value.get("problems")
    problems = [LineProblem(**problem) for problem in given] if isinstance(given, list) else []
    return ApiBatch(**{**value, "status": BatchStatus(value["status"]), "problems": tuple(problems)})  # type: ignore[arg-type]  # as stored


def read_metadata(value: object) -> dict[str, str]:
    """`metadata`: at most 16 pairs of texts of 64 and 512 characters. Raises RefusedAsk."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > 16:
        raise RefusedAsk.bad("metadata must be an object of at most 16 pairs", "metadata")
    for key, text in value.items():
        if len(key) > 64 or not isinstance(text, str) or len(text) > 512:
            raise RefusedAsk.bad("metadata has texts: keys of at most 64 characters, values of at most 512", "metadata")
    return dict(value)


def answered_line(batch: str, line: int, custom_id: str, body: Json) -> bytes:
    """A line of the output file."""
    response = {"status_code": 200, "request_id": f"req_{batch}_{line}", "body": body}
    return _line(batch, line, custom_id, response=response, error=None)


def failed_line(batch: str, line: int, custom_id: str, code: str, message: str) -> bytes:
    """A line of the error file."""
    return _line(batch, line, custom_id, response=None, error={"code": code, "message": message})


def _line(batch: str, line: int, custom_id: str, **rest: object) -> bytes:
    return (
        orjson.dumps({"id": f"batch_req_{batch.removeprefix('batch_')}_{line}", "custom_id": custom_id, **rest}) + b"\n"
    )


def _usage(prompt: int, completion: int) -> Json:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }
