"""Why an answer ended: a small closed set of reasons, and the one place that reads what engines call them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class FinishReason(StrEnum):
    """Why an answer ended, as a result's record says it. A text as well, because that is what every wire holds."""

    STOP = "stop"  # the model came to its end, or to a stop text
    LENGTH = "length"  # cut at the token limit, or at the end of the context
    TOOL_CALLS = "tool_calls"  # the model asks for tools and waits for their results
    CONTENT_FILTER = "content_filter"  # the engine withheld the rest
    REPETITION = "repetition"  # the engine gave up, because the model repeated itself
    ERROR = "error"  # there is no answer: of failed results only
    UNKNOWN = "unknown"  # the engine said something else, or nothing

    @property
    def is_cut(self) -> bool:
        """Whether the answer is known not to be whole."""
        return self in (FinishReason.LENGTH, FinishReason.CONTENT_FILTER, FinishReason.REPETITION)


#: What else engines and APIs say: Anthropic, Gemini, Cohere, text-generation-inference, Responses, Ollama.
_ENDS: Mapping[str, FinishReason] = {
    **dict.fromkeys(
        ("end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed", "finish_reason_stop", "end"), FinishReason.STOP
    ),
    **dict.fromkeys(
        ("max_tokens", "max_output_tokens", "model_length", "max_length", "model_context_window_exceeded"), FinishReason.LENGTH
    ),
    **dict.fromkeys(("tool_call", "tool_use", "function_call"), FinishReason.TOOL_CALLS),
    **dict.fromkeys(
        ("safety", "recitation", "blocklist", "prohibited_content", "refusal", "error_toxic"), FinishReason.CONTENT_FILTER
    ),
}  # fmt: skip


def read_finish_reason(said: object, *, with_calls: bool = False) -> FinishReason:
    """What an engine's own word for the end of an answer means; a word that nobody knows is UNKNOWN, never an error.

    `with_calls`: the answer holds calls of tools, so that its plain end is one for those.
    """
    word = said.strip().lower().replace("-", "_") if isinstance(said, str) else ""
    try:
        reason = FinishReason(word)
    except ValueError:
        reason = _ENDS.get(word, FinishReason.UNKNOWN)
    return FinishReason.TOOL_CALLS if with_calls and reason is FinishReason.STOP else reason
