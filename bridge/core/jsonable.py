"""Values that can be written as JSON: what every value of this folder is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any, Self

from bridge.core.result import to_iso


def to_json(value: Any) -> Any:
    """A value of this package as JSON types: enums by value, times as text, dataclasses as dicts, tuples as lists."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_iso(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: to_json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    return value


class Jsonable:
    """A frozen dataclass that can be written as JSON and changed by copy."""

    def to_json(self) -> dict[str, Any]:
        """Its fields as JSON types."""
        result = to_json(self)
        assert isinstance(result, dict)  # narrows for mypy: a dataclass always gives a dict
        return result

    def evolve(self, **changes: Any) -> Self:
        """A copy with these fields changed."""
        return replace(self, **changes)  # type: ignore[type-var]  # every subclass is a dataclass
