"""What a setting may be: rules that read one TOML value, or the text of an environment variable. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
E = TypeVar("E", bound=Enum)

#: How the keys of well-known providers begin; none of them may stand in a file.
_KEY = re.compile(r"(?<![A-Za-z0-9])(?:sk-|sk_|gsk_|xai-|hf_|AIza|ghp_|github_pat_|AKIA|ya29\.|eyJ)[\w.-]{8,}")


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[T_co]):
    """One kind of value."""

    must_be: str  #: ends the sentence "NAME must be ..."
    read: Callable[[object], T_co]  #: raises ValueError, whose text may say more than `must_be`
    of_text: Callable[[str], object]  #: the TOML value that an environment variable stands for
    shown: bool = True  #: whether a wrong value may be quoted: not where a secret may have been put by mistake


def text(must_be: str = "a text", *, pattern: str = r"(?s).+", shown: bool = True) -> Rule[str]:
    """A text that a pattern matches as a whole; by default any but the empty one."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError
        if not shown and _KEY.search(value):
            raise ValueError(
                "seems to hold a key: keys never stand in bridge.toml; name an environment variable in key_env"
            )
        return value

    return Rule(must_be=must_be, read=read, of_text=str, shown=shown)


def whole(least: int, most: int | None = None) -> Rule[int]:
    """A whole number from `least` to `most`."""

    def read(value: object) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or value < least
            or (most is not None and value > most)
        ):
            raise ValueError
        return value

    bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
    return Rule(must_be=f"a whole number {bounds}", read=read, of_text=_toml)


def number(least: float = 0.0, *, unit: str = "") -> Rule[float]:
    """A number of at least `least`; infinity is none."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
            raise ValueError
        return float(value)

    return Rule(must_be=f"a number{unit and ' of ' + unit} of at least {least:g}", read=read, of_text=_toml)


def flag() -> Rule[bool]:
    """True or false."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise ValueError
        return value

    return Rule(must_be="true or false", read=read, of_text=lambda said: _toml(said.lower()))


def one_of(members: type[E]) -> Rule[E]:
    """A member of an Enum, by its value."""

    def read(value: object) -> E:
        return members(value)

    *others, last = (str(member.value) for member in members)
    return Rule(must_be=f"{', '.join(others)} or {last}", read=read, of_text=str)


def texts(item: str = "texts", *, pattern: str = r"(?s).+") -> Rule[tuple[str, ...]]:
    """A list of texts; in the environment divided by commas."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(one, str) and re.fullmatch(pattern, one) for one in value):
            raise ValueError
        return tuple(dict.fromkeys(value))

    return Rule(
        must_be=f"a list of {item}",
        read=read,
        of_text=lambda said: [one.strip() for one in said.split(",") if one.strip()],
    )


def _toml(said: str) -> object:
    """A number or boolean as TOML writes it; else the text itself, which no rule for one takes."""
    try:
        return tomllib.loads(f"value = {said.strip()}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return said
