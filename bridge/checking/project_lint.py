"""The caller's own linters over an answer's files, in a copy: `--project-lint`.

Only on request, because it reads the project's configuration, and a configuration of ESLint or a TypeScript plugin is a
program that runs. The project itself is never written to, and nothing from the answer runs: it lies in a temporary
folder beside copies of the configuration files, under the paths that the answer gave; `node_modules` is a link for
reading.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.checking.checkers import eslint, python, tsc
from bridge.checking.checkers.base import Command, Finding
from bridge.checking.extraction.paths import refuse
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
    plain_text,
)
from bridge.sandbox.folder import Sandbox, Toolbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

WARNING = (
    "--project-lint reads this project's linter configuration; a configuration of ESLint, and what it requires, is a "
    "program that runs with your rights"
)

#: Configuration files that are copied, from the project's root.
_RUFF = ("pyproject.toml", "ruff.toml", ".ruff.toml")
_ESLINT = ("eslint.config.js", "eslint.config.mjs", "eslint.config.cjs", "eslint.config.ts", "package.json")
_TSC = ("tsconfig.json", "tsconfig.base.json", "package.json")
_MAX_CONFIG_BYTES = 1_000_000


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
    arguments: tuple[str, ...]
    each: bool = True  #: wants the files named one by one; else it finds them through its configuration


_TOOLS = (
    _Tool(command=python.RUFF, configs=_RUFF, arguments=("check", "--no-cache", "--output-format", "json", "--")),
    _Tool(command=replace(eslint.ESLINT, languages=frozenset({"javascript", "jsx", "typescript", "tsx"})),
          configs=_ESLINT, arguments=("--format", "json", "--no-warn-ignored")),
    _Tool(command=tsc.TSC, configs=_TSC, arguments=("--noEmit", "--pretty", "false", "-p", "."), each=False),
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
        configs = [name for name in tool.configs if (project / name).is_file()]
        if not mine or not _configured(project, configs):
            continue
        program = box_path.find(tool.command.program)
        if program is None:
            notes.append(f"{tool.command.name} is configured, but not installed")
            continue
        used.append(tool.command.name)
        checks += _run(tool, program, mine, configs, project)
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


def _configured(project: Path, configs: Iterable[str]) -> bool:
    """Whether the project configures a tool: a file of its own, or a section in a shared one."""
    for name in configs:
        if name == "package.json":
            continue
        if name != "pyproject.toml" or "[tool.ruff" in (project / name).read_text(encoding="utf-8", errors="replace"):
            return True
    return False


def _run(
    tool: _Tool, program: str, blocks: Sequence[CodeBlock], configs: Sequence[str], project: Path
) -> list[CheckResult]:
    with Sandbox() as box:
        for name in configs:
            source = project / name
            if source.stat().st_size <= _MAX_CONFIG_BYTES:
                shutil.copyfile(source, box.files / name)
        if (project / "node_modules").is_dir():
            (box.files / "node_modules").symlink_to((project / "node_modules").resolve(), target_is_directory=True)
        placed = [b for b in blocks if _place(b, box.files)]
        names = [b.path or "" for b in placed] if tool.each else []
        limits = ResourceLimits(memory_mb=8192, wall_s=60, cpu_s=60)
        ran = box.run([program, *tool.arguments, *names], limits=limits, offline=True)
        found = tool.command.read(ran, box.files) if not ran.failure and ran.code in tool.command.exit_codes else None
        if found is None:
            return [_failed(b, tool, ran.failure or ran.stderr) for b in placed]
        return [_result(b, tool, _of(b, ran.stdout, tool, box)) for b in placed]


def _place(block: CodeBlock, folder: Path) -> bool:
    """Put a file where the answer says, below the folder; never over a configuration file that was copied there."""
    path = folder / (block.path or "")
    if path.exists() or not path.resolve().is_relative_to(folder.resolve()) or "node_modules" in path.parts:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.code, encoding="utf-8", errors="replace", newline="\n")
    return True


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
            code=plain_text(f.code, 80),
            source=f"project {tool.command.name}",
            message=plain_text(f.message),
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
        block=block.index, status=BlockStatus.TOOL_FAILED, tools=(tool.command.name,), note=plain_text(why)
    )
