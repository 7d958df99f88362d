from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.core.errors import UsageError
from tests.support.answers import BROKEN, GOOD, give

CODE = "def f(x):\n    y = x + 1\n    return y\n"


def git(root: Path, *argv: str) -> str:
    return subprocess.run(["git", *argv], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one commit, a hook that would refuse another, and changes of somebody's own."""
    made = tmp_path / "project"
    made.mkdir()
    git(made, "init", "--quiet", "--initial-branch", "main")
    git(made, "config", "user.email", "a@example.org")
    git(made, "config", "user.name", "A")
    (made / "f.py").write_text("old = 1\n")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "One")
    hook = made / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (made / "f.py").write_text("mine = 2\n")
    return made


def done(bridge: Bridge, prompt: str, answer: str, out: str) -> str:
    job = give(bridge, bridge.add(prompt, out=out), answer)
    bridge.wait([job], timeout_s=20, max_rounds=0)
    return job


def test_each_job_is_a_commit_on_the_branch_and_the_project_stays_as_it_is(bridge: Bridge, root: Path) -> None:
    first = done(bridge, "Write the first one.\nWith care.", GOOD, "f.py")
    second = done(bridge, "Write the second one.", GOOD, "src/g.py")
    bad = done(bridge, "Write the third one.", BROKEN, "h.py")

    with bridge.branch(root, "qwen") as folder:
        for job in (first, second):
            bridge.commit_result(job, folder)
        with pytest.raises(UsageError, match="is errors"):
            bridge.commit_result(bad, folder)

    assert git(root, "log", "--format=%s", "main..qwen").split("\n") == [
        "Write the second one.",
        "Write the first one.",
    ]
    body = git(root, "log", "-1", "--format=%b", "qwen")
    assert f"Job: {second}" in body
    assert "Verdict: clean" in body
    assert git(root, "show", "qwen:f.py") + "\n" == git(root, "show", "qwen:src/g.py") + "\n" == CODE
    assert (git(root, "branch", "--show-current"), (root / "f.py").read_text()) == ("main", "mine = 2\n")
    assert git(root, "worktree", "list").count("\n") == 0


def test_a_branch_that_is_there_is_continued(bridge: Bridge, root: Path) -> None:
    jobs = [done(bridge, f"Write {name}.", GOOD, f"{name}.py") for name in ("a", "b")]
    for job in jobs:
        with bridge.branch(root, "qwen") as folder:
            bridge.commit_result(job, folder)
    assert len(git(root, "log", "--format=%s", "main..qwen").split("\n")) == 2


@pytest.mark.parametrize("name", ["main", "a b", "-x", ".."])
def test_a_branch_that_cannot_be_used_is_refused(bridge: Bridge, root: Path, name: str) -> None:
    with pytest.raises(UsageError), bridge.branch(root, name):
        pass


def test_without_a_repository_nothing_is_written(bridge: Bridge, tmp_path: Path) -> None:
    with pytest.raises(UsageError), bridge.branch(tmp_path, "qwen"):
        pass
