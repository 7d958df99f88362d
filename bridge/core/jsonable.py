"""Values that are written as JSON and read back: frozen dataclasses of enums, texts, numbers, tuples, mappings and each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Self, TypeVar, get_args, get_origin, get_type_hints

from bridge.core.result import to_iso

T = TypeVar("T")


def to_json(value: object) -> object:
    """A value of this package as JSON types: enums by value, times as text, dataclasses as dicts, tuples as lists."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return to_iso(value)
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    return value


def from_json(kind: type[T], value: object) -> T:
    """The dataclass that `to_json` wrote; what it does not know is left out. Raises ValueError, which names the place."""
    made = _read(kind, value, kind.__name__)
    assert isinstance(made, kind)  # narrows the type
    return made


class Jsonable:
    """A frozen dataclass that can be written as JSON and changed by copy."""

    def to_json(self) -> dict[str, object]:
        """Its fields as JSON types."""
        result = to_json(self)
        assert isinstance(result, dict)  # narrows for mypy: a dataclass always gives a dict
        return result

    def evolve(self, **changes: object) -> Self:
        """A copy with these fields changed."""
        return replace(self, **changes)  # type: ignore[type-var]  # every subclass is a dataclass


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _read(hint: object, value: object, place: str) -> object:
    """The value that a type hint asks for."""
    inner = get_args(hint)
    if NoneType in inner:
        return None if value is None else _read(next(i for i in inner if i is not NoneType), value, place)
    shape = get_origin(hint) or hint
    if shape is tuple and isinstance(value, list):
        return tuple(_read(inner[0], item, f"{place}[{n}]") for n, item in enumerate(value))
    if shape is Mapping and isinstance(value, dict):
        return {str(name): _read(inner[1], item, f"{place}.{name}") for name, item in value.items()}
    if isinstance(shape, type) and is_dataclass(shape) and isinstance(value, dict):
        known = {name: hint for name, hint in _hints(shape).items() if name in value}
        try:
            return shape(**{name: _read(hint, value[name], f"{place}.{name}") for name, hint in known.items()})
        except TypeError as error:
            raise ValueError(f"{place}: {error}") from error  # a field is missing
    if isinstance(shape, type) and issubclass(shape, Enum) and isinstance(value, str | int):
        return shape(value)
    if shape is float and type(value) is int:
        return value
    if type(value) is shape:
        return value
    raise ValueError(f"{place} is {type(value).__name__}, not {getattr(shape, '__name__', shape)}")
