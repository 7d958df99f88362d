"""What a caller gets of a finished job: one JSON object, the same on every way out (docs/handover.md)."""

from __future__ import annotations

from typing import Any

from bridge.job import Job, Result, to_iso
from bridge.results.base import Report, Role
from bridge.results.repair import Outcome


def failed(job: Job, result: Result) -> dict[str, Any]:
    """Of a job that has no answer."""
    return {
        **_facts(job, result),
        "verdict": None,
        "level": None,
        "answer": None,
        "files": [],
        "diagnostics": [],
        "quality": [],
    }


def finished(job: Job, result: Result, outcome: Outcome) -> dict[str, Any]:
    """Of a job whose answer was checked, and perhaps repaired or continued."""
    report = outcome.report
    return {
        **_facts(job, result),
        "verdict": report.verdict.value,
        "level": report.level.value,
        "answer": outcome.answer,
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
    wanted = (Role.FILE, Role.FRAGMENT, Role.DATA, Role.DIFF, Role.COMMAND)
    return [
        {
            "path": block.path,
            "language": block.language,
            "role": block.role.value,
            "complete": block.complete,
            "status": check.status.value,
            "code": block.code,
        }
        for block, check in zip(report.blocks, report.checks, strict=True)
        if block.role in wanted and block.current
    ]


def _facts(job: Job, result: Result) -> dict[str, Any]:
    spec = job.spec
    error = dict(result.error) if result.error else None
    return {
        "job": job.id,
        "key": spec.key,
        "caller": spec.caller,
        "lang": spec.options.lang,
        "out": spec.options.out,
        "status": result.status.value,
        "error": error,
        "finish_reason": result.finish_reason,
        "model": result.model,
        "finished_at": to_iso(result.finished_at),
        "usage": dict(result.usage),
        "timing_s": dict(result.timing_s),
    }
