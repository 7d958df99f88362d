"""Results on a branch of the caller's git repository, one commit a job; the working tree and the index are left alone.

It works in a linked working tree of its own (https://git-scm.com/docs/git-worktree), which is gone afterwards. Hooks of the
repository do not run: a commit of ours is nobody's work yet.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.core.errors import UsageError
from bridge.core.text import tool_message
from bridge.delivery.apply import PlannedChange
from bridge.delivery.payload import HandOver
from bridge.delivery.project import Project

_SUBJECT_CHARS = 60


@contextmanager
def branch(root: Path, name: str) -> Iterator[Path]:
    """A folder in which the branch is checked out: a new one from HEAD, or the one of that name.

    Raises:
        UsageError: `root` lies in no git repository, or the branch cannot be made or is checked out elsewhere.
    """
    _git(root, "check-ref-format", "--branch", name)
    top = Path(_git(root, "rev-parse", "--show-toplevel"))
    known = _git(root, "branch", "--list", name)
    with tempfile.TemporaryDirectory(prefix="bridge-branch-") as made:
        tree = Path(made) / "tree"
        _git(
            root, "worktree", "add", "--quiet", *(() if known else ("-b", name)), str(tree), *((name,) if known else ())
        )
        try:
            folder = tree / root.resolve().relative_to(top.resolve())
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def commit(folder: Path, changes: Sequence[PlannedChange], what: HandOver, prompt: str) -> str | None:
    """Write the changes there and commit them; gives the commit, None if nothing differs."""
    project = Project(folder)
    for change in changes:
        project.write(change.path, change.code.encode("utf-8", "backslashreplace"), before=project.read(change.path))
    _git(folder, "add", "--force", "--", *(change.path for change in changes))
    if not _git(folder, "diff", "--cached", "--name-only"):
        return None
    _git(folder, "commit", "--quiet", "--no-verify", "--message", message(what, prompt))
    return _git(folder, "rev-parse", "HEAD")


def message(what: HandOver, prompt: str) -> str:
    """What a commit says: the prompt's first words, then job, model and verdict."""
    words = tool_message(prompt.strip().partition("\n")[0] or what.job, _SUBJECT_CHARS)
    verdict = what.verdict.value if what.verdict else "not checked"
    return f"{words}\n\nJob: {what.job}\nModel: {tool_message(what.model or 'unknown')}\nVerdict: {verdict}\n"


def _git(folder: Path, *argv: str) -> str:
    """What git says. Raises UsageError."""
    try:
        ran = subprocess.run(  # noqa: S603  # an argv of our own
            ["git", "-c", "core.hooksPath=/dev/null", *argv], cwd=folder, capture_output=True, text=True, errors="replace", check=False  # noqa: S607
        )  # fmt: skip
    except OSError as error:
        raise UsageError(f"git cannot be started in {folder}: {error.strerror}") from error
    if ran.returncode:
        raise UsageError(f"git {argv[0]} failed in {folder}: {tool_message(ran.stderr.strip() or str(ran.returncode))}")
    return ran.stdout.strip()
