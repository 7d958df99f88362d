"""biome, where it is installed: JavaScript, TypeScript, JSON and CSS, with an empty configuration of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bridge.results.base import Kind, Severity
from bridge.results.checkers.base import Command, Finding, Step
from bridge.results.checkers.javascript import EXTENSIONS, SCRIPTS
from bridge.results.process import Limits, Ran
from bridge.results.sandbox import Sandbox


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


def _biome_read(ran: Ran, path: Path) -> Sequence[Finding]:
    del path
    found = []
    for level, title, line, end_line, column, end_column, message in _BIOME.findall(ran.stdout + "\n" + ran.stderr):
        syntax = title.startswith("parse")
        certain = title.rsplit("/", 1)[-1] in ("noConstAssign", "noInvalidConstructorSuper")
        kind = Kind.SYNTAX if syntax else Kind.TYPE if certain else Kind.STYLE
        found.append(
            Finding(
                line=int(line),
                column=int(column),
                end_line=int(end_line),
                end_column=int(end_column),
                kind=kind,
                severity=Severity.ERROR if level == "error" and kind is not Kind.STYLE else Severity.WARNING,
                code=title,
                message=message,
            )
        )
    return found


BIOME = Command(
    name="biome",
    program="biome",
    languages=SCRIPTS | {"json", "jsonc", "css"},
    step=Step.SYNTAX,
    argv=_biome_argv,
    read=_biome_read,
    limits=Limits(memory_mb=1024),
    extensions={**EXTENSIONS, "json": "json", "jsonc": "jsonc", "css": "css"},
)
