"""What a parser gives back, in a shape that crosses a process border as JSON."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Fault(TypedDict):
    """One place where a text does not parse. Lines and columns start at 1."""

    line: int
    column: int
    end_line: NotRequired[int]
    end_column: NotRequired[int]
    code: str
    message: str
    advice: NotRequired[bool]  #: worth saying, but no error


class Parsed(TypedDict):
    """What a parser says of a text."""

    faults: list[Fault]
    version: NotRequired[str]
    absent: NotRequired[str]  #: the package that it needs and that is not installed
    extra: NotRequired[str]  #: our extra that brings it; without it, `lint`
    unknown: NotRequired[str]  #: why it cannot say anything about this text


def fault(line: int, column: int, code: str, message: str, *, advice: bool = False) -> Fault:
    """A fault at one place."""
    found = Fault(line=max(1, line), column=max(1, column), code=code, message=message)
    if advice:
        found["advice"] = True
    return found
