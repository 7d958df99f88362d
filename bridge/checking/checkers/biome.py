"""biome, where it is installed: JavaScript, TypeScript, JSON and CSS, with an empty configuration of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.checkers.javascript import EXTENSIONS, SCRIPTS
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits


def _biome_argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program
    folder = box.config / "biome"
    folder.mkdir(exist_ok=True)
    (folder / "biome.json").write_text("{}", encoding="utf-8")
    return ["lint", "--reporter=github", f"--config-path={folder}", str(path)]


_BIOME = re.compile(
    r"^::(error|warning) title=([^,]*),.*?line=(\d+),endLine=(\d+),col=(\d+),endColumn=(\d+)::(.*)$",
    re.MULTILINE,
)


def _biome_read(ran: ProcessResult, path: Path) -> Sequence[Finding]:
    del path
    found = []
    for level, title, line, end_line, column, end_column, message in _BIOME.findall(ran.stdout + "\n" + ran.stderr):
        syntax = title.startswith("parse")
        certain = title.rsplit("/", 1)[-1] in ("noConstAssign", "noInvalidConstructorSuper")
        kind = FindingKind.SYNTAX if syntax else FindingKind.TYPE if certain else FindingKind.STYLE
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                end_line=int(end_line),
                end_column=int(end_column),
                kind=kind,
                severity=Severity.ERROR if level == "error" and kind is not FindingKind.STYLE else Severity.WARNING,
                code=title,
                message=message,
            )
        )
    return found


BIOME = Command(
    name="biome",
    program="biome",
    languages=SCRIPTS | {"json", "jsonc", "css"},
    step=CheckStep.SYNTAX,
    argv=_biome_argv,
    read=_biome_read,
    limits=ResourceLimits(memory_mb=1024),
    extensions={**EXTENSIONS, "json": "json", "jsonc": "jsonc", "css": "css"},
)
