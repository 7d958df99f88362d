"""A checker that was late, or crashed, is asked once more, alone: a busy machine must not make a sound text look bad."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

#: So many times its wall-clock limit has a program that is asked again because it was late; its CPU time stays limited.
PATIENCE = 3.0


class Turns:
    """Many at a time, or one alone. Whoever waits to be alone goes before those that come later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._among, self._waiting = 0, 0
        self._alone = False

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits to be alone."""
        return self._waiting > 0

    @contextlib.contextmanager
    def among_others(self) -> Iterator[None]:
        """Goes on beside others, while nobody is alone or waits to be."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._among += 1
        try:
            yield
        finally:
            with self._changed:
                self._among -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Goes on when nobody else does, and nobody else begins."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._alone and not self._among)
            self._waiting -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()


#: Of all checkers of this process.
TURNS = Turns()


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why a try may end differently the next time."""

    why: str
    late: bool  #: it took longer than it may; else it crashed


TriedT = TypeVar("TriedT")


def twice(
    first: Callable[[], tuple[TriedT, Trouble | None]], again: Callable[[float], TriedT], *, turns: Turns = TURNS
) -> tuple[TriedT, str]:
    """What the first try gave, or the second where the first was in trouble; and why there was a second, else "".

    Args:
        first: the try beside others.
        again: the try alone; told how many times the usual time it has.
        turns: who goes on beside whom.
    """
    with turns.among_others():
        tried, trouble = first()
    if trouble is None:
        return tried, ""
    with turns.alone():
        return again(PATIENCE if trouble.late else 1.0), f"{trouble.why}; asked again alone"
