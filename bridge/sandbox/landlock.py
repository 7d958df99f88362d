"""Landlock: Linux rules by which a process gives up every file but some, for itself and all that it starts.

Run as a program it confines itself and becomes another one:

    python -I -S -c "..." FOLDER WRITABLE READABLE... -- PROGRAM ARGUMENT...

It is in the way of every checker, so it starts fast: it is imported, and so compiled once, and calls the C library through
`_ctypes`, what `ctypes` itself is made of, because importing that takes a third of the time of a start (`python -m benchmarks
sandbox`). Source of the numbers: linux/landlock.h and the kernel's documentation, userspace-api/landlock.
"""

from __future__ import annotations

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
_KIND, _FOLDER = 0o170000, 0o040000  # of st_mode
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


#: What the launcher runs: Python caches an imported module, never a script.
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); import landlock; landlock.main(sys.argv[1:])"


def version() -> int:
    """The version of Landlock that this kernel has; 0: none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _syscall(_CREATE, 0, 0, 1))


def launcher(writable: Path | None, readable: Sequence[Path]) -> list[str]:
    """What to put before an argv to run it so."""
    folder = __file__.rpartition("/")[0]
    return [sys.executable, "-I", "-S", "-c", _BOOT, folder, str(writable or ""), *map(str, readable), "--"]


def _call(name: str, *arguments: int | bytes) -> int:
    """A function of the C library; whole numbers go as C's int, bytes as a pointer to them."""
    import _ctypes

    library = _ctypes.dlopen(None, 2)  # type: ignore[arg-type]  # None: this program, and the C library that it has
    done: int = _ctypes.call_cdeclfunction(_ctypes.dlsym(library, name), arguments)
    return done


def _syscall(number: int, *arguments: int | bytes) -> int:
    return _call("syscall", number, *arguments)


def _needed(done: int, what: str) -> int:
    if done < 0:
        raise OSError(0, f"Landlock: {what} was refused")
    return done


def _word(number: int, size: int = 8) -> bytes:
    return number.to_bytes(size, sys.byteorder)


def restrict(writable: str, readable: Sequence[str]) -> None:
    """Give up everything else, for good. Raises OSError."""
    import posix  # `os` is not loaded without `site`, and costs a millisecond

    abi = version()
    files = _FILES[min(abi, 5)]
    # TCP from version 4; signals to others and abstract sockets from version 6. The kernel's structs: three and two fields, packed.
    rules = _word(files) + _word(3 if abi >= 4 else 0) + _word(3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _needed(_syscall(_CREATE, rules, size, 0), "a ruleset")
    look = _EXECUTE | _READ | _READ_DIR
    for path, allowed in (
        *((path, look) for path in readable), *((path, look | _WRITE) for path in _DEVICES), (writable, files),
    ):  # fmt: skip
        if not path:
            continue
        try:
            fd = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
        except FileNotFoundError:
            continue
        is_folder = posix.fstat(fd).st_mode & _KIND == _FOLDER
        rights = allowed & files if is_folder else allowed & files & _OF_A_FILE
        _needed(_syscall(_ADD, ruleset, 1, _word(rights) + _word(fd, 4), 0), "a rule")
        posix.close(fd)
    # A network namespace of its own, where an unprivileged user may have one: Landlock alone forbids no UDP.
    _call("unshare", _NEWUSER | _NEWNET)
    _needed(_call("prctl", _NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _needed(_syscall(_RESTRICT, ruleset, 0), "the restriction")
    posix.close(ruleset)


def main(argv: list[str]) -> None:
    """Confine this process, then become the program."""
    import posix

    cut = argv.index("--")
    restrict(argv[0], argv[1:cut])
    program = argv[cut + 1 :]
    posix.execv(program[0], program)
