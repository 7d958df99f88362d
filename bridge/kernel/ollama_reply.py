"""What Ollama says, as values: each is read by its type, and what is of another shape is an error or is not said. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .chat_json import CallJson
from .error_kind import ErrorKind, OllamaError
from .finish import FinishReason, read_finish_reason
from .grammar import read_count

#: Parts of a run, and where Ollama says how many nanoseconds they took.
_TIMES = {
    "total": "total_duration",
    "load": "load_duration",
    "prompt": "prompt_eval_duration",
    "answer": "eval_duration",
}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer and Ollama's account of it. Counts and times are None or absent where Ollama gave none (fact 7.2)."""

    text: str
    finish_reason: FinishReason
    model: str
    tool_calls: tuple[CallJson, ...] = ()  #: as `read_tool_call` gives them
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer

    @property
    def usage(self) -> dict[str, int]:
        """The counts that are known, by the names that records have for them."""
        counts = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
        return {name: count for name, count in counts.items() if count is not None}


@dataclass(frozen=True, kw_only=True)
class OllamaModel:
    """A model that is on the engine's disk (`/api/tags`), or in its memory (`/api/ps`)."""

    name: str
    digest: str
    size_bytes: int
    vram_bytes: int = 0  #: of a loaded model: how much of `size_bytes` is on the GPU
    context_tokens: int = 0  #: of a loaded model

    @property
    def gpu_share(self) -> float:
        """Which part of a loaded model is on the GPU, 0 to 1; below 1 it is slow."""
        return min(1.0, self.vram_bytes / self.size_bytes) if self.size_bytes else 0.0


def read_piece(line: Mapping[str, object]) -> str:
    """The text in a line of a stream. Raises OllamaError: INTERRUPTED."""
    message = line.get("message") or {}
    piece = line.get("response") or (message.get("content") if isinstance(message, dict) else message) or ""
    if not isinstance(piece, str):
        raise OllamaError(ErrorKind.INTERRUPTED, "the answer broke off (a line of it holds something other than text)")
    return piece


def read_last(last: Mapping[str, object], *, text: str, calls: Sequence[CallJson], model: str, wall_s: float) -> Reply:
    """The reply that ends with this line."""
    named = last.get("model")
    timing = {name: count / 1e9 for name, key in _TIMES.items() if (count := read_count(last.get(key))) is not None}
    return Reply(
        text=text,
        tool_calls=tuple(calls),
        finish_reason=read_finish_reason(last.get("done_reason") or "stop", with_calls=bool(calls)),
        model=named if isinstance(named, str) and named else model,
        prompt_tokens=read_count(last.get("prompt_eval_count")),
        completion_tokens=read_count(last.get("eval_count")),
        timing_s={"total": wall_s, **timing},
    )


def read_models(reply: Mapping[str, object]) -> list[OllamaModel]:
    """The models in a list; what is no model is left out."""
    rows = reply.get("models")
    return [_model(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _model(row: Mapping[str, object]) -> OllamaModel:
    return OllamaModel(
        name=str(row.get("name") or row.get("model") or ""),
        digest=str(row.get("digest", "")),
        size_bytes=read_count(row.get("size")) or 0,
        vram_bytes=read_count(row.get("size_vram")) or 0,
        context_tokens=read_count(row.get("context_length")) or 0,
    )


def read_vectors(reply: Mapping[str, object], count: int) -> list[list[float]]:
    """So many embeddings. Raises OllamaError: INCOMPLETE."""
    vectors = reply.get("embeddings")
    try:
        if isinstance(vectors, list) and len(vectors) == count:
            return [[float(number) for number in vector] for vector in vectors]
    except (TypeError, ValueError, OverflowError):
        pass
    raise OllamaError(ErrorKind.INCOMPLETE, f"{count} texts were sent, but not as many vectors came back")
