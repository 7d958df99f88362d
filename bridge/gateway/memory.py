"""How much memory this process and those that it started have, in bytes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PAGE = 4096


def memory_bytes(proc: Path = Path("/proc")) -> int | None:
    """Resident memory of this process and of its children; None where the system has no /proc."""
    try:
        own = [os.getpid(), *_children(proc, os.getpid())]
        return sum(_resident(proc, pid) for pid in own)
    except OSError:
        return None


def _children(proc: Path, pid: int) -> list[int]:
    found: list[int] = []
    for listing in (proc / str(pid) / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in listing.read_text().split()]
    return [*found, *(below for child in found for below in _children(proc, child))]


def _resident(proc: Path, pid: int) -> int:
    try:
        return int((proc / str(pid) / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):  # it has ended
        return 0
