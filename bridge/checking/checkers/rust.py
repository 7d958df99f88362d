"""Rust: rustc, told to stop after types and borrows.

tree-sitter parses first; the compiler is asked about what parses. A text that would make it read other files is not shown
to it at all.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.values import FindingKind, Severity
from bridge.sandbox.process import ProcessResult, ResourceLimits


def _rust_reads_files(code: str) -> str | None:
    if re.search(
        r"\b(?:include|include_str|include_bytes|env|option_env)\s*!|#!?\s*\[\s*(?:path|cfg_attr\s*\(.*\bpath)\b",
        code,
    ):
        return "reads other files when it is compiled"
    if re.search(r"long_running_const_eval|\bproc_macro\b|#!\[feature", code):
        return "uses what a checker must not allow"
    return None


def _rust_read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    del path
    found = []
    for line in ran.stderr.splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        spans = [s for s in row.get("spans", ()) if s["is_primary"]]
        if row.get("level") not in ("error", "warning") or not spans:
            continue
        code = (row.get("code") or {}).get("code", "")
        error = row["level"] == "error"
        kind = _rust_kind(code) if error else FindingKind.STYLE
        found.append(
            Finding(
                line=spans[0]["line_start"],
                column=spans[0]["column_start"],
                end_line=spans[0]["line_end"],
                end_column=spans[0]["column_end"],
                kind=kind,
                severity=Severity.ERROR if error else Severity.WARNING,
                code=code,
                message=row["message"],
            )
        )
    return found if found or ran.code == 0 else None


def _rust_kind(code: str) -> FindingKind:
    if not code:
        return FindingKind.SYNTAX
    if code in ("E0432", "E0433", "E0463", "E0583"):
        return FindingKind.DEPENDENCY
    return FindingKind.UNDEFINED if code in ("E0405", "E0412", "E0422", "E0423", "E0425", "E0531") else FindingKind.TYPE


def _rustup() -> Path:
    return Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")


def _rust_env() -> Mapping[str, str]:
    """Where rustup keeps its toolchains: without it, its `rustc` does not know which to start. It must fetch none."""
    home = _rustup()
    return {"RUSTUP_HOME": str(home), "RUSTUP_DIST_SERVER": "http://127.0.0.1:9"} if home.is_dir() else {}


RUSTC = Command(
    name="rustc",
    program="rustc",
    languages=frozenset({"rust"}),
    step=CheckStep.MEANING,
    argv=lambda _program, path, box: [
        "--edition", "2021", "--crate-type", "lib", "--crate-name", "text", "--emit=metadata", "--error-format=json",
        "--cap-lints", "warn", "-A", "dead_code", "--out-dir", str(box.home), str(path),
    ],
    read=_rust_read,
    limits=ResourceLimits(memory_mb=2048),
    extensions={"rust": "rs"},
    refuse=_rust_reads_files,
    env=_rust_env,
    exposed=True,
    readable=lambda: (_rustup(),),
)  # fmt: skip
