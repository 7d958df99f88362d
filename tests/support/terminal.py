"""A command in a real pseudo-terminal: keys go in, what the screen shows is read back. POSIX only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.commands import environment
from tests.support.patience import LONG_S

_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]")
#: What rich writes before each picture of a full screen (ECMA-48: cursor to the upper left).
_HOME = "\x1b[H"


class Terminal:
    """A running command and its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], outer: int, inner: int) -> None:
        self.process = process
        self._outer, self._inner = outer, inner
        self.raw = ""
        self._undecoded = b""

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._outer, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Change the window's size; the command gets SIGWINCH."""
        fcntl.ioctl(self._inner, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def settings(self) -> list[Any]:
        """The terminal's settings."""
        return termios.tcgetattr(self._inner)

    def frames(self) -> list[list[str]]:
        """All pictures so far, each as its lines; the last one may still be on its way."""
        return [_SEQUENCE.sub("", frame).replace("\r", "").split("\n") for frame in self.raw.split(_HOME)[1:]]

    def picture(self) -> str:
        """The last picture that came whole."""
        frames = self.frames()
        return "\n".join(frames[-2]) if len(frames) > 1 else ""

    def until(self, text: str, *, gone: bool = False) -> str:
        """Wait until the picture shows this text, or does not any more; gives it."""
        for _ in range(int(LONG_S / 0.1)):
            picture = self.picture()
            if picture and (text in picture) is not gone:
                return picture
            self._read()
        raise AssertionError(f"{text!r} {'stayed' if gone else 'did not come'}:\n{self.picture()}\n{self.raw[-500:]!r}")

    def ended(self) -> int:
        """Wait for the command's end; gives its exit code."""
        for _ in range(int(LONG_S / 0.1)):
            self._read()
            code = self.process.poll()
            if code is not None:
                self._read()  # what it wrote last
                return code
        raise AssertionError(f"it does not end:\n{self.picture()}")

    def lines(self) -> list[str]:
        """All that was printed, as lines without what colours them."""
        return _SEQUENCE.sub("", self.raw).replace("\r", "").rstrip("\n").split("\n")

    def _read(self) -> None:
        ready, _, _ = select.select([self._outer], [], [], 0.1)
        if ready:
            data = self._undecoded + os.read(self._outer, 65_536)
            whole = len(data)
            while whole and data[whole - 1] & 0xC0 == 0x80:  # in the middle of a character
                whole -= 1
            whole = len(data) if whole and data[whole - 1] < 0x80 else max(0, whole - 1)
            self.raw += data[:whole].decode()
            self._undecoded = data[whole:]


@contextmanager
def running(*argv: str, cwd: Path, width: int = 80, height: int = 24) -> Iterator[Terminal]:
    """`bridge` with these arguments in a terminal of this size."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    env = {name: value for name, value in environment().items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", *argv], cwd=cwd, env={**env, "TERM": "xterm-256color"},
        stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    try:
        yield Terminal(process, outer, inner)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for number in (outer, inner):
            with contextlib.suppress(OSError):
                os.close(number)
