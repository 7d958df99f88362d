"""200 diffs of this repository's own history, in four styles of label: applied right or refused, never taken for files."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.checking import Role, extract
from bridge.checking.patches import parse
from bridge.checking.patches.patch_set import apply_all

ROOT = Path(__file__).parents[2]
#: The last commit of the range; its ancestors give the diffs, newest first.
LAST = "2c511f0ede07870417b572762f4b929a449db53f"
WANTED = 200
STYLES = ("```diff", "```patch", "```python", "```")
#: How much git writes before the first hunk: its own head, the two names, or nothing but them without `a/` and `b/`.
HEADS = ("git", "names", "no prefix")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file in one commit."""

    path: str
    old: str | None
    new: str | None
    diff: str


def git(*args: str) -> str | None:
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, check=False)
    try:
        return done.stdout.decode() if done.returncode == 0 else None
    except UnicodeDecodeError:
        return None


@pytest.fixture(scope="module")
def history() -> list[Case]:
    if shutil.which("git") is None or int(git("rev-list", "--count", LAST) or 0) < 100:
        pytest.skip("git, or the history before the fixed commit, is not here (a shallow clone?)")
    found: list[Case] = []
    for commit in (git("log", "--no-merges", "--format=%H", LAST) or "").split():
        names = git("diff", "--no-renames", "--name-only", "-z", f"{commit}^", commit) or ""
        for path in names.split("\0")[:3]:  # a few of each commit, so that no single one decides
            style = len(found) % len(HEADS)
            prefix = ["--no-prefix"] if HEADS[style] == "no prefix" else []
            diff = git("diff", "--no-renames", *prefix, f"{commit}^", commit, "--", path) if path else None
            if diff is None or len(diff) > 60_000:
                continue
            if HEADS[style] != "git" and "\n--- " in diff:
                diff = diff[diff.index("\n--- ") + 1 :]
            old, new = git("show", f"{commit}^:{path}"), git("show", f"{commit}:{path}")
            found.append(Case(path=path, old=old, new=new, diff=diff))
            if len(found) == WANTED:
                return found
    raise AssertionError("the history before the fixed commit has too few diffs")


@pytest.mark.parametrize("style", STYLES)
def test_a_diff_of_this_repository_is_applied_right_or_refused(history: list[Case], style: str) -> None:
    counts: Counter[str] = Counter()
    for case in history:
        extraction = extract(f"Change `{case.path}`:\n\n{style}\n{case.diff}```\n", finish_reason="stop")
        counts["written as a file"] += sum(block.role is not Role.DIFF for block in extraction.blocks)
        counts["written as a file"] += len(extraction.files())
        files = {case.path: case.old} if case.old is not None else {}
        patches = [(block.index, parse.read(block.code)) for block in extraction.blocks]
        made = apply_all(patches, files.get)
        if made.misfits or not made.files:
            counts["refused"] += 1
            assert case.new is None or not made.misfits or made.misfits[0].fault.reason
        else:
            assert [(file.path, file.text) for file in made.files] == [(case.path, case.new)]
            counts["applied right"] += 1
    print(f"{style}: {dict(counts)}")  # noqa: T201  # the figures, with `pytest -s`
    assert counts["written as a file"] == 0
    assert counts["applied right"] >= 190
