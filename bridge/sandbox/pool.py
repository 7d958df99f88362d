"""Lanes: so many answers are looked at side by side, each in a folder that nothing of another answer can reach.

A lane has one writable folder and the sandboxes that stay (`warm`) over it. An answer has a lane for itself; when it is
done, all that it left is removed, or the lane is thrown away with its folder.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bridge.core.closing import Closing
from bridge.sandbox.confinement import Confinement, tool_paths
from bridge.sandbox.process import ProcessResult, ResourceLimits
from bridge.sandbox.warm import WarmSandbox


class Lane:
    """One answer at a time: a folder, and sandboxes over it, one for each set of paths that a program may read."""

    def __init__(self, within: Confinement) -> None:
        self._within = within
        self._folder = tempfile.TemporaryDirectory(prefix="bridge-lane-", ignore_cleanup_errors=True)
        #: The one folder that programs may write to.
        self.folder = Path(self._folder.name).resolve()
        self._sandboxes: dict[tuple[Path, ...], WarmSandbox] = {}

    def run(
        self, argv: Sequence[str], limits: ResourceLimits, env: Mapping[str, str], cwd: Path, readable: Sequence[Path]
    ) -> ProcessResult:
        """Run a program to its end or its limits, and leave nothing of it but what it wrote below `folder`."""
        shown = (*tool_paths(argv[0]), *readable)
        sandbox = self._sandboxes.get(shown)
        if sandbox is None or not sandbox.usable:
            sandbox = WarmSandbox(within=self._within, writable=self.folder, readable=shown)
            self._sandboxes[shown] = sandbox
        return sandbox.run(argv, limits, env, cwd)

    def emptied(self) -> bool:
        """Remove all files; False if some cannot be removed: the lane must not be used again then."""
        for each in self.folder.iterdir():
            with contextlib.suppress(OSError):
                shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
        return not any(self.folder.iterdir())

    def close(self) -> None:
        """End its sandboxes and remove its folder."""
        for sandbox in self._sandboxes.values():
            sandbox.close()
        self._folder.cleanup()


class SandboxPool(Closing):
    """So many lanes; whoever asks for one more waits. May be shared by threads.

    Args:
        within: what confines programs; lanes are for where `WarmSandbox.possible`, elsewhere `take` gives None.
        width: most answers that are looked at side by side.
    """

    def __init__(self, *, within: Confinement, width: int) -> None:
        self._within = within
        self._possible = WarmSandbox.possible(within)
        self._free = threading.BoundedSemaphore(width)
        self._idle: list[Lane] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def take(self) -> Iterator[Lane | None]:
        """A lane for one answer; it is empty again, or gone, after it."""
        with self._free:
            if not self._possible:
                yield None
                return
            with self._lock:
                lane = self._idle.pop() if self._idle else None
            lane = lane or Lane(self._within)
            try:
                yield lane
            finally:
                self._back(lane)

    def _back(self, lane: Lane) -> None:
        sound = lane.emptied()
        with self._lock:
            if sound and not self._closed:
                self._idle.append(lane)
                return
        lane.close()

    def close(self) -> None:
        """End the lanes that are idle; those in use end when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for lane in idle:
            lane.close()
