"""The caller's own linters over an answer's files, in a copy: `--project-lint`.

Only on request, because it reads the project's configuration, and a configuration of ESLint is a program that runs. It runs
in the sandbox: it can read the project and write nowhere but to a temporary folder, where the answer's files lie under
their paths. Configuration comes from the project alone, by absolute path: a file of the answer that any tool would read as
configuration is not put there, whatever folder it names, and what a configuration imports is looked for in the project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.checking.checkers import eslint, python, tsc
from bridge.checking.checkers.base import Command, Finding
from bridge.checking.values import (
    BlockStatus,
    CheckResult,
    CodeBlock,
    Diagnostic,
    FindingKind,
    Level,
    Range,
    Report,
    Role,
    Severity,
    Verdict,
    fingerprint,
)
from bridge.core.paths import refuse
from bridge.core.text import tool_message
from bridge.sandbox.confinement import confinement
from bridge.sandbox.folder import Sandbox, Toolbox, storable
from bridge.sandbox.process import ProcessResult, ResourceLimits

WARNING = (
    "--project-lint runs this project's own linters with its own configuration; a configuration of ESLint is a program: it "
    "runs in a sandbox that can read this project"
)

#: Configuration files of the project's root, in the order in which a tool would look for them.
_RUFF = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_ESLINT = ("eslint.config.js", "eslint.config.mjs", "eslint.config.cjs", "eslint.config.ts")
_TSC = ("tsconfig.json",)


@dataclass(frozen=True, kw_only=True)
class ProjectLint:
    """What the project's own linters said."""

    checks: tuple[CheckResult, ...]
    tools: tuple[str, ...]
    warning: str = WARNING
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Tool:
    """A linter as the project would run it."""

    command: Command
    configs: tuple[str, ...]
    #: The arguments before the files, given the project's configuration file and the sandbox.
    arguments: Callable[[Path, Sandbox, Sequence[str]], Sequence[str]]
    each: bool = True  #: wants the files named one by one; else they stand in the arguments


def _tsc_arguments(config: Path, box: Sandbox, names: Sequence[str]) -> Sequence[str]:
    """tsc takes no other files beside a project: a configuration of ours that extends the caller's and names them."""
    settings = {"extends": str(config), "compilerOptions": {"noEmit": True, "composite": False, "incremental": False},
                "include": [], "files": [str(box.files / name) for name in names]}  # fmt: skip
    return ["--pretty", "false", "-p", str(box.settings("tsconfig.json", json.dumps(settings)))]


_TOOLS = (
    _Tool(command=python.RUFF, configs=_RUFF, arguments=lambda config, _box, _names: [
        "check", "--no-cache", "--config", str(config), "--output-format", "json", "--"]),
    _Tool(command=replace(eslint.ESLINT, languages=frozenset({"javascript", "jsx", "typescript", "tsx"})),
          configs=_ESLINT, arguments=lambda config, _box, _names: [
        "--config", str(config), "--format", "json", "--no-warn-ignored"]),
    _Tool(command=tsc.TSC, configs=_TSC, arguments=_tsc_arguments, each=False),
)  # fmt: skip


def project_lint(blocks: Sequence[CodeBlock], project: Path, *, toolbox: Toolbox | None = None) -> ProjectLint:
    """Run the project's configured ruff, ESLint and tsc over the blocks that have a path.

    Args:
        blocks: an answer's blocks; those without a path, or with a refused one, are left out.
        project: its root. Read only.
        toolbox: where programs are looked for; default: `node_modules/.bin` of the project, then the usual places.
    """
    box_path = toolbox or _toolbox(project)
    files = [
        b for b in blocks if b.path and b.current and b.role is Role.FILE and b.complete and refuse(b.path) is None
    ]
    checks: list[CheckResult] = []
    used: list[str] = []
    notes: list[str] = []
    for tool in _TOOLS:
        mine = [b for b in files if b.language in tool.command.languages]
        config = next((project / name for name in tool.configs if _configures(project / name)), None)
        if not mine or config is None:
            continue
        program = box_path.find(tool.command.program)
        if program is None:
            notes.append(f"{tool.command.name} is configured, but not installed")
            continue
        if tool.command.exposed and not confinement().holds:
            notes.append(f"{tool.command.name} is not started: nothing here confines it ({confinement().why})")
            continue
        used.append(tool.command.name)
        checks += _run(tool, program, mine, config, project)
    return ProjectLint(checks=tuple(checks), tools=tuple(used), notes=tuple(notes))


def with_project_lint(
    report: Report, project: Path, *, out: str | None = None, toolbox: Toolbox | None = None
) -> Report:
    """A report with what the project's own linters say of the same blocks joined on; its verdict says what follows.

    Args:
        report: what `examine` gave.
        project: the caller's project. Read only.
        out: where the caller wants the code: the path of the one file that the answer does not name.
        toolbox: as of `project_lint`.
    """
    nameless = [b for b in report.blocks if b.role is Role.FILE and b.current and not b.path]
    if out and len(nameless) == 1 and out not in report.files():
        blocks = tuple(b.evolve(path=out) if b is nameless[0] else b for b in report.blocks)
    else:
        blocks = report.blocks
    found = project_lint(blocks, project, toolbox=toolbox)
    theirs: dict[int, list[CheckResult]] = {}
    for check in found.checks:
        theirs.setdefault(check.block, []).append(check)
    checks = tuple(_joined(check, theirs.get(check.block, [])) for check in report.checks)
    verdict = report.verdict
    if verdict in (Verdict.CLEAN, Verdict.UNCHECKED):
        judged = [c.status for c in checks if c.status is not BlockStatus.SKIPPED]
        if BlockStatus.ERRORS in judged:
            verdict = Verdict.ERRORS
        elif verdict is Verdict.CLEAN and BlockStatus.TOOL_FAILED in judged:
            verdict = Verdict.UNCHECKED
        elif theirs and not {BlockStatus.UNCHECKED, BlockStatus.TOOL_FAILED} & set(judged):
            verdict = Verdict.CLEAN
    return report.evolve(checks=checks, verdict=verdict, notes=(*report.notes, *found.notes))


def _joined(ours: CheckResult, theirs: Sequence[CheckResult]) -> CheckResult:
    """One block's check with those of the project's tools: what blocks wins, then what could not be done."""
    if not theirs:
        return ours
    order = (
        BlockStatus.INCOMPLETE,
        BlockStatus.ERRORS,
        BlockStatus.TOOL_FAILED,
        BlockStatus.FRAGMENT,
        BlockStatus.OK,
        BlockStatus.UNCHECKED,
    )
    statuses = [check.status for check in (ours, *theirs) if check.status in order]
    return ours.evolve(
        status=min(statuses, key=order.index) if statuses else ours.status,
        tools=(*ours.tools, *(f"project {tool}" for check in theirs for tool in check.tools)),
        level=Level.LINTER if any(check.level is Level.LINTER for check in (ours, *theirs)) else ours.level,
        diagnostics=(*ours.diagnostics, *(d for check in theirs for d in check.diagnostics)),
        note="; ".join(note for note in (ours.note, *(check.note for check in theirs)) if note),
    )


def _toolbox(project: Path) -> Toolbox:
    usual = Toolbox()
    return Toolbox((str((project / "node_modules" / ".bin").resolve()), *usual.path))


def _configures(file: Path) -> bool:
    """Whether a file configures its tool; one that others share must have a section for it."""
    if not file.is_file():
        return False
    return file.name != "pyproject.toml" or "[tool.ruff" in file.read_text(encoding="utf-8", errors="replace")


def _run(tool: _Tool, program: str, blocks: Sequence[CodeBlock], config: Path, project: Path) -> list[CheckResult]:
    with Sandbox() as box:
        if (project / "node_modules").is_dir():
            (box.files / "node_modules").symlink_to((project / "node_modules").resolve(), target_is_directory=True)
        placed, left_out = [], []
        for block in blocks:
            name = block.path or ""
            if storable(name) and not (box.files / name).exists():
                box.put(name, block.code)
                placed.append(block)
            else:
                left_out.append(block)
        skipped = [_failed(block, tool, "it bears the name of a configuration file") for block in left_out]
        if not placed:
            return skipped
        names = [block.path or "" for block in placed]
        arguments = tool.arguments(config.resolve(), box, names)
        limits = ResourceLimits(memory_mb=8192, wall_s=60, cpu_s=60)
        ran = box.run([program, *arguments, *(names if tool.each else [])], limits=limits, readable=[project.resolve()])
        found = tool.command.read(ran, box.files) if not ran.failure and ran.code in tool.command.exit_codes else None
        if found is None:
            return skipped + [_failed(b, tool, ran.failure or ran.stderr) for b in placed]
        return skipped + [_result(b, tool, _of(b, ran.stdout, tool, box)) for b in placed]


def _of(block: CodeBlock, stdout: str, tool: _Tool, box: Sandbox) -> list[Finding]:
    """The findings that are about one file."""

    if tool.each:
        rows = json.loads(stdout or "[]")
        key = "filePath" if rows and "filePath" in rows[0] else "filename"
        mine = [r for r in rows if Path(str(r.get(key))).resolve() == (box.files / (block.path or "")).resolve()]
        # The project's rules are its owner's: ruff calls all that it finds an error, ESLint those of severity 2.
        found: list[Finding] = []
        for severity in (Severity.ERROR, Severity.WARNING):
            picked = [row for each in mine if (row := _picked(each, severity))]
            read = tool.command.read(ProcessResult(code=0, stdout=json.dumps(picked), stderr=""), box.files) or ()
            found += [replace(finding, severity=severity) for finding in read]
        return found
    text = "\n".join(line for line in stdout.splitlines() if re.match(re.escape(block.path or "") + r"\(", line))
    return list(tool.command.read(ProcessResult(code=0, stdout=text, stderr=""), box.files) or ())


def _picked(row: dict[str, Any], severity: Severity) -> dict[str, Any] | None:
    """What a row of a linter's JSON says at that severity."""
    if "messages" not in row:
        return row if severity is Severity.ERROR else None
    wanted = 2 if severity is Severity.ERROR else 1
    return {**row, "messages": [m for m in row["messages"] if m.get("severity", 2) == wanted]}


def _result(block: CodeBlock, tool: _Tool, found: Sequence[Finding]) -> CheckResult:
    lines = block.code.split("\n")
    diagnostics = tuple(
        Diagnostic(
            block=block.index,
            range=Range.at(f.line, f.column, f.end_line, f.end_column),
            severity=f.severity,
            code=tool_message(f.code, 80),
            source=f"project {tool.command.name}",
            message=tool_message(f.message),
            kind=f.kind,
            blocking=f.severity is Severity.ERROR and f.kind is not FindingKind.DEPENDENCY,
            fingerprint=fingerprint(tool.command.name, f.code, f.message, lines[min(max(f.line, 1), len(lines)) - 1]),
        )
        for f in found
    )
    status = BlockStatus.ERRORS if any(d.blocking for d in diagnostics) else BlockStatus.OK
    return CheckResult(
        block=block.index,
        status=status,
        tools=(tool.command.name,),
        level=Level.LINTER,
        diagnostics=diagnostics,
    )


def _failed(block: CodeBlock, tool: _Tool, why: str) -> CheckResult:
    return CheckResult(
        block=block.index, status=BlockStatus.TOOL_FAILED, tools=(tool.command.name,), note=tool_message(why)
    )
