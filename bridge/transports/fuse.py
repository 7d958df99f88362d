"""Is a folder on a mounted Drive?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def on_fuse(folder: Path, mounts: Callable[[], str] | None = None) -> bool:
    """Whether a folder lies on a FUSE mount (Colab's Drive, rclone, ...), as /proc/mounts says; False where there is none."""
    try:
        table = mounts() if mounts else Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    points = {}
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 2:
            points[fields[1].replace("\\040", " ")] = fields[2]
    for parent in (folder.absolute(), *folder.absolute().parents):
        if str(parent) in points:
            return points[str(parent)].startswith("fuse")
    return False
