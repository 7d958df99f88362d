"""Typed reading of JSON that came from outside: a value of the right type and within its limit, or a FieldError that names it.

None stands for what is not said; a value of another type is never read as if it were not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bridge.core.job import from_iso
from bridge.format import limits


class FieldError(ValueError):
    """A value is none that could stand there; the message names it."""


def is_text(value: object, most: int = limits.NAME_CHARS) -> bool:
    """Whether a value is a text of at most so many characters that UTF-8 can hold: it has no lone surrogates."""
    if not isinstance(value, str) or len(value) > most:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_count(value: object) -> bool:
    """Whether a value is a whole number from 0 to the limit; True and False are none."""
    return type(value) is int and 0 <= value <= limits.COUNT


def read_moment(value: object) -> datetime:
    """The moment in a text. Raises ValueError, also for one that no clock of ours could have shown."""
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError("it is not a moment")
    try:
        moment = from_iso(value)
    except OverflowError:
        raise ValueError("it is beyond the calendar") from None
    if not limits.FIRST_YEAR <= moment.year <= limits.LAST_YEAR:
        raise ValueError(f"it is not between {limits.FIRST_YEAR} and {limits.LAST_YEAR}")
    return moment


@dataclass(frozen=True, kw_only=True)
class Fields:
    """A JSON object whose values are read one by one. `where` names it in messages."""

    values: Mapping[str, object]
    where: str = ""

    def text(self, name: str, most: int = limits.NAME_CHARS) -> str | None:
        """A text without lone surrogates, at most so long."""
        value = self.values.get(name)
        if value is not None and not is_text(value, most):
            raise self._bad(name, f"is not a text of at most {most:,} characters")
        return value if isinstance(value, str) else None

    def count(self, name: str, least: int = 0) -> int:
        """A whole number from `least` to the limit; 0 if it is not said."""
        value = self.values.get(name)
        if value is None and not least:
            return 0
        if not isinstance(value, int) or not is_count(value) or value < least:
            raise self._bad(name, f"is not a whole number from {least} to {limits.COUNT}")
        return value

    def moment(self, name: str) -> datetime | None:
        """A moment."""
        value = self.values.get(name)
        if value is None:
            return None
        try:
            return read_moment(value)
        except ValueError as error:
            raise self._bad(name, f"is no moment: {error}") from None

    def when(self, name: str) -> datetime:
        """A moment that must be said."""
        moment = self.moment(name)
        if moment is None:
            raise self._bad(name, "is missing")
        return moment

    def counts(self, name: str) -> dict[str, int]:
        """Whole numbers by name, such as tokens."""
        group = self.group(name)
        return {key: group.count(key) for key in group.values if is_text(key)} if group else {}

    def amounts(self, name: str) -> dict[str, float]:
        """Numbers by name, such as seconds."""
        group = self.group(name)
        return {key: group._amount(key) for key in group.values if is_text(key)} if group else {}

    def _amount(self, name: str) -> float:
        value = self.values.get(name)
        if isinstance(value, int | float) and abs(value) <= limits.AMOUNT:  # of NaN that is false
            return value
        raise self._bad(name, "is not a plain number")

    def group(self, name: str) -> Fields | None:
        """An object."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict) or len(value) > limits.ENTRIES:
            raise self._bad(name, "is not a JSON object")
        return Fields(values=value, where=f"{self.where}{name}.")

    def groups(self, name: str) -> list[Fields]:
        """A list of objects."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > limits.ENTRIES or not all(isinstance(v, dict) for v in value):
            raise self._bad(name, "is not a list of JSON objects")
        return [Fields(values=v, where=f"{self.where}{name}[{n}].") for n, v in enumerate(value)]

    def _bad(self, name: str, why: str) -> FieldError:
        return FieldError(f"{self.where}{name} {why}")
