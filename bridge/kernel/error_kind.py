"""Why Ollama did not answer: a small closed set of reasons, and the one place that reads Ollama's error texts.

Sources: facts 7.4 to 7.9 (Ollama's docs/api/errors.mdx, server/routes.go, llm/status.go).
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum


class ErrorKind(Enum):
    """What went wrong, as it is written into a result's `error.kind`."""

    DOWN = "engine_down"  # nobody listens, or the connection broke before the answer began
    MODEL_MISSING = "model_missing"  # the engine does not have this model
    OVERLOADED = "overloaded"  # its waiting line is full
    RATE_LIMITED = "rate_limited"  # it says how long to wait, or not
    OUT_OF_MEMORY = "out_of_memory"  # the model does not fit into VRAM and RAM
    CONTEXT_EXCEEDED = "context_exceeded"  # the prompt is longer than the context
    BAD_REQUEST = "bad_request"  # an option or the prompt is wrong
    NOT_SUPPORTED = "not_supported"  # the engine or the model cannot do what is asked at all
    INTERRUPTED = "interrupted"  # the answer broke off: crash, reset, silence, time limit
    INCOMPLETE = "incomplete"  # the stream ended politely but without its last line, or the answer is empty
    REFUSED = "refused"  # not allowed, or no room on the disk

    @property
    def retry(self) -> bool:
        """Whether the same request may succeed when it is simply sent again."""
        return self in _PASSING


_PASSING = frozenset(
    {ErrorKind.DOWN, ErrorKind.OVERLOADED, ErrorKind.RATE_LIMITED, ErrorKind.INTERRUPTED, ErrorKind.INCOMPLETE}
)


class OllamaError(RuntimeError):
    """Ollama did not give a whole answer; `kind` says why."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        over_by: int | None = None,
        estimated: bool = False,
        retry_after_s: float | None = None,
        partial: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        #: Tokens by which the prompt is too long; `estimated` says that Ollama did not count them.
        self.over_by = over_by
        self.estimated = estimated
        #: Seconds that the engine asked us to wait.
        self.retry_after_s = retry_after_s
        #: What had arrived of the answer.
        self.partial = partial

    def _render_traceback_(self) -> list[str]:
        # IPython's hook: a person in a notebook needs the reason, not our stack.
        return [f"{self.kind.value}: {self.message}"]


class Stopped(Exception):
    """The request was ended because somebody asked to stop; nothing is wrong."""


_BY_STATUS = {
    401: ErrorKind.REFUSED, 403: ErrorKind.REFUSED, 404: ErrorKind.MODEL_MISSING, 429: ErrorKind.RATE_LIMITED,
    499: ErrorKind.INTERRUPTED, 502: ErrorKind.DOWN, 503: ErrorKind.OVERLOADED, 504: ErrorKind.DOWN,
}  # fmt: skip

#: Words of an error text, lower case, and what they mean; the first that is found counts. They rule over the status,
#: because after the first chunk the status is lost, and because a wrong option type is a 500 (fact 7.12).
_BY_WORDS: tuple[tuple[str, ErrorKind], ...] = (
    ("exceeds the available context size", ErrorKind.CONTEXT_EXCEEDED),
    ("longer than the context length", ErrorKind.CONTEXT_EXCEEDED),
    ("exceeds the context length", ErrorKind.CONTEXT_EXCEEDED),  # 0.12.6 to 0.24
    ("exceeds maximum context length", ErrorKind.CONTEXT_EXCEEDED),
    ("does not support", ErrorKind.NOT_SUPPORTED),  # tools, insert, chat, embeddings, thinking
    ("must be of type", ErrorKind.BAD_REQUEST),
    ("out of memory", ErrorKind.OUT_OF_MEMORY),
    ("out-of-memory", ErrorKind.OUT_OF_MEMORY),
    ("cudamalloc failed", ErrorKind.OUT_OF_MEMORY),
    ("failed to allocate", ErrorKind.OUT_OF_MEMORY),
    ("not enough memory", ErrorKind.OUT_OF_MEMORY),
    ("requires more system memory", ErrorKind.OUT_OF_MEMORY),
    ("no space left on device", ErrorKind.REFUSED),
    ("disk quota exceeded", ErrorKind.REFUSED),
    ("do embedding request", ErrorKind.INTERRUPTED),  # its runner crashed: a 400 in 0.24
    ("server busy", ErrorKind.OVERLOADED),
    ("try pulling it first", ErrorKind.MODEL_MISSING),
    ("file does not exist", ErrorKind.MODEL_MISSING),  # a pull of a name that the registry does not know
)


def read_error(status: int, text: str, *, retry_after_s: float | None = None) -> OllamaError:
    """The error that a status (200 for a line inside a stream) and Ollama's own words stand for.

    `retry_after_s`: how long the server asked us to wait.
    """
    lower = text.lower()
    kind = next((meaning for words, meaning in _BY_WORDS if words in lower), None)
    if kind is None:
        kind = _BY_STATUS.get(status, ErrorKind.BAD_REQUEST if 400 <= status < 500 else ErrorKind.INTERRUPTED)
    if kind is ErrorKind.CONTEXT_EXCEEDED:
        return too_long(text)
    message = text.strip() or f"HTTP {status} without a reason"
    if kind is ErrorKind.OUT_OF_MEMORY:
        message += " (choose a smaller model, fewer lanes or a shorter context)"
    return OllamaError(kind, message, retry_after_s=retry_after_s)


def read_retry_after(said: str | None, now: datetime) -> float | None:
    """Seconds to wait, as a Retry-After header says them: a number, or a date (RFC 9110, 10.2.3); None: nothing that can be read."""
    try:
        seconds = float(said or "")
    except ValueError:
        try:
            moment = parsedate_to_datetime(said or "")
            moment = moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
            seconds = (moment - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def too_long(text: str, *, prompt: str = "", num_ctx: int = 0) -> OllamaError:
    """The error of a prompt that is longer than the context, with the number of tokens that are too many.

    From Ollama's own words where they hold two counts, else estimated from the prompt.
    """
    counted = [int(number) for number in re.findall(r"\((\d+) tokens?\)", text)]
    estimated = len(counted) < 2
    tokens, room = counted[:2] if not estimated else (estimate_tokens(prompt), num_ctx)
    over_by = max(1, tokens - room)
    about = "about " if estimated else ""
    return OllamaError(
        ErrorKind.CONTEXT_EXCEEDED,
        f"the prompt is {about}{over_by} tokens too long: it has {about}{max(tokens, room + 1)}, the context holds {room}, "
        "and the answer needs room as well. Shorten it, or raise the context.",
        over_by=over_by,
        estimated=estimated,
    )


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is: 3.36 characters of code a token, measured with Qwen's tokenizer (library facts, 3)."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / 3.36)
