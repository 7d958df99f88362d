"""Lengths of time on the command line: `45`, `90s`, `30min`, `2h`, `1d`; in seconds."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}


class Duration(click.ParamType[float]):
    """Gives seconds as a float."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; click reports what is wrong."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|d|)\s*", str(value))
        if not match:
            self.fail(f"{value!r} is no length of time: write 90s, 30min, 2h or 1d", param, ctx)
        return float(match[1]) * _UNITS[match[2]]


DURATION = Duration()
