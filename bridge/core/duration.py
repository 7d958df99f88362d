"""Lengths of time as people write them: `45`, `90s`, `30min`, `2h`, `1d`. Pure."""

from __future__ import annotations

import re

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}


def read_duration(text: str) -> float:
    """The seconds that a text stands for. Raises ValueError, with a message for the person who wrote it."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)\s*", text)
    if not match:
        raise ValueError(f"{text!r} is not a length of time: write 90s, 30min, 2h or 1d")
    return float(match[1]) * _UNITS[match[2]]
