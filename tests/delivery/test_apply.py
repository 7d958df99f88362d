from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, State
from bridge.core.errors import BadOption, UsageError, WrongState
from bridge.delivery import exchange
from bridge.delivery.project import Project
from tests.support.answers import BROKEN, CUT, GOOD, cut, give

CODE = "def f(x):\n    y = x + 1\n    return y\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


def done(bridge: Bridge, answer: str = GOOD, *, project: Path | None = None, **options: Any) -> str:
    """A job whose answer is checked; `project`: where its patches are tried."""
    job = give(bridge, bridge.add("Write f.", **options), answer)
    bridge.wait([job], timeout_s=120, max_rounds=0, project=project)
    return job


def files(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*") if p.is_file()}


def named(**blocks: str) -> str:
    """An answer with these files; `__` in a name stands for `/`."""
    return "\n".join(f"`{name.replace('__', '/')}`\n\n```python\n{code}```\n" for name, code in blocks.items())


@pytest.mark.parametrize(
    ("answer", "out", "written"),
    [
        (GOOD, "src/f.py", {"src/f.py": CODE}),  # the only block goes where the job wanted it
        (named(**{"src__f.py": CODE}), None, {"src/f.py": CODE}),  # the answer names the path
        (named(**{"f.py": CODE}), "src/f.py", {"src/f.py": CODE}),  # it names the file, the job its folder
        (
            named(**{"src__f.py": CODE, "tests__test_f.py": "import f\n\nprint(f)\n"}),
            "src/f.py",
            {"src/f.py": CODE, "tests/test_f.py": "import f\n\nprint(f)\n"},
        ),  # several files
    ],
)
def test_code_goes_to_out_and_to_the_paths_that_the_answer_names(
    bridge: Bridge, root: Path, answer: str, out: str | None, written: dict[str, str]
):
    job = done(bridge, answer, out=out) if out else done(bridge, answer)

    changes = bridge.apply_result(job, root)

    assert files(root) == written
    assert {change.path for change in changes} == written.keys()


def test_a_plan_shows_a_diff_and_writes_nothing(bridge: Bridge, root: Path):
    (root / "f.py").write_text("old\n")
    job = done(bridge, out="f.py")

    [change] = bridge.plan(job, root)

    assert change.diff().splitlines()[:4] == ["--- a/f.py", "+++ b/f.py", "@@ -1 +1,3 @@", "-old"]
    assert files(root) == {"f.py": "old\n"}


@pytest.mark.parametrize("force", [False, True])
def test_changes_of_your_own_are_overwritten_with_force_only(bridge: Bridge, root: Path, force: bool):
    (root / "f.py").write_text("my own work\n")
    job = done(bridge, named(**{"f.py": CODE, "g.py": CODE}))

    if force:
        bridge.apply_result(job, root, force=True)
        assert files(root) == {"f.py": CODE, "g.py": CODE}
    else:
        with pytest.raises(UsageError, match=r"f\.py has changes of your own"):
            bridge.apply_result(job, root)
        assert files(root) == {"f.py": "my own work\n"}  # nothing at all was written


def test_what_apply_wrote_may_be_replaced_until_somebody_changes_it(bridge: Bridge, root: Path):
    first, second, third = (done(bridge, f"```python\nx = {n}\n```\n", out="x.py", key=str(n)) for n in (1, 2, 3))
    bridge.apply_result(first, root)
    assert bridge.apply_result(first, root) == []  # the same again: nothing to do
    bridge.apply_result(second, root)
    assert files(root) == {"x.py": "x = 2\n"}
    (root / "x.py").write_text("x = 2  # mine\n")

    with pytest.raises(UsageError):
        bridge.apply_result(third, root)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
@pytest.mark.parametrize("link", ["folder", "file"])
def test_a_symbolic_link_that_leaves_the_project_is_refused(bridge: Bridge, root: Path, tmp_path: Path, link: str):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f.py").write_text("canary")
    if link == "folder":
        (root / "src").symlink_to(outside, target_is_directory=True)
    else:
        (root / "src").mkdir()
        (root / "src" / "f.py").symlink_to(outside / "f.py")
    job = done(bridge, out="src/f.py")

    with pytest.raises(UsageError, match="leads through a symbolic link"):
        bridge.apply_result(job, root, force=True)
    assert (outside / "f.py").read_text() == "canary"


@pytest.mark.parametrize("out", ["../f.py", "/tmp/canary.py", "a/../../f.py", "C:\\f.py", "..\\f.py"])
def test_a_path_out_of_the_project_is_refused(bridge: Bridge, root: Path, out: str):
    with pytest.raises(BadOption):
        bridge.add("Write f.", out=out)
    with pytest.raises(UsageError, match="nothing was written"):  # wherever it may come from
        Project(root).target(out)
    assert sorted(p.name for p in root.parent.iterdir()) == ["project", "queue", "state"]


def test_cut_code_is_refused(bridge: Bridge, root: Path):
    job = cut(bridge, bridge.add("Write f.", out="f.py"), CUT)
    bridge.wait([job], timeout_s=120, max_rounds=0)

    with pytest.raises(UsageError, match="is cut in the answer"):
        bridge.apply_result(job, root)
    assert files(root) == {}


HEAD = "Complete this:\n```python\nfrom typing import List\n\n\ndef total(numbers: List[int]) -> int:\n```\n"
BODY = "    result = sum(numbers)\n    return result\n"


@pytest.mark.parametrize(
    ("answer", "out", "written"),
    [
        # the path that was asked for gets the whole file
        (
            f"```python\n{BODY}```\n",
            "src/t.py",
            {"src/t.py": f"from typing import List\n\n\ndef total(numbers: List[int]) -> int:\n{BODY}"},
        ),
        # a path that only the answer names may hold the rest of it already
        (f"`src/t.py`\n\n```python\n{BODY}```\n", None, None),
    ],
)
def test_code_that_only_continues_the_prompt_is_joined_for_the_path_asked_for_and_refused_elsewhere(
    bridge: Bridge, root: Path, answer: str, out: str | None, written: dict[str, str] | None
):
    job = give(bridge, bridge.add(HEAD, **({"out": out} if out else {})), answer)
    bridge.wait([job], timeout_s=20, max_rounds=0)
    if written is None:
        with pytest.raises(UsageError, match="only the continuation of the prompt's code"):
            bridge.apply_result(job, root)
        assert files(root) == {}
    else:
        bridge.apply_result(job, root)
        assert files(root) == written


@pytest.mark.parametrize(
    ("answer", "out", "why"),
    [
        (BROKEN, "src/f.py", "is errors .line 3: Undefined name `z`"),
        (GOOD, "src/f.ts", "is errors .line 1: is Python"),  # not in the language of the path
        ("```cobol\n       IDENTIFICATION DIVISION.\n```\n", "f.cbl", "is unchecked"),
    ],
)
def test_what_is_not_clean_is_written_with_force_only(bridge: Bridge, root: Path, answer: str, out: str, why: str):
    job = done(bridge, answer, out=out)

    assert [change.path for change in bridge.plan(job, root)] == [out], "a plan shows it"
    with pytest.raises(UsageError, match=why):
        bridge.apply_result(job, root)
    assert files(root) == {}

    bridge.apply_result(job, root, force=True)
    assert files(root).keys() == {out}


def test_what_is_not_checked_cannot_be_applied(bridge: Bridge, root: Path):
    job = give(bridge, bridge.add("Write f.", out="f.py"), GOOD)

    with pytest.raises(WrongState, match="not checked"):
        bridge.apply_result(job, root)


def test_code_without_a_place_says_how_to_get_at_it(bridge: Bridge, root: Path):
    with pytest.raises(UsageError, match="bridge show"):
        bridge.apply_result(done(bridge), root)


@pytest.mark.parametrize(
    "before",
    [
        b"\x00\xff\xfe binary",  # no text at all
        b"x = 1\r\ny = 2\r\n",  # CRLF
        b"",  # empty
    ],
)
def test_a_file_of_any_bytes_is_somebodys_own_work_and_is_kept(bridge: Bridge, root: Path, before: bytes):
    (root / "f.py").write_bytes(before)
    job = done(bridge, out="f.py")

    assert bridge.plan(job, root)[0].step.value == "conflict"
    with pytest.raises(UsageError):
        bridge.apply_result(job, root)
    assert (root / "f.py").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_an_executable_file_stays_executable(bridge: Bridge, root: Path):
    (root / "f.py").write_text("old\n")
    (root / "f.py").chmod(0o755)

    bridge.apply_result(done(bridge, out="f.py"), root, force=True)

    assert (root / "f.py").stat().st_mode & 0o777 == 0o755


def test_a_job_that_was_only_applied_counts_as_delivered(bridge: Bridge, root: Path, reviewer: Any):
    job = give(bridge, bridge.add("Write f.", out="f.py"), GOOD)
    reviewer.settle()

    bridge.apply_result(job, root)

    assert bridge.get(job).state is State.DELIVERED


def test_a_folder_where_a_file_is_wanted_is_refused(bridge: Bridge, root: Path):
    (root / "f.py").mkdir()

    with pytest.raises(UsageError, match="Is a directory"):
        bridge.apply_result(done(bridge, out="f.py"), root, force=True)


#: What the next `git status`, test run, editor or agent would execute.
HOOKS = [
    ".git/config", ".GIT/hooks/pre-commit", ".ｇｉｔ/config", "sub/.git/config", "git~1/config", "COM¹.txt", "aux.py", "a\u200d.py",
    ".git /config", ".git./config", "a/NUL", "x/../.git/config",
]  # fmt: skip


@pytest.mark.parametrize("out", HOOKS)
def test_a_path_that_plants_code_in_gits_folder_or_has_two_meanings_is_refused(bridge: Bridge, root: Path, out: str):
    with pytest.raises(BadOption):
        bridge.add("Write f.", out=out)
    with pytest.raises(UsageError, match="nothing was written"):  # wherever it may come from
        Project(root).target(out)
    assert files(root) == {}


SENSITIVE = [
    ".github/workflows/ci.yml", ".vscode/tasks.json", ".claude/settings.json", ".mcp.json", ".husky/pre-commit", ".envrc",
    "tests/conftest.py", "package.json", "Makefile", "sub/MAKEFILE", ".Claude/x.md", "eslint.config.js", "build.rs", "x.pth",
]  # fmt: skip


@pytest.mark.parametrize("out", SENSITIVE)
def test_what_programs_run_unasked_needs_a_consent_of_its_own(bridge: Bridge, root: Path, out: str):
    job = done(bridge, out=out)

    with pytest.raises(UsageError, match="needs your consent"):
        bridge.apply_result(job, root, force=True)
    with pytest.raises(UsageError, match="needs your consent"):
        bridge.apply_result(job, root, force=True, allow_sensitive=["another.py"])
    assert files(root) == {}

    bridge.apply_result(job, root, force=True, allow_sensitive=[out])

    assert files(root) == {out: CODE}


def test_a_file_that_was_edited_after_the_plan_is_kept(root: Path):
    project = Project(root)
    (root / "f.py").write_bytes(b"mine\n")

    assert not project.write("f.py", b"theirs\n", before=b"older\n")
    assert not project.write("f.py", b"theirs\n", before=None)

    assert files(root) == {"f.py": "mine\n"}
    assert project.write("f.py", b"theirs\n", before=b"mine\n")
    assert files(root) == {"f.py": "theirs\n"}


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_a_folder_that_becomes_a_link_after_the_plan_leads_nowhere(root: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f.py").write_text("canary")
    (root / "src").mkdir()
    project = Project(root)
    project.target("src/f.py")
    (root / "src").rename(root / "was")
    (root / "src").symlink_to(outside, target_is_directory=True)

    with pytest.raises(UsageError, match=r"src/f\.py"):
        project.write("src/f.py", b"x", before=None)
    with pytest.raises(UsageError, match=r"src/f\.py"):
        project.read("src/f.py")
    assert files(outside) == {"f.py": "canary"}
    assert not list(outside.glob(".*"))


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_folders_that_are_swapped_for_links_all_the_time_let_nothing_out(root: Path, tmp_path: Path):
    """A thread swaps the folder for a link and back while another one writes: 3,000 writes, none of them lands outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "src").mkdir()
    swapping = threading.Event()

    def swap() -> None:
        while not swapping.is_set():
            with contextlib.suppress(OSError):
                (root / "src").rename(root / "was")
                (root / "src").symlink_to(outside, target_is_directory=True)
                (root / "src").unlink()
                (root / "was").rename(root / "src")

    thread = threading.Thread(target=swap)
    thread.start()
    project = Project(root)
    for number in range(3_000):
        with contextlib.suppress(UsageError):
            project.write(f"src/f{number}.py", b"x", before=None)
    swapping.set()
    thread.join(30)

    assert files(outside) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="no names can be exchanged there")
@pytest.mark.parametrize("editor", ["renames", "in place"])
def test_an_edit_at_the_moment_of_writing_is_never_lost(root: Path, editor: str):
    """Whoever comes first: the edit is what stays, over the answer or instead of it."""
    root.mkdir(exist_ok=True)
    file, project = root / "f.py", Project(root)
    rounds = 200
    start, done = threading.Barrier(2, timeout=60), threading.Barrier(2, timeout=60)

    def edit() -> None:
        for number in range(rounds):
            draft = root / "edited"
            draft.write_bytes(b"edit %d" % number)
            start.wait()
            if editor == "renames":
                draft.rename(file)
            else:
                file.write_bytes(b"edit %d" % number)
            done.wait()

    thread = threading.Thread(target=edit)
    thread.start()
    lost = []
    for number in range(rounds):
        file.write_bytes(b"before")
        start.wait()
        with contextlib.suppress(
            UsageError
        ):  # between two steps of the editor it may look odd: nothing was written then
            project.write("f.py", b"answer", before=b"before")
        done.wait()
        if file.read_bytes() != b"edit %d" % number:
            lost.append(number)
    thread.join(30)

    assert lost == []


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="no names can be exchanged there")
@pytest.mark.parametrize("editor", ["renames", "in place"])
@pytest.mark.parametrize("again", [False, True])
def test_an_edit_after_the_last_look_goes_back_to_its_place(
    root: Path, monkeypatch: pytest.MonkeyPatch, editor: str, again: bool
):
    """The last moment, in slow motion: somebody writes when the file was looked at, and perhaps once more when it goes back."""
    root.mkdir(exist_ok=True)
    file, edits = root / "f.py", iter([b"edit 1", b"edit 2"] if again else [b"edit 1"])
    file.write_bytes(b"before")

    def late(fd: int, one: str, other: str) -> bool:
        if (edit := next(edits, None)) is not None:
            if editor == "renames":
                (root / "edited").write_bytes(edit)
                (root / "edited").rename(file)
            else:
                file.write_bytes(edit)
        return exchange.exchange(fd, one, other)

    if not _exchanges(root):
        pytest.skip("this file system exchanges no names")
    monkeypatch.setattr("bridge.delivery.project.exchange", late)

    assert not Project(root).write("f.py", b"answer", before=b"before")
    assert files(root) == {"f.py": "edit 2" if again else "edit 1"}


def _exchanges(folder: Path) -> bool:
    for name in ("one", "other"):
        (folder / name).write_text(name)
    fd = os.open(folder, os.O_RDONLY)
    done = exchange.exchange(fd, "one", "other")
    os.close(fd)
    assert (folder / "one").read_text() == ("other" if done else "one")
    for name in ("one", "other"):
        (folder / name).unlink()
    return done


def test_two_names_that_are_one_file_where_case_does_not_count_are_refused(bridge: Bridge, root: Path):
    job = done(bridge, named(**{"src__f.py": CODE, "src__F.py": CODE}))

    with pytest.raises(UsageError, match="one file where case does not count"):
        bridge.apply_result(job, root)

    (root / "Readme.py").write_text("mine")
    with pytest.raises(UsageError, match=r"differs from 'Readme\.py'"):
        bridge.apply_result(done(bridge, out="README.py"), root, force=True)
    assert files(root) == {"Readme.py": "mine"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_a_fifo_or_a_folder_in_the_place_of_a_file_is_refused_at_once(bridge: Bridge, root: Path):
    os.mkfifo(root / "f.py")

    with pytest.raises(UsageError, match=r"cannot read f\.py"):
        bridge.apply_result(done(bridge, out="f.py"), root, force=True)


# ---- patches

DIFF = "--- a/f.py\n+++ b/f.py\n@@ -1,3 +1,3 @@\n def f(x):\n-    y = x + 1\n+    y = x + 2\n     return y\n"
SEARCH = "g.py\n<<<<<<< SEARCH\n    y = x + 1\n=======\n    y = x + 2\n>>>>>>> REPLACE\n"
CHANGED = CODE.replace("x + 1", "x + 2")


def patches(*texts: str) -> str:
    return "".join(f"```diff\n{text}```\n\n" for text in texts)


@pytest.mark.parametrize("label", ["diff", "python", ""])
def test_a_patch_changes_the_files_that_it_names_and_is_none_itself(bridge: Bridge, root: Path, label: str):
    (root / "f.py").write_text(CODE)
    (root / "g.py").write_bytes(CODE.replace("\n", "\r\n").encode())
    job = done(bridge, f"```{label}\n{DIFF}```\n\n```{label}\n{SEARCH}```\n", project=root)

    changes = bridge.apply_result(job, root)

    assert {change.path: change.step.value for change in changes} == {"f.py": "update", "g.py": "update"}
    assert sorted(path.name for path in root.rglob("*")) == ["f.py", "g.py"]
    assert (root / "f.py").read_text() == CHANGED
    assert (root / "g.py").read_bytes() == CHANGED.replace("\n", "\r\n").encode()
    assert bridge.apply_result(job, root) == []  # once more: the change is there


@pytest.mark.parametrize(
    "patch", [DIFF, DIFF[DIFF.index("@@") :]]
)  # it names the file without its folder, or not at all
def test_a_patch_goes_to_the_path_of_the_job(bridge: Bridge, root: Path, patch: str):
    (root / "src").mkdir()
    (root / "src" / "f.py").write_text(CODE)
    job = give(bridge, bridge.add("Change f.", out="src/f.py"), patches(patch))

    [view] = bridge.wait([job], timeout_s=20, max_rounds=0, project=root)
    bridge.apply_result(job, root)

    assert (view.verdict, view.handover().files[0].targets) == ("clean", ("src/f.py",))
    assert files(root) == {"src/f.py": CHANGED}


def test_all_patches_of_an_answer_are_applied_or_none(bridge: Bridge, root: Path):
    (root / "f.py").write_text(CODE)
    (root / "g.py").write_text("other = 1\n")
    job = done(bridge, patches(DIFF, SEARCH))

    with pytest.raises(UsageError, match=r"g\.py: the file has no line 'y = x \+ 1'.*Nothing was written"):
        bridge.apply_result(job, root, force=True)
    assert files(root) == {"f.py": CODE, "g.py": "other = 1\n"}


def test_a_patch_is_tried_on_changes_of_your_own_and_loses_none(bridge: Bridge, root: Path):
    (root / "f.py").write_text("import os\n\n\n" + CODE + "\n\nprint(os.sep)\n")
    job = done(bridge, patches(DIFF), project=root)

    bridge.apply_result(job, root)

    assert files(root) == {"f.py": "import os\n\n\n" + CHANGED + "\n\nprint(os.sep)\n"}


@pytest.mark.parametrize("path", ["../f.py", "/etc/f.py", ".git/config", "a/../../f.py"])
def test_a_patch_does_not_leave_the_project(bridge: Bridge, root: Path, path: str):
    job = done(bridge, patches(f"--- /dev/null\n+++ {path}\n@@ -0,0 +1 @@\n+x = 1\n"))

    with pytest.raises(UsageError, match="othing was written"):
        bridge.apply_result(job, root, force=True)
    assert files(root) == {}


def test_a_patch_that_deletes_is_refused(bridge: Bridge, root: Path):
    (root / "f.py").write_text("x = 1\n")
    job = done(bridge, patches("--- a/f.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"))

    with pytest.raises(UsageError, match="deletes the file"):
        bridge.apply_result(job, root, force=True)
    assert files(root) == {"f.py": "x = 1\n"}


def test_a_patch_needs_consent_for_a_file_that_programs_obey(bridge: Bridge, root: Path):
    (root / "Makefile").write_text("all:\n\ttrue\n")
    job = done(bridge, patches("--- a/Makefile\n+++ b/Makefile\n@@ -1,2 +1,2 @@\n all:\n-\ttrue\n+\tfalse\n"))

    with pytest.raises(UsageError, match="--allow-sensitive Makefile"):
        bridge.apply_result(job, root, force=True)  # nothing here can check a Makefile
    bridge.apply_result(job, root, force=True, allow_sensitive=["Makefile"])
    assert files(root) == {"Makefile": "all:\n\tfalse\n"}


def test_a_patch_of_a_file_that_the_answer_gives_whole_only_shows_what_is_new(bridge: Bridge, root: Path):
    (root / "f.py").write_text(CODE)
    job = done(bridge, named(**{"f.py": CHANGED}) + patches(DIFF.replace("x + 1", "x + 9")))

    assert [change.code for change in bridge.plan(job, root)] == [CHANGED]


@pytest.mark.parametrize(
    ("answer", "known", "verdict"),
    [
        (patches(DIFF), False, "unchecked"),  # nobody knows what it makes of the file
        (patches(DIFF), True, "clean"),
        (patches(DIFF.replace("x + 2", "x +")), True, "errors"),  # what comes of it does not parse
        (patches(DIFF.replace("x + 1", "x - 1")), True, "errors"),  # it does not fit
        (patches(DIFF.split("@@")[0]), False, "errors"),  # it is no patch
    ],
)
def test_the_verdict_of_a_patch_is_that_of_what_it_makes_of_the_project(
    bridge: Bridge, root: Path, answer: str, known: bool, verdict: str
):
    (root / "f.py").write_text(CODE)
    job = give(bridge, bridge.add("Change f."), answer)

    [view] = bridge.wait([job], timeout_s=20, max_rounds=0, project=root if known else None)

    [handed] = view.handover().files
    assert (view.verdict, handed.role.value, handed.path, handed.targets) == (verdict, "diff", None, ("f.py",))
    assert files(root) == {"f.py": CODE}
