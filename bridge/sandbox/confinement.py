"""What keeps a program that looks at an answer away from everything else: its files, its network, other processes.

Four kinds, the strongest that works here is taken:

    bubblewrap    Linux with `bwrap`: namespaces of its own; sees the system read-only, its tools, and one folder
    landlock      Linux 5.13 or newer without `bwrap`: the kernel's Landlock rules, and a network namespace where allowed
    seatbelt      macOS: `sandbox-exec`, with a profile of ours
    none          anything else, Windows included: limits of time and output only

Whether one works is not guessed: a program is run in it once, which must not be able to read a file outside. Programs that
may include other files or execute something are started only where `Confinement.holds` (see `checking/checkers/base.py`).
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from bridge.sandbox import landlock

#: What a program of the system needs below /etc, and what tells nothing about anybody.
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "ssl/openssl.cnf")
#: Folders of the system at the root; on most of today's systems all but /usr are links into it.
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store", "gnu/store")
#: Of the prefix of an installed tool, what it runs from. Never the prefix itself: `~/bin/tool` has a home for one.
_OF_A_PREFIX = ("bin", "lib", "lib64", "libexec", "Scripts", "Lib", "DLLs", "pyvenv.cfg")
#: A prefix that holds one of these is that of a JDK, or of Go, which need all of it.
_KIT_MARKS = ("release", "go.env", "VERSION")


class ConfinementKind(Enum):
    """What does the confining."""

    BUBBLEWRAP = "bubblewrap"  # namespaces: files, network, processes
    LANDLOCK = "landlock"  # files and TCP; other processes cannot be signalled
    SEATBELT = "seatbelt"  # macOS: files and network
    NONE = "none"  # nothing but limits


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """A way to run a program where it sees only what it is given."""

    kind: ConfinementKind
    why: str = ""  #: of `NONE`: why there is no other

    @property
    def holds(self) -> bool:
        """Whether a program in it cannot read other files, write outside its folder, or use the network."""
        return self.kind is not ConfinementKind.NONE

    @property
    def relays_signals(self) -> bool:
        """Whether a signal that ends the program is told as exit code 128 and its number."""
        return self.kind is ConfinementKind.BUBBLEWRAP

    def wrap(
        self, argv: Sequence[str], *, writable: Path | None = None, readable: Sequence[Path] = (), lasting: bool = False
    ) -> list[str]:
        """The argv that runs a program confined.

        Args:
            argv: absolute path of the program, then its arguments.
            writable: the one folder that it may write to; None: none.
            readable: files and folders beside the system and the program's own that it may read.
            lasting: it outlives the thread that starts it (the kernel would end it with that thread otherwise).
        """
        shown = [*tool_paths(argv[0]), *readable]
        if self.kind is ConfinementKind.BUBBLEWRAP:
            return [*_bubblewrap(writable, shown, lasting=lasting), *argv]
        if self.kind is ConfinementKind.LANDLOCK:
            return [*landlock.launcher(writable, [*_system_paths(), *shown]), *argv]
        if self.kind is ConfinementKind.SEATBELT:
            return ["/usr/bin/sandbox-exec", "-p", _seatbelt(writable, shown), *argv]
        return list(argv)


def tool_paths(program: str) -> list[Path]:
    """What a program needs of its own installation, and of this Python's: as named, and where links lead."""
    found: dict[Path, None] = {}
    for path in (Path(program), Path(sys.executable), Path(sys.base_prefix, "bin", "python")):
        for each in (path, Path(os.path.realpath(path))):
            if not each.is_relative_to("/usr"):
                found |= dict.fromkeys(_of_installation(each))
    return list(found)


def _of_installation(program: Path) -> list[Path]:
    if "node_modules" in program.parts:  # a package of node: its manifest, and the packages that it needs
        return [Path(*program.parts[: program.parts.index("node_modules") + 1])]
    prefix = program.parent.parent
    if program.parent.name not in ("bin", "Scripts", "sbin"):
        return [program.parent]
    if any((prefix / mark).is_file() for mark in _KIT_MARKS) and (prefix / "lib").is_dir():
        return [prefix]
    return [path for name in _OF_A_PREFIX if (path := prefix / name).exists()]


def _system_paths() -> list[Path]:
    found = [Path("/", name) for name in _SYSTEM] + [Path("/etc", name) for name in _ETC]
    return [path for path in (*found, *Path("/etc").glob("java*")) if path.exists()]


def _bubblewrap(writable: Path | None, shown: Sequence[Path], *, lasting: bool) -> list[str]:
    argv = [
        _bwrap() or "bwrap", "--unshare-user-try", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
        "--unshare-cgroup-try", "--hostname", "sandbox", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108  # an empty one of its own
    ]  # fmt: skip
    for path in _system_paths():
        if path.is_symlink() and path.parent == Path("/"):
            argv += ["--symlink", str(path.readlink()), str(path)]
        else:
            argv += ["--ro-bind", str(path), str(path)]
    for path in shown:
        argv += ["--ro-bind-try", str(path), str(path)]
    if writable is not None:
        argv += ["--bind", str(writable), str(writable)]
    if not lasting:
        argv.append("--die-with-parent")
    return [*argv, "--"]


def _seatbelt(writable: Path | None, shown: Sequence[Path]) -> str:
    """A profile of Apple's Seatbelt: deny, then what a program needs; a later rule wins over an earlier one."""
    system = (
        "/usr",
        "/bin",
        "/sbin",
        "/System",
        "/Library/Developer",
        "/Library/Java",
        "/opt/homebrew",
        "/private/var/db/dyld",
    )
    read = "".join(f"(subpath {_quoted(path)})" for path in (*system, *map(str, shown)))
    rules = [
        "(version 1)(deny default)(allow process-fork)(allow process-exec*)(allow sysctl-read)(allow mach-lookup)",
        f'(allow file-read* (literal "/")(literal "/dev/null")(literal "/dev/urandom"){read})',
        '(allow file-read-metadata)(allow file-write* (literal "/dev/null"))(deny network*)',
    ]
    if writable is not None:
        rules.append(f"(allow file-read* file-write* (subpath {_quoted(str(writable))}))")
    return "".join(rules)


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


@lru_cache(maxsize=1)
def _bwrap() -> str | None:
    return shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")


@lru_cache(maxsize=1)
def confinement() -> Confinement:
    """The strongest confinement that works on this machine; tried once a process."""
    reasons = []
    for kind in ConfinementKind:
        reason = unfit(kind)
        if reason is None:
            return Confinement(kind=kind)
        reasons.append(f"{kind.value}: {reason}")
    return Confinement(kind=ConfinementKind.NONE, why="; ".join(reasons[:-1]))


def unfit(kind: ConfinementKind) -> str | None:
    """Why a kind cannot be used here; None if it can: a program in it read what it may, and could not read what it may not."""
    if kind is ConfinementKind.NONE:
        return None
    if kind is ConfinementKind.BUBBLEWRAP and (not sys.platform.startswith("linux") or _bwrap() is None):
        return "bwrap is not installed"
    if kind is ConfinementKind.LANDLOCK and not landlock.version():
        return "this kernel has no Landlock"
    if kind is ConfinementKind.SEATBELT and not (
        platform.system() == "Darwin" and Path("/usr/bin/sandbox-exec").exists()
    ):
        return "for macOS only"
    with tempfile.TemporaryDirectory(prefix="bridge-sandbox-") as given, tempfile.TemporaryDirectory() as other:
        mine, theirs = Path(given).resolve() / "mine", Path(other).resolve() / "theirs"
        for path in (mine, theirs):
            path.write_text("text", encoding="utf-8")
        cat = shutil.which("cat", path="/usr/bin:/bin") or "/bin/cat"
        runs = []
        for path in (mine, theirs):
            argv = Confinement(kind=kind).wrap([cat, str(path)], writable=mine.parent)
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                runs.append(subprocess.run(argv, capture_output=True, timeout=10, check=False, cwd=mine.parent))  # noqa: S603
        if len(runs) < 2 or runs[0].stdout != b"text":
            said = runs[0].stderr.decode(errors="replace").strip()[:200] if runs else "it cannot be started"
            return f"does not work here ({said})"
        return "does not keep files apart here" if runs[1].stdout else None
