"""A result into the caller's project: only on request, only below its root, never over somebody's own work.

`plan_changes` looks and says what would happen; `write_changes` does it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bridge.checking.patches import parse
from bridge.checking.patches.patch_set import PatchedFile, apply_all, only_shows
from bridge.checking.values import Role, Verdict
from bridge.core.errors import UsageError
from bridge.core.paths import sensitive, twin_key
from bridge.delivery.payload import HandedFile, HandOver, placed
from bridge.delivery.project import Project
from bridge.kernel import grammar

#: What is no file, and how it is called.
_PIECES = {Role.CONTINUATION: "the continuation of the prompt's code", Role.FRAGMENT: "a piece of a program"}


class ChangeStep(Enum):
    """What becomes of one file."""

    CREATE = "create"  # it is not there yet
    UPDATE = "update"  # it is as `apply` wrote it before, or a patch fits it: no work of anybody's is lost
    SAME = "same"  # it has this content already
    CONFLICT = "conflict"  # it has somebody's own content: only with --force


@dataclass(frozen=True, kw_only=True)
class PlannedChange:
    """One file of a result, and where it goes."""

    path: str  #: below the root, with `/`
    target: Path
    step: ChangeStep
    code: str
    was: bytes | None  #: what the file holds now; None: there is none
    sensitive: str | None  #: why it needs consent of its own (see core/paths.py)

    @property
    def before(self) -> str | None:
        """What the file holds now, as text."""
        return None if self.was is None else self.was.decode("utf-8", "backslashreplace")

    def diff(self) -> str:
        """What would change, as a unified diff."""
        return "".join(
            difflib.unified_diff(
                (self.before or "").splitlines(keepends=True), self.code.splitlines(keepends=True),
                fromfile=f"a/{self.path}" if self.before is not None else os.devnull, tofile=f"b/{self.path}",
            )
        )  # fmt: skip


def plan_changes(what: HandOver, root: Path, *, applied: Callable[[str], str | None]) -> list[PlannedChange]:
    """What applying a result would do.

    What goes where, `payload.placed` says; patches are applied to the project's own files, all of them or none.

    Args:
        what: the payload of a result.
        root: the project's root.
        applied: gives the SHA-256 of what was last written to a path, if we wrote it.

    Raises:
        UsageError: no file has a place, a path leaves the root, a block is cut or only a piece, or a patch does not fit.
    """
    project, taken = Project(root), dict[str, str]()
    whole = placed(what)
    changes: list[PlannedChange] = []

    def add(path: str, target: Path, was: bytes | None, code: str, step: ChangeStep) -> None:
        change = PlannedChange(path=path, target=target, step=step, code=code, was=was, sensitive=sensitive(path))
        changes.append(change)

    for path, file in whole.items():
        _refuse_cut(path, file, what)
        if file.role in _PIECES:
            raise UsageError(
                f"{path} is only {_PIECES[file.role]} in the answer of job {what.job}, not a whole file: "
                f"`bridge show {what.job} --code` prints it"
            )
        target, was = _target(project, path, taken), project.read(path)
        add(path, target, was, file.code, _step(was, file.code, applied(str(target))))
    for patched in _patched(what, project, whole):
        target = _target(project, patched.path, taken)
        if patched.before is None:
            add(patched.path, target, None, patched.text, ChangeStep.CREATE)
        else:
            step = ChangeStep.SAME if patched.text == patched.before else ChangeStep.UPDATE
            add(patched.path, target, patched.before.encode(), patched.text, step)
    if not changes:
        raise UsageError(
            f"no code of job {what.job} has a place in the project: it names no path, and the job had no --out; "
            f"`bridge show {what.job} --code` prints it"
        )
    return changes


def refuse_doubtful(what: HandOver) -> None:
    """Raise UsageError if a result is not clean: nothing vouches for its code."""
    if what.verdict is Verdict.CLEAN:
        return
    found = next((d for d in what.diagnostics if d.blocking), None)
    first = f" (line {found.range.start.line + 1}: {found.message})" if found else ""
    verdict = what.verdict.value if what.verdict else "not checked"
    raise UsageError(
        f"job {what.job} is {verdict}{first}: look with --dry-run, write it all the same with --force; nothing was written"
    )


def refuse_sensitive(changes: Sequence[PlannedChange], allowed: Collection[str]) -> None:
    """Raise UsageError if programs run or obey one of the files, and nobody allowed it."""
    for change in changes:
        if change.sensitive and change.step is not ChangeStep.SAME and change.path not in allowed:
            raise UsageError(
                f"{change.path} needs your consent, because {change.sensitive}: read it with --dry-run, then pass "
                f"--allow-sensitive {change.path}; nothing was written"
            )


def _target(project: Project, path: str, taken: dict[str, str]) -> Path:
    target = project.target(path)
    if (other := taken.setdefault(twin_key(path), path)) != path:
        raise UsageError(f"{other!r} and {path!r} are one file where case does not count: nothing was written")
    return target


def _refuse_cut(name: str, file: HandedFile, what: HandOver) -> None:
    if not file.complete:
        raise UsageError(f"{name} is cut in the answer of job {what.job}: `bridge retry` it with more --max-tokens")


def _patched(what: HandOver, project: Project, whole: Collection[str]) -> tuple[PatchedFile, ...]:
    """What the patches of a result make of the project's files."""
    patches = []
    for file in what.files:
        if file.role is Role.DIFF and not only_shows(file.targets, whole):
            _refuse_cut("a patch", file, what)
            default = file.targets[0] if file.targets else what.out
            patches.append((file.block, parse.read(file.code, default=default).aimed_at(what.out)))
    made = apply_all(patches, project.text, given=whole)
    if made.misfits:
        told = "; ".join(str(misfit) for misfit in made.misfits)
        raise UsageError(f"the patch of job {what.job} cannot be applied: {told}. Nothing was written")
    return made.files


def write_changes(
    changes: Sequence[PlannedChange], root: Path, *, force: bool, allowed: Collection[str] = ()
) -> list[PlannedChange]:
    """Write what differs; gives what was written.

    Args:
        changes: what `plan_changes` gave for this root.
        root: the project's root.
        force: overwrite what somebody else wrote before the plan; what was written after it is never overwritten.
        allowed: paths that may be written although programs run or obey them.

    Raises:
        UsageError: a file has somebody's own content and `force` is off, or needs consent (then nothing is written); it was
            changed since the plan, or cannot be written.
    """
    conflicts = [change.path for change in changes if change.step is ChangeStep.CONFLICT]
    if conflicts and not force:
        raise UsageError(f"{', '.join(conflicts)} has changes of your own: look with --dry-run, overwrite with --force")
    refuse_sensitive(changes, allowed)
    project = Project(root)
    written: list[PlannedChange] = []
    for change in changes:
        if change.step is ChangeStep.SAME:
            continue
        data = change.code.encode("utf-8", "backslashreplace")
        if not project.write(change.path, data, before=change.was):
            done = ", ".join(each.path for each in written) or "nothing"
            raise UsageError(
                f"{change.path} was changed by somebody else just now and is left as it is; written before it: {done}"
            )
        written.append(change)
    return written


def _step(was: bytes | None, code: str, applied: str | None) -> ChangeStep:
    if was is None:
        return ChangeStep.CREATE
    before = was.decode("utf-8", "backslashreplace")
    if before == code:
        return ChangeStep.SAME
    return ChangeStep.UPDATE if applied == grammar.text_sha256(before) else ChangeStep.CONFLICT
