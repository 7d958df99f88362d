"""What stands quietly below an answer: who gave it, how long it took, and whether it is whole. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .progress import spell_duration

_HOW_IT_ENDED = {"succeeded": "whole", "truncated": "cut at the token limit", "failed": "failed"}


def footer_of(record: Mapping[str, Any], verdict: str = "") -> str:
    """The words for a result's record; `verdict`: what checking said of it, in one word. What is not known is left out."""
    timing, usage = record.get("timing_s"), record.get("usage")
    seconds = timing.get("total") if isinstance(timing, dict) else None
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    words = [str(record.get("model") or "")]
    if isinstance(seconds, int | float) and 0 <= seconds < 1e9:
        words.append(spell_duration(seconds))
    if isinstance(tokens, int) and tokens:
        words.append(f"{tokens} tokens")
    words.append(_HOW_IT_ENDED.get(str(record.get("status")), ""))
    words.append(f"checked: {verdict}" if verdict else "")
    return " · ".join(word for word in words if word)
