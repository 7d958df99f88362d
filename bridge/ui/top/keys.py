"""Single keys from the terminal, as they are pressed: termios on POSIX, msvcrt on Windows.

The terminal gets its own settings back in every case. Ctrl-C stays a signal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

#: Waits at most so many seconds for keys; gives those that were pressed; None: there will be no more.
Reader = Callable[[float], list[str] | None]

#: How a sequence of an arrow ends (ECMA-48, 8.3.22 and 8.3.19).
_ARROWS = {"A": "up", "B": "down"}


def decode(data: bytes) -> list[str]:
    """The keys in what a terminal sent: characters, `escape`, `up` and `down`; other sequences are left out."""
    keys: list[str] = []
    text = data.decode("utf-8", "ignore")
    at = 0
    while at < len(text):
        if text[at] != "\x1b":
            keys.append(text[at])
            at += 1
        elif text[at + 1 : at + 2] in ("[", "O"):  # a sequence ends with a letter or ~ (ECMA-48, 5.4)
            begin = at = at + 2
            while at < len(text) and not "@" <= text[at] <= "~":
                at += 1
            if at == begin and text[at : at + 1] in _ARROWS:
                keys.append(_ARROWS[text[at]])
            at += 1
        else:
            keys.append("escape")
            at += 1
    return keys


@contextmanager
def reading(terminal: TextIO = sys.stdin) -> Iterator[Reader | None]:
    """A reader of keys; None if there is no terminal to read from."""
    if not terminal.isatty():
        yield None
    elif sys.platform == "win32":
        yield _windows
    else:
        import termios
        import tty

        number = terminal.fileno()
        before = termios.tcgetattr(number)
        try:
            tty.setcbreak(number)
            yield lambda timeout_s: _posix(number, timeout_s)
        finally:
            with suppress(termios.error):  # the terminal went away
                termios.tcsetattr(number, termios.TCSADRAIN, before)


def _posix(number: int, timeout_s: float) -> list[str] | None:
    import select

    ready, _, _ = select.select([number], [], [], timeout_s)
    if not ready:
        return []
    try:
        data = os.read(number, 1024)
    except OSError:  # the terminal went away
        return None
    return decode(data) if data else None


def _windows(timeout_s: float) -> list[str] | None:  # pragma: no cover  # no console in CI
    import importlib
    import time

    console = importlib.import_module("msvcrt")
    over = time.monotonic() + timeout_s
    while not console.kbhit():
        if time.monotonic() >= over:
            return []
        time.sleep(0.05)
    key = console.getwch()
    if key in ("\x00", "\xe0"):  # the first half of an arrow or function key
        arrow = {"H": "up", "P": "down"}.get(console.getwch())
        return [arrow] if arrow else []
    return ["escape" if key == "\x1b" else key]
