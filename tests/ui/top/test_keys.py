from __future__ import annotations

import io
import os
import sys

import pytest

from bridge.ui.top import keys


@pytest.mark.parametrize(
    ("sent", "pressed"),
    [
        (b"q", ["q"]),
        (b"rY", ["r", "Y"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[A\x1bOB\x1bOPq", ["up", "down", "q"]),  # arrows in both modes, F1
        (b"\x1b[1;5Cs", ["s"]),  # control and arrow right
        (b"\x1b[200~y\x1b[201~", ["y"]),  # a bracketed paste
        (b"\x1b[", []),  # cut
        ("äq".encode(), ["ä", "q"]),
        (b"\xffq", ["q"]),  # not UTF-8
        (b"", []),
    ],
)
def test_what_a_terminal_sends_as_keys(sent: bytes, pressed: list[str]):
    assert keys.decode(sent) == pressed


def test_without_a_terminal_there_is_no_reader():
    with keys.reading(io.StringIO("q")) as reader:
        assert reader is None


@pytest.mark.skipif(sys.platform == "win32", reason="termios")
def test_keys_come_one_by_one_and_the_terminal_gets_its_settings_back():
    import pty
    import termios

    outer, inner = pty.openpty()
    try:
        with os.fdopen(inner, "r", closefd=False) as terminal:
            before = termios.tcgetattr(inner)
            with keys.reading(terminal) as reader:
                assert reader is not None
                assert reader(0.0) == []
                os.write(outer, b"s")  # no line end: a terminal with its own settings would hold it back
                assert reader(30.0) == ["s"]
                assert not termios.tcgetattr(inner)[3] & (termios.ECHO | termios.ICANON)
                assert termios.tcgetattr(inner)[3] & termios.ISIG  # Ctrl-C stays a signal
            assert termios.tcgetattr(inner) == before
    finally:
        os.close(inner)
        os.close(outer)


@pytest.mark.skipif(sys.platform == "win32", reason="termios")
def test_a_terminal_that_went_away_gives_no_more_keys():
    import pty

    outer, inner = pty.openpty()
    with os.fdopen(inner, "r") as terminal, keys.reading(terminal) as reader:
        assert reader is not None
        os.close(outer)
        assert reader(30.0) is None
