"""Types, by the tools that judge them: only what is certain blocks, and a tool that cannot begin is no praise."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.checking import Toolchain, Verdict, examine
from bridge.checking.checkers.tsc import TSC
from bridge.checking.values import BlockStatus, Diagnostic
from bridge.sandbox.folder import Toolbox, default_path

needs_ty = pytest.mark.skipif(
    Toolbox().find("ty") is None, reason="ty is not installed: pip install 'qwen-bridge[lint]'"
)


def said(language: str, code: str, source: str, toolchain: Toolchain) -> Sequence[Diagnostic]:
    report = examine(f"```{language}\n{code}```\n", finish_reason="stop", toolchain=toolchain)
    return [d for d in report.diagnostics if d.source == source]


#: A line that cannot work, after `import math, json, collections` and `def f(a, b): return a + b`.
WRONG = [
    "math.sqroot(2)", "json.load_string('x')", "from os.path import joyn", "from collections import heapq", "f(1)", "f(1, 2, 3)",
    "f(1, c=2)", "len([1], 2)", "[1].popleft()", "'x'.contains('y')", "math.sqrt()", "{}.add(1)",
    "math.sqroot(2)  # type: ignore", "math.sqroot(2)  # ty: ignore",
]  # fmt: skip
BEFORE = "import math, json, collections\n\n\ndef f(a, b):\n    return a + b\n\n\n"


@needs_ty
@pytest.mark.parametrize("line", WRONG)
def test_what_certainly_cannot_work_blocks(line: str, toolchain: Toolchain) -> None:
    (found, *_) = said("python", f"{BEFORE}{line}\n", "ty", toolchain)
    assert found.blocking
    assert found.range.start.line == BEFORE.count("\n")


#: What depends on packages, versions, or on how strictly one means an annotation.
RIGHT = [
    "x: int = 'text'", "def g(a: int) -> str:\n    return a", "import numpy as np\nnp.no_such_thing(1, 2, 3)",
    "try:\n    from collections import Mapping\nexcept ImportError:\n    from collections.abc import Mapping",
    "import sys\nif sys.version_info < (3, 8):\n    import time\n    time.clock()", "class A: pass\nA().later = 1\nprint(A().later)",
    "import os\nos.getuid(); os.startfile('a')", "def h(x):\n    return x.anything(1)", "'a' + 1", "values = [1, 2]\nf(*values)",
    "class M:\n    def __init__(self, *a):\n        super().__init__(*a, 1)",
]  # fmt: skip


@needs_ty
@pytest.mark.parametrize("code", RIGHT)
def test_what_is_not_certain_is_not_said(code: str, toolchain: Toolchain) -> None:
    assert said("python", f"{BEFORE}{code}\n", "ty", toolchain) == []


@needs_ty
def test_a_configuration_of_the_answer_is_not_read(toolchain: Toolchain) -> None:
    files = (
        "```toml ty.toml\n[rules]\nall = 'ignore'\n```\n```toml pyproject.toml\n[tool.ty.rules]\nall = 'ignore'\n```\n"
    )
    report = examine(f"{files}```python a.py\n{BEFORE}f(1)\n```\n", finish_reason="stop", toolchain=toolchain)
    assert [d.source for d in report.blocking] == ["ty"]


TYPED = "export function add(a: number, b: number): number {\n  return a + b;\n}\nadd(1);\n"


def compiler(folder: Path, script: str) -> Path:
    """A program called tsc in a project's node_modules."""
    program = folder / "node_modules" / ".bin" / "tsc"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def of_project(folder: Path, toolchain: Toolchain) -> Toolchain:
    if not toolchain.within.holds:
        pytest.skip("tsc is only started where a sandbox holds, and none does here")
    return Toolchain(checkers=(*(c for c in toolchain.checkers if c.name == "oxlint"), TSC)).for_project(folder)


def test_the_project_s_own_compiler_judges_its_typescript(tmp_path: Path, toolchain: Toolchain) -> None:
    compiler(tmp_path, 'echo "a.ts(4,1): error TS2554: Expected 2 arguments, but got 1."; exit 2')
    with of_project(tmp_path, toolchain) as own:
        (found,) = said("typescript", TYPED, "tsc", own)
    assert found.blocking
    assert found.code == "TS2554"


@pytest.mark.parametrize(
    "script", ["echo \"error TS5023: Unknown compiler option '--x'.\"; exit 1", "echo broken >&2; exit 1"]
)
def test_a_compiler_that_cannot_begin_is_a_failure_and_no_praise(
    script: str, tmp_path: Path, toolchain: Toolchain
) -> None:
    compiler(tmp_path, script)
    with of_project(tmp_path, toolchain) as own:
        report = examine(f"```typescript\n{TYPED}```\n", finish_reason="stop", toolchain=own)
    assert report.checks[0].status is BlockStatus.TOOL_FAILED
    assert report.verdict is Verdict.UNCHECKED


def test_a_real_compiler_finds_a_wrong_call(toolchain: Toolchain) -> None:
    box = Toolbox(default_path())
    if box.find("tsc") is None:
        pytest.skip("tsc is not installed: npm install --global typescript")
    with Toolchain(toolbox=box) as own:
        assert [d.code for d in said("typescript", TYPED, "tsc", own)] == ["TS2554"]


def test_a_body_that_the_prompt_s_function_begins_is_no_error_of_the_compiler(
    tmp_path: Path, toolchain: Toolchain
) -> None:
    compiler(
        tmp_path,
        "echo \"a.ts(1,1): error TS1108: A 'return' statement can only be used within a function body.\"; exit 2",
    )
    with of_project(tmp_path, toolchain) as own:
        assert not any(d.blocking for d in said("typescript", "return 1;\n", "tsc", own))
