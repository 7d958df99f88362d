"""Lengths of time as a click type; gives seconds."""

from __future__ import annotations

import click

from bridge.core.duration import read_duration


class Duration(click.ParamType[float]):
    """Gives seconds as a float."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; click reports what is wrong."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return read_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()
