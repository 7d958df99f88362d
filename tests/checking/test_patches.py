"""Patches in answers: recognised in every shape, applied right or refused with a reason, never taken for files."""

from __future__ import annotations

import difflib
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.checking import BlockStatus, FindingKind, Role, Toolchain, Verdict, examine, extract
from bridge.checking.patches import parse
from bridge.checking.patches.apply import apply_patch, settle
from bridge.checking.patches.base import Patched, PatchFault, PatchFit

OLD = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n    return 2\n"
NEW = OLD.replace("return 1", "return 11")
HUNK = "@@ -2,5 +2,5 @@\n \n \n def one():\n-    return 1\n+    return 11\n \n"
SEARCH = "<<<<<<< SEARCH\n    return 1\n=======\n    return 11\n>>>>>>> REPLACE\n"


def fenced(label: str, text: str) -> str:
    return f"Here it is:\n\n````{label}\n{text}````\n\nDone.\n"


SHAPES = [
    fenced("diff", f"diff --git a/src/x.py b/src/x.py\nindex 1..2 100644\n--- a/src/x.py\n+++ b/src/x.py\n{HUNK}"),  # git's
    fenced("diff", f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}"),  # without `diff --git`
    fenced("patch", f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}"),
    fenced("python", f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}"),  # under the label of the file that it changes
    fenced("", f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}"),
    f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}\nThat is all.\n",  # without a fence
    fenced("diff", f"--- src/x.py\n+++ src/x.py\n{HUNK}"),  # without prefixes
    fenced("diff", f"--- src/x.py\t2024-01-01 10:00:00\n+++ src/x.py\t2024-01-02 10:00:00\n{HUNK}"),  # diff -u
    fenced("diff", f"--- a/src/x.py\n+++ src/x.py\n{HUNK}"),  # one prefix
    fenced("diff", f"--- ./src/x.py (original)\n+++ ./src/x.py (updated)\n{HUNK}"),
    fenced("diff", "--- a/src/x.py\n+++ b/src/x.py\n@@ ... @@\n def one():\n-    return 1\n+    return 11\n"),  # no numbers
    fenced("diff", "--- a/src/x.py\n+++ b/src/x.py\n@@ def one():\n-    return 1\n+    return 11\n"),
    fenced("diff", "--- a/src/x.py\n+++ b/src/x.py\n@@ -90,2 +95,9 @@\n def one():\n-    return 1\n+    return 11\n"),  # wrong ones
    fenced("diff", "--- a/src/x.py\n+++ b/src/x.py\n-    return 1\n+    return 11\n"),  # no hunk's head
    fenced("diff src/x.py", " def one():\n-    return 1\n+    return 11\n"),  # no head at all, the path beside the label
    "`src/x.py`\n" + fenced("diff", f"{HUNK}").removeprefix("Here it is:\n\n"),  # the path above the fence
    fenced("diff", f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}".replace("\n \n", "\n\n")),  # blank lines without their space
    fenced("diff", f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}").replace("\n", "\r\n"),  # an answer with CRLF
    fenced("diff", f"From {'0' * 40} Mon\nSubject: x\n\n- a bullet\n---\n src/x.py | 2 +-\n\ndiff --git a/src/x.py b/src/x.py\n--- a/src/x.py\n+++ b/src/x.py\n{HUNK}-- \n2.40\n"),
    "1. Do this:\n\n   ```diff\n" + "".join(f"   {line}\n" for line in f"--- a/src/x.py\n+++ b/src/x.py\n{HUNK}".splitlines()) + "   ```\n",
    "src/x.py\n" + fenced("python", SEARCH).removeprefix("Here it is:\n\n"),  # search and replace, as aider asks for it
    fenced("python", f"src/x.py\n{SEARCH}"),  # the path inside of the fence
    fenced("", f"# src/x.py\n{SEARCH}"),
    fenced("diff", f"src/x.py\n{SEARCH}"),
    f"src/x.py\n{SEARCH}",  # without a fence
    fenced("python src/x.py", SEARCH.replace("<<<<<<< ", "<<<<< ").replace(">>>>>>> ", ">>>>> ")),  # shorter markers
    fenced("python", f"src/x.py\n{SEARCH.replace('    return', 'return')}"),  # without the indentation
    fenced("diff", "--- a/src/x.py\n+++ b/src/x.py\n@@ -4,2 +4,2 @@\n def one(): \n-    return  1\n+    return 11\n"),  # other spaces
]  # fmt: skip


@pytest.mark.parametrize("answer", SHAPES)
def test_every_shape_of_a_patch_changes_the_file_that_it_names(toolchain: Toolchain, answer: str) -> None:
    [block] = extract(answer, finish_reason="stop").blocks
    assert (block.role, block.path, block.targets) == (Role.DIFF, None, ("src/x.py",))
    [patch] = parse.read(block.code, default=block.targets[0]).files
    assert apply_patch(patch, OLD).text == NEW
    alone = examine(answer, finish_reason="stop", toolchain=toolchain)
    assert alone.verdict is Verdict.UNCHECKED
    assert "--project" in alone.checks[0].note
    report = examine(answer, finish_reason="stop", project={"src/x.py": OLD}.get, toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN, report.checks


def head(old: str, new: str) -> str:
    return f"--- {old}\n+++ {new}\n"


REFUSED = [
    (head("a/x.py", "b/x.py") + "@@ @@\n-    return 3\n+    return 4\n", "has no line 'return 3'"),
    (head("a/x.py", "b/x.py") + "@@ -1,2 +1,3 @@\n \n+# note\n \n", "in 2 places"),  # the head's number is neither
    (head("a/x.py", "b/x.py") + "@@ @@\n \n+# note\n", "in 4 places"),
    (head("a/x.py", "b/x.py") + "@@ -1,0 +2,1 @@\n+# note\n", "no line that tells where"),
    (head("a/x.py", "b/x.py") + "@@ @@\n def one():\n-return 1\n+return 2\n", "indented differently"),
    (head("a/x.py", "/dev/null") + "@@ -1 +0,0 @@\n-import os\n", "deletes"),
    (head("/dev/null", "b/x.py") + "@@ -0,0 +1 @@\n+new\n", "is there already"),
    (head("a/y.py", "b/y.py") + "@@ @@\n-a\n+b\n", "no such file"),
    (head("a/x.py", "b/y.py") + "@@ @@\n-import os\n+import sys\n", "renames x.py"),
    ("diff --git a/x.py b/y.py\nsimilarity index 100%\nrename from x.py\nrename to y.py\n", "renames x.py"),
    ("diff --git a/x.py b/x.py\nold mode 100644\nnew mode 100755\n", "mode"),
    ("diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n", "binary"),
    ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x.py\n\\ No newline at end of file\n", "link"),
    (head("a/x.py", "b/x.py") + "@@ @@\n-    return 1\n+    return 7\n@@ @@\n-    return 1\n+    return 8\n", "another part"),
    ("x.py\n<<<<<<< SEARCH\n\n=======\nx\n>>>>>>> REPLACE\n", "in 4 places"),
    ("x.py\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n", "is there already"),
    ("<<<<<<< SEARCH\nimport os\n=======\nimport sys\n>>>>>>> REPLACE\n", "which file"),
    ("@@ -1 +1 @@\n-import os\n+import sys\n", "which file"),
]  # fmt: skip


@pytest.mark.parametrize(("patch", "reason"), REFUSED)
def test_what_does_not_fit_or_is_never_done_is_refused_with_a_reason(
    toolchain: Toolchain, patch: str, reason: str
) -> None:
    report = examine(fenced("diff", patch), finish_reason="stop", project={"x.py": OLD}.get, toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS
    assert {d.kind for d in report.blocking} == {FindingKind.PATCH}
    assert reason in report.blocking[0].message


MALFORMED = [
    (head("a/x.py", "b/x.py"), "has no hunk"),
    (head("a/x.py", "b/x.py") + "@@ -1,2 +1,2 @@\nimport os\n-a\n+b\n", "none of space"),
    (head("a/x.py", "b/x.py") + "@@ -1 +1 @@\n import os\n", "changes nothing"),
    (head("a/x.py", "b/x.py") + "@@ -1 +1 @@\n-import os\n+import sys\nand more\n+stray\n", "outside of every hunk"),
    ("just words\n", "changes nothing"),
    ("x.py\n<<<<<<< SEARCH\na\n=======\nb\n", "no `>>>>>>> REPLACE`"),
    ("x.py\n<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", "no `=======`"),
    ("x.rst\n<<<<<<< SEARCH\nTitle\n=======\n=======\nName\n=======\n>>>>>>> REPLACE\n", "several lines of `=======`"),
]


@pytest.mark.parametrize(("patch", "reason"), MALFORMED)
def test_a_patch_that_cannot_be_read_is_an_error_with_or_without_a_project(
    toolchain: Toolchain, patch: str, reason: str
) -> None:
    report = examine(fenced("diff", patch), finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS
    assert reason in report.blocking[0].message


def test_several_files_in_one_block_are_all_changed(toolchain: Toolchain) -> None:
    answer = fenced("diff", head("a/x.py", "b/x.py") + HUNK + head("/dev/null", "b/new.py") + "@@ -0,0 +1 @@\n+n = 1\n")
    [block] = extract(answer).blocks
    assert block.targets == ("x.py", "new.py")
    first, second = parse.read(block.code).files
    assert (apply_patch(first, OLD), apply_patch(second, None)) == (
        Patched(text=NEW, fit=PatchFit.EXACT), Patched(text="n = 1\n", fit=PatchFit.EXACT),
    )  # fmt: skip
    assert (
        examine(answer, finish_reason="stop", project={"x.py": OLD}.get, toolchain=toolchain).verdict is Verdict.CLEAN
    )


def test_search_blocks_follow_each_other_and_keep_their_file_until_another_is_named() -> None:
    text = f"x.py\n{SEARCH}\n<<<<<<< SEARCH\n    return 11\n=======\n    return 12\n>>>>>>> REPLACE\ny.py\n{SEARCH}"
    assert [file.path for file in parse.read(text).files] == ["x.py", "x.py", "y.py"]


def test_a_patched_file_is_judged_by_what_the_patch_made_worse(toolchain: Toolchain) -> None:
    project = {"x.py": "import os\n\nprint(missing)\nprint(os.sep)\n"}
    breaks = fenced("diff", head("a/x.py", "b/x.py") + "@@ -1,2 +1 @@\n-import os\n \n")
    report = examine(breaks, finish_reason="stop", project=project.get, toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS
    assert ["os" in d.message for d in report.blocking] == [True]
    keeps = fenced("diff", head("a/x.py", "b/x.py") + "@@ -4 +4 @@\n-print(os.sep)\n+print(os.linesep)\n")
    report = examine(keeps, finish_reason="stop", project=project.get, toolchain=toolchain)
    assert (report.verdict, report.blocking) == (Verdict.UNCHECKED, ())
    assert "had before" in report.checks[0].note


def test_a_finding_names_the_line_of_the_patch_that_it_came_with(toolchain: Toolchain) -> None:
    answer = fenced("diff", head("a/x.py", "b/x.py") + HUNK.replace("return 11", "return eleven"))
    found = examine(answer, finish_reason="stop", project={"x.py": OLD}.get, toolchain=toolchain).blocking[0]
    assert found.message.startswith("x.py line 5: ")
    assert found.range.start.line == 7


def test_a_diff_beside_the_whole_file_only_shows_what_is_new(toolchain: Toolchain) -> None:
    answer = f"`x.py`\n```python\n{NEW}```\n" + fenced("diff", head("a/x.py", "b/x.py") + HUNK)
    for project in (None, {"x.py": OLD}.get):
        report = examine(answer, finish_reason="stop", project=project, toolchain=toolchain)
        assert (report.verdict, report.checks[1].status) == (Verdict.CLEAN, BlockStatus.SKIPPED)


@pytest.mark.parametrize(
    "answer",
    [
        "```python\nPATCH = '''\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n'''\n```\n",  # a program that holds a diff
        "```yaml\n---\na: 1\n```\n",
        "```sql\n--- a/x.sql\nSELECT 1;\n```\n",
        "```text\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n```\n",  # a conflict of a merge
    ],
)
def test_what_only_looks_like_a_patch_is_none(answer: str) -> None:
    assert Role.DIFF not in {block.role for block in extract(answer).blocks}


def test_a_fence_in_a_patched_document_does_not_end_the_patch() -> None:
    body = head("a/README.md", "b/README.md") + "@@ -1,4 +1,4 @@\n ```sh\n-ls\n+ls -l\n ```\n-end\n+End\n"
    [block] = extract(f"```diff\n{body}```\n", finish_reason="stop").blocks
    assert (block.code, block.complete) == (body, True)
    search = "README.md\n<<<<<<< SEARCH\n```sh\nls\n```\n=======\n```sh\nls -l\n```\n>>>>>>> REPLACE\n"
    [block] = extract(f"```\n{search}```\n", finish_reason="stop").blocks
    assert block.code == search


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD.replace("\n", "\r\n"), NEW.replace("\n", "\r\n")),  # CRLF, which an answer never holds
        (OLD.rstrip("\n"), NEW.rstrip("\n")),  # no line end at the end, which models forget to say
        (OLD.replace("return 1\n", "return 1 \n"), NEW),  # a space at the end of a line
        ("\n".join("\t" + line if line else line for line in OLD.split("\n")), "\n".join("\t" + line if line else line for line in NEW.split("\n"))),
    ],
)  # fmt: skip
def test_a_file_keeps_its_own_line_ends_and_indentation(old: str, new: str) -> None:
    for text in (head("a/x.py", "b/x.py") + HUNK, f"x.py\n{SEARCH}"):
        [patch] = parse.read(text).files
        done = apply_patch(patch, old)
        assert isinstance(done, Patched), done
        assert done.text == new


@pytest.mark.parametrize("text", [head("a/x.py", "b/x.py") + HUNK, f"x.py\n{SEARCH}", head("a/x.py", "b/x.py") + "@@ @@\n import os\n+import re\n"])  # fmt: skip
def test_a_patch_that_was_applied_changes_nothing_more(text: str) -> None:
    [patch] = parse.read(text).files
    once = settle(patch, OLD)
    assert isinstance(once, Patched)
    assert settle(patch, once.text) == Patched(text=once.text, fit=PatchFit.ALREADY)


# ---- git is the judge

LINES = st.lists(st.sampled_from(["a", "b", "", " ", "\tc", "-- x", "++ y", "@@ -1 +1 @@", "def f():", "=", "é", "a\r"]), max_size=14)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = draw(LINES)
    return "\n".join(lines) + ("\n" if lines and draw(st.booleans()) else "")


def git(*args: str, cwd: Path, codes: tuple[int, ...] = (0,)) -> str:
    done = subprocess.run(["git", *args], cwd=cwd, capture_output=True, check=False)
    assert done.returncode in codes, done.stderr
    return done.stdout.decode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=texts(), new=texts(), context=st.integers(1, 4))
def test_what_git_writes_is_applied_as_git_means_it(tmp_path: Path, old: str, new: str, context: int) -> None:
    for side, text in (("a", old), ("b", new)):
        (tmp_path / side).mkdir(exist_ok=True)
        (tmp_path / side / "x").write_bytes(text.encode())
    diff = git("diff", "--no-index", "--no-prefix", f"-U{context}", "a/x", "b/x", cwd=tmp_path, codes=(0, 1))
    if old == new:
        assert diff == ""
        return
    parsed = parse.read(diff)
    assert (parsed.faults, parsed.targets) == ((), ("x",))
    assert apply_patch(parsed.files[0], old) == Patched(text=new, fit=PatchFit.EXACT)


def unified(old: str, new: str, context: int) -> str:
    """difflib's output as `diff` writes it: difflib does not mark a last line without an end."""
    sides = [re.findall(r"[^\n]*\n|[^\n]+", text) for text in (old, new)]
    lines = difflib.unified_diff(*sides, fromfile="a/x", tofile="b/x", n=context)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@settings(max_examples=300, deadline=None)
@given(old=texts(), new=texts(), context=st.integers(1, 4))
def test_what_difflib_writes_gives_the_edited_text(old: str, new: str, context: int) -> None:
    diff = unified(old, new, context)
    if old == new:
        return
    [patch] = parse.read(diff).files
    done = apply_patch(patch, old)
    assert isinstance(done, Patched), done
    assert done.text == new


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=texts(), new=texts(), before=st.sampled_from(["", "a\n", "b\na\n"]), after=texts())
def test_what_fits_another_text_exactly_is_what_git_makes_of_it(
    tmp_path: Path, old: str, new: str, before: str, after: str
) -> None:
    """A diff of one text, applied to a longer one: where every hunk is where its head says, git applies it to the same."""
    other = before + old + after
    diff = unified(old, new, 1)
    if not diff:
        return
    done = apply_patch(parse.read(diff).files[0], other)
    if isinstance(done, PatchFault) or done.fit is not PatchFit.EXACT:
        return
    (tmp_path / "x").write_bytes(other.encode())
    (tmp_path / "p").write_bytes(diff.encode())
    git("init", "-q", cwd=tmp_path)
    git("apply", "--whitespace=nowarn", "p", cwd=tmp_path)
    assert (tmp_path / "x").read_bytes().decode() == done.text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="<>=-+@ adiff/x\n\\`", max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    for patch in parse.read(text).files:
        settle(patch, "a\nb\n")
    extract(text)
