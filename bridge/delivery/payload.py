"""What a caller gets of a job: one JSON object, the same on every way out. Its fields are told in docs/handover.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from bridge.checking.repair import RepairOutcome
from bridge.checking.values import CodeBlock, Extraction, Report, Role
from bridge.core.job import Job, Result, to_iso

#: What checking adds, of a job that was not checked.
_NOTHING: dict[str, Any] = {
    "verdict": None, "level": None, "files": [], "diagnostics": [], "quality": [], "notes": [], "complete": None,
    "rounds": 0, "stop": None, "repaired": False,
}  # fmt: skip
#: Blocks that a caller may want; the others are sample output, and wrappers of blocks that are listed themselves.
_WANTED = (Role.FILE, Role.FRAGMENT, Role.DATA, Role.DIFF, Role.COMMAND)


def unchecked(job: Job, result: Result | None) -> dict[str, Any]:
    """Of a job that has no checked answer: it failed, was cancelled, or nobody has looked at it."""
    return {**_facts(job, result), "answer": (result.answer or None) if result else None, **_NOTHING}


def finished(job: Job, result: Result, outcome: RepairOutcome) -> dict[str, Any]:
    """Of a job whose answer was checked, and perhaps repaired or continued."""
    report = outcome.report
    return {
        **_facts(job, result),
        "answer": outcome.answer,
        "verdict": report.verdict.value,
        "level": report.level.value,
        "files": files(report),
        "diagnostics": [d.to_json() for d in report.diagnostics],
        "quality": [q.to_json() for q in report.quality],
        "notes": list(report.notes),
        "complete": report.complete,
        "rounds": outcome.rounds,
        "stop": outcome.stop.value,
        "repaired": outcome.improved,
    }


def files(report: Report) -> list[dict[str, Any]]:
    """The blocks that are code or data, newest version of each path, in the order of the answer."""
    return [
        _file(block, check.status.value)
        for block, check in zip(report.blocks, report.checks, strict=True)
        if block.role in _WANTED and block.current
    ]


def found(extraction: Extraction) -> list[dict[str, Any]]:
    """The same of an answer that nobody checked: each has no status."""
    return [_file(block, None) for block in extraction.blocks if block.role in _WANTED and block.current]


def _file(block: CodeBlock, status: str | None) -> dict[str, Any]:
    return {
        "block": block.index,
        "path": block.path,
        "language": block.language,
        "role": block.role.value,
        "complete": block.complete,
        "status": status,
        "code": block.code,
    }


def _facts(job: Job, result: Result | None) -> dict[str, Any]:
    spec = job.spec
    error = dict(result.error) if result and result.error else None
    if error is None and result is None and spec.broken:
        error = {"kind": "broken", "message": spec.broken}
    return {
        "job": job.id,
        "key": spec.key,
        "caller": spec.caller,
        "lang": spec.options.lang,
        "out": spec.options.out,
        "status": result.status.value if result else None,
        "error": error,
        "finish_reason": result.finish_reason if result else None,
        "model": result.model if result else None,
        "finished_at": to_iso(result.finished_at) if result else None,
        "usage": dict(result.usage) if result else {},
        "timing_s": dict(result.timing_s) if result else {},
    }


def placed(what: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """{path: file} of a result's code that has a place: where `apply` writes it, and the outbox too.

    The path that the job's `--out` names gets the block of that path, or of that file name, or else the largest one without a
    path; every other block that names a path goes there.
    """
    files = [file for file in what["files"] if file["role"] in ("file", "fragment", "data")]
    found = {str(file["path"]): file for file in files if file["path"]}
    out = what.get("out")
    if out and out not in found:
        nameless = [file for file in files if not file["path"]]
        named = [file for file in files if file["path"] and PurePosixPath(file["path"]).name == PurePosixPath(out).name]
        if len(named) == 1:
            found.pop(str(named[0]["path"]))
            found[out] = named[0]
        elif nameless:
            code = [file for file in nameless if file["role"] == "file"] or nameless
            found[out] = max(code, key=lambda file: len(file["code"]))
    return found
