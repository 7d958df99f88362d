"""A result into the caller's project: only on request, only below its root, never over somebody's own work.

`plan_changes` looks and says what would happen; `write_changes` does it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any

from bridge.core import files
from bridge.core.errors import UsageError
from bridge.delivery import payload
from bridge.kernel import grammar


class ChangeStep(Enum):
    """What becomes of one file."""

    CREATE = "create"  # it is not there yet
    UPDATE = "update"  # it is as `apply` wrote it before, so it may be replaced
    SAME = "same"  # it has this content already
    CONFLICT = "conflict"  # it has somebody's own content: only with --force


@dataclass(frozen=True, kw_only=True)
class PlannedChange:
    """One file of a result, and where it goes."""

    path: str  #: below the root, with `/`
    target: Path
    step: ChangeStep
    code: str
    before: str | None

    def diff(self) -> str:
        """What would change, as a unified diff."""
        return "".join(
            difflib.unified_diff(
                (self.before or "").splitlines(keepends=True), self.code.splitlines(keepends=True),
                fromfile=f"a/{self.path}" if self.before is not None else os.devnull, tofile=f"b/{self.path}",
            )
        )  # fmt: skip


def plan_changes(what: Mapping[str, Any], root: Path, *, applied: Callable[[str], str | None]) -> list[PlannedChange]:
    """What applying a result would do.

    What goes where, `payload.placed` says.

    Args:
        what: the payload of a result.
        root: the project's root.
        applied: gives the SHA-256 of what was last written to a path, if we wrote it.

    Raises:
        UsageError: no file has a place, a path leaves the root, or a block is cut.
    """
    changes = []
    for path, file in payload.placed(what).items():
        if not file["complete"]:
            raise UsageError(
                f"{path} is cut in the answer of job {what['job']}: `bridge retry` it with more --max-tokens"
            )
        target = inside(root, path)
        before = None
        if target.exists():
            if not target.is_file():
                raise UsageError(f"{path} is there, and is no file")
            before = target.read_bytes().decode("utf-8", "backslashreplace")
        changes.append(
            PlannedChange(
                path=path,
                target=target,
                step=_step(before, file["code"], applied(str(target))),
                code=file["code"],
                before=before,
            )
        )
    if not changes:
        raise UsageError(
            f"no code of job {what['job']} has a place in the project: it names no path, and the job had no --out; "
            f"`bridge show {what['job']} --code` prints it"
        )
    return changes


def write_changes(changes: Sequence[PlannedChange], *, force: bool) -> list[PlannedChange]:
    """Write what differs; gives what was written.

    Raises:
        UsageError: a file has somebody's own content and `force` is off (then nothing is written), or cannot be written.
    """
    conflicts = [change.path for change in changes if change.step is ChangeStep.CONFLICT]
    if conflicts and not force:
        raise UsageError(f"{', '.join(conflicts)} has changes of your own: look with --dry-run, overwrite with --force")
    written = []
    for change in changes:
        if change.step is ChangeStep.SAME:
            continue
        try:
            change.target.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomically(change.target, change.code.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise UsageError(f"cannot write {change.path}: {error.strerror}") from error
        written.append(change)
    return written


def inside(root: Path, path: str) -> Path:
    """The file of that path below the root. Raises UsageError if it would lie elsewhere, through `..` or a symbolic link."""
    parts = PurePosixPath(path.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in path or "\0" in path or not parts.name:
        raise UsageError(f"{path!r} does not lie inside of the project: nothing was written")
    target = root.resolve() / parts
    if not target.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{path!r} leads out of the project through a symbolic link: nothing was written")
    return target


def _step(before: str | None, code: str, applied: str | None) -> ChangeStep:
    if before is None:
        return ChangeStep.CREATE
    if before == code:
        return ChangeStep.SAME
    return ChangeStep.UPDATE if applied == grammar.text_sha256(before) else ChangeStep.CONFLICT
