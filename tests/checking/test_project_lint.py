from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bridge.checking import BlockStatus, extract
from bridge.checking.project_lint import WARNING, project_lint
from bridge.sandbox.folder import Toolbox

ANSWER = (
    "src/a.py\n```python\nimport os\n\n\ndef f( x ):\n    return x\n```\n\nsrc/b.ts\n```ts\n"
    "export const a: number = 'x';\nexport const b = 1;\nexport const c = 2;\n```\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(
        '[tool.ruff.lint]\nselect = ["E2", "F401"]\npreview = true\n[tool.ruff]\npreview = true\n'
    )
    return folder


def test_the_projects_own_ruff_judges_by_the_projects_rules_in_a_copy(project: Path) -> None:
    before = {p: p.read_bytes() for p in project.rglob("*")}
    found = project_lint(extract(ANSWER, finish_reason="stop").blocks, project)
    (check,) = found.checks
    assert (found.tools, found.warning, check.status) == (("ruff",), WARNING, BlockStatus.ERRORS) or check.diagnostics
    assert "F401" in {d.code for d in check.diagnostics}
    assert {p: p.read_bytes() for p in project.rglob("*")} == before


def test_a_project_without_linters_is_left_alone(tmp_path: Path) -> None:
    assert project_lint(extract(ANSWER).blocks, tmp_path).checks == ()


@pytest.mark.skipif(os.name != "posix", reason="the fake program is a shell script")
def test_tsc_runs_over_the_project_and_its_findings_go_to_their_blocks(project: Path, tmp_path: Path) -> None:
    (project / "tsconfig.json").write_text("{}")
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "tsc"
    program.write_text(
        "#!/bin/sh\n"
        f'grep -q "{project / "tsconfig.json"}" "$4" && grep -q src/b.ts "$4" && test -f src/b.ts || exit 9\n'
        'echo "src/b.ts(1,14): error TS2322: wrong"\nexit 2\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    found = project_lint(extract(ANSWER, finish_reason="stop").blocks, project, toolbox=Toolbox((str(tools),)))
    assert found.notes == ("ruff is configured, but not installed",)
    (check,) = found.checks
    assert [(d.block, d.code, d.blocking) for d in check.diagnostics] == [(1, "TS2322", True)]


def test_a_file_of_the_answer_never_replaces_the_projects_configuration(project: Path) -> None:
    hostile = "pyproject.toml\n```toml\n[tool.ruff]\nexclude = ['*']\n```\n\n" + ANSWER
    (check,) = project_lint(extract(hostile, finish_reason="stop").blocks, project).checks
    assert "F401" in {d.code for d in check.diagnostics}


def test_a_linter_that_fails_is_tool_failed(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.ruff]\nthis is no toml\n")
    (check,) = project_lint(extract(ANSWER, finish_reason="stop").blocks, project).checks
    assert check.status is BlockStatus.TOOL_FAILED
