"""What an OpenAI-compatible API's refusal means. Pure.

The dialects: OpenAI (`error.code`, `x-ratelimit-reset-*`), vLLM (`maximum context length is …`), llama.cpp's server
(`exceed_context_size_error` with counts), Anthropic (`anthropic-ratelimit-*-reset`, credit balance), Groq (`try again in 7m12.5s`, quotas
of a day), Gemini (`retryDelay`, `quotaId`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from bridge.core.errors import (
    BadRequest,
    ContextExceeded,
    EngineDown,
    EngineError,
    ModelMissing,
    NotSupported,
    OutOfMemory,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    Refused,
    StreamInterrupted,
)
from bridge.kernel.error_kind import read_retry_after

_ROOM = (r"maximum context length (?:is|of) (\d{1,15})", r'"n_ctx":\s*(\d{1,15})', r"context size \((\d{1,15})")
_ASKED = (
    r"(?:resulted in|requested|has|contains) (?:about )?(\d{1,15}) (?:input )?tokens",
    r'"n_prompt_tokens":\s*(\d{1,15})',
    r"request \((\d{1,15})",
)
_TOO_LONG = ("context_length_exceeded", "maximum context length", "exceed_context_size", "available context size")
_NO_QUOTA = ("insufficient_quota", "billing_hard_limit", "credit balance is too low")
#: Quotas of a day, which Gemini and Groq call like limits of a minute.
_OF_A_DAY = ("perday", "per day", "(tpd)", "(rpd)")
#: A day's quota is not back after the minute that Gemini asks for.
_DAY_AT_LEAST_S = 3600.0
_CANNOT = ("does not support", "not_supported_error", "is not supported")
_NO_MEMORY = ("out of memory", "cudamalloc failed")

_BY_STATUS: Mapping[int, type[EngineError]] = {
    401: Refused, 402: Refused, 403: Refused, 408: StreamInterrupted, 500: EngineDown, 502: EngineDown, 503: Overloaded,
    504: EngineDown, 529: Overloaded,
}  # fmt: skip


def read_refusal(status: int, text: str, headers: Mapping[str, str], now: datetime) -> EngineError:
    """The error that a response's status (200: an event in the stream), body and headers stand for."""
    message = f"HTTP {status}: {_message(text)}" if status != 200 else _message(text)
    lower = text.lower()
    if any(words in lower for words in _TOO_LONG) or status == 413:
        return _too_long(text, message)
    if any(words in lower for words in _NO_MEMORY):
        return OutOfMemory(message)
    if status == 501 or (status in (400, 500) and any(words in lower for words in _CANNOT)):
        return NotSupported(message)
    if any(words in lower for words in _NO_QUOTA):
        return QuotaExhausted(message, reset_after_s=_retry_after(text, headers, now))
    if status == 429 or (status == 200 and "rate_limit" in lower):
        wait_s = _retry_after(text, headers, now)
        if any(words in lower for words in _OF_A_DAY):
            return QuotaExhausted(message, reset_after_s=max(wait_s or 0.0, _DAY_AT_LEAST_S))
        return RateLimited(message, retry_after_s=wait_s)
    if status == 404 and "model" in lower:
        return ModelMissing(message)
    if status in _BY_STATUS:
        return _BY_STATUS[status](message)
    return StreamInterrupted(message) if status == 200 else EngineDown(message) if status > 500 else BadRequest(message)


def _message(text: str) -> str:
    try:
        value = json.loads(text)
        value = value[0] if isinstance(value, list) else value  # Gemini wraps it in a list
        error = value.get("error", value)
        return str(error.get("message") if isinstance(error, dict) else error)[:500]
    except (ValueError, AttributeError, IndexError, KeyError, RecursionError):
        return " ".join(text.split())[:200] or "no reason given"


def _too_long(text: str, message: str) -> ContextExceeded:
    room, asked = _first(_ROOM, text), _first(_ASKED, text)
    if room is None or asked is None or asked <= room:
        return ContextExceeded(f"the prompt is too long ({message})", over_by=1, estimated=True)
    over_by = asked - room
    return ContextExceeded(
        f"the prompt is {over_by} tokens too long: {asked}, the context holds {room}", over_by=over_by
    )


def _first(patterns: tuple[str, ...], text: str) -> int | None:
    return next((int(found[1]) for pattern in patterns if (found := re.search(pattern, text))), None)


def _retry_after(text: str, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait: `retry-after-ms`, Retry-After as seconds or as a date (RFC 9110, 10.2.3), Gemini's `retryDelay`, what
    the message says, else when the limits that are used up are full again."""
    given = {name.lower(): value for name, value in headers.items()}
    if (found := _NUMBER.fullmatch(given.get("retry-after-ms", ""))) is not None:
        return float(found[0]) / 1000
    if "retry-after" in given:
        return read_retry_after(given["retry-after"], now)
    for pattern in (_DELAY, _IN):
        if (said := pattern.search(text)) is not None and (seconds := _length(said[1])) is not None:
            return seconds
    return max((wait_s for name in _RESETS if (wait_s := _reset(given, name, now)) is not None), default=None)


_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?")
_DELAY = re.compile(r'"retryDelay":\s*"([\d.hms]{1,30})"')
_IN = re.compile(r"(?i)(?:try again|retry) in ([\d.hms]{1,30})")
#: {how the headers of a limit begin: whether a time follows its name}.
_RESETS = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens", "anthropic-ratelimit-requests-reset", "anthropic-ratelimit-tokens-reset")  # fmt: skip
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _length(said: str) -> float | None:
    """Seconds of a length such as `7m12.5s`, `120ms` or `34s`; None: it is none."""
    parts = re.findall(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[hms])", said)
    whole = "".join(number + unit for number, unit in parts)
    return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts and whole == said.rstrip(".") else None


def _reset(headers: Mapping[str, str], name: str, now: datetime) -> float | None:
    """When a limit is full again, if nothing of it is left: a length, or a moment."""
    said, left = headers.get(name), headers.get(name.replace("reset", "remaining"), "0")
    if not said or left != "0":
        return None
    if (seconds := _length(said)) is not None:
        return seconds
    try:
        return max(0.0, (datetime.fromisoformat(said) - now).total_seconds())
    except (ValueError, TypeError):
        return None
