"""A folder whose mount dies: every call of the operating system below it fails with one errno, until it is back."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_CALLS = ("stat", "lstat", "scandir", "listdir", "open", "replace", "rename", "unlink", "mkdir")


@dataclass
class Mount:
    """A folder that may be cut off. `calls` counts what was asked of it while it was there."""

    path: Path
    errno: int
    dies_at_call: int | None = None  #: counted from when it was watched
    dead: bool = False
    calls: int = 0
    refused: int = 0
    on_death: list[Any] = field(default_factory=list)

    def check(self, target: object) -> None:
        if not isinstance(target, str | os.PathLike):
            return
        if not os.fspath(target).startswith(str(self.path)):
            return
        if not self.dead:
            self.calls += 1
            if self.dies_at_call == self.calls:
                self.dead = True
                for act in self.on_death:
                    act()
        if self.dead:
            self.refused += 1
            raise OSError(self.errno, os.strerror(self.errno), str(target))

    def back(self) -> None:
        self.dead = False
        self.dies_at_call = None


@contextmanager
def watched(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mount]:
    """Every call below the folder goes through the mount."""
    with monkeypatch.context() as patch:
        for name in _CALLS:
            real = getattr(os, name)

            def call(target: Any = ".", *args: Any, _real: Any = real, **kwargs: Any) -> Any:
                mount.check(target)
                return _real(target, *args, **kwargs)

            patch.setattr(os, name, call)
        access = os.access

        def access_(target: Any, *args: Any, **kwargs: Any) -> bool:
            try:
                mount.check(target)
            except OSError:
                return False  # it never raises
            return access(target, *args, **kwargs)

        patch.setattr(os, "access", access_)
        real_open = io.open

        def open_(target: Any, *args: Any, **kwargs: Any) -> Any:
            mount.check(target)
            return real_open(target, *args, **kwargs)

        patch.setattr(io, "open", open_)
        yield mount
