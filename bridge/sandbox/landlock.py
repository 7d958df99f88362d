"""Landlock: Linux rules by which a process gives up every file but some, for itself and all that it starts.

Run as a program it confines itself and becomes another one:

    python -I -S landlock.py WRITABLE READABLE... -- PROGRAM ARGUMENT...

It imports the standard library alone, and little of that, because it is in the way of every checker (9 ms a start).
Source of the numbers: linux/landlock.h and the kernel's documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_NO_NEW_PRIVS, _NEWUSER, _NEWNET = 38, 0x10000000, 0x40000000
_EXECUTE, _WRITE, _READ, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
#: Everything about files that a version of Landlock can forbid: bits 0 to 12, then one more each with 2, 3 and 5.
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_OF_A_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def version() -> int:
    """The version of Landlock that this kernel has; 0: none."""
    if not sys.platform.startswith("linux"):
        return 0
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE, None, ctypes.c_size_t(0), 1)
    return max(0, found)


def launcher(writable: Path | None, readable: Sequence[Path]) -> list[str]:
    """What to put before an argv to run it so."""
    return [sys.executable, "-I", "-S", __file__, str(writable or ""), *map(str, readable), "--"]


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Below(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("fd", ctypes.c_int32))


def restrict(writable: str, readable: Sequence[str]) -> None:
    """Give up everything else, for good. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(*arguments: object) -> int:
        done: int = libc.syscall(*arguments)
        if done < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return done

    abi = version()
    files = _FILES[min(abi, 5)]
    # TCP from version 4; signals to others and abstract sockets from version 6.
    rules = _Ruleset(files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = call(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    look = _EXECUTE | _READ | _READ_DIR
    for path, allowed in (
        *((path, look) for path in readable), *((path, look | _WRITE) for path in _DEVICES), (writable, files),
    ):  # fmt: skip
        if not path:
            continue
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]  # Linux
        except FileNotFoundError:
            continue
        rights = allowed & files if os.path.isdir(path) else allowed & files & _OF_A_FILE  # noqa: PTH112  # no pathlib here
        rule = _Below(rights, fd)
        call(_ADD, ruleset, 1, ctypes.byref(rule), 0)
        os.close(fd)
    # A network namespace of its own, where an unprivileged user may have one: Landlock alone forbids no UDP.
    libc.unshare(_NEWUSER | _NEWNET)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    call(_RESTRICT, ruleset, 0)
    os.close(ruleset)


def main(argv: list[str]) -> None:
    """Confine this process, then become the program."""
    cut = argv.index("--")
    restrict(argv[0], argv[1:cut])
    program = argv[cut + 1 :]
    os.execv(program[0], program)  # noqa: S606  # an argv that our own code built


if __name__ == "__main__":
    main(sys.argv[1:])
