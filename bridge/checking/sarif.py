"""A report as SARIF 2.1.0, for tools that read that. Every path in it is one that exists.

A finding in code that has a place in the project names that place, relative to `%SRCROOT%`, as `bridge apply` writes it. Any other names a
file beside the report, as the outbox writes it: `files/block-2.js`, or `answer.md` for what is no file of its own.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from bridge.checking.destination import WANTED, destinations, plain_name
from bridge.checking.values import BlockStatus, CodeBlock, Diagnostic, Report, Severity
from bridge.core.paths import normal, refuse
from bridge.core.version import __version__

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_ANSWER = "answer.md"
_LEVELS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
    Severity.HINT: "note",
}


def to_sarif(
    report: Report, *, job: str | None = None, out: str | None = None, version: str = __version__
) -> dict[str, object]:
    """The SARIF log of a report: one run a tool.

    A result lies in the block's file, with the block's own lines; the related location is the line of the answer. Fingerprints are
    ours, under `bridge/v1`.

    Args:
        report: what `examine` gave.
        job: is named as the run's id.
        out: the path that the job asked for.
        version: of the program that writes this.
    """
    tools = sorted({d.source for d in report.diagnostics}) or ["bridge"]
    places = _places(report, out)
    runs = [_run(report, tool, places, version) for tool in tools]
    about = {"automationDetails": {"id": f"bridge/{job}/"}} if job else {}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{**run, **about} for run in runs]}


def _places(report: Report, out: str | None) -> dict[int, dict[str, object]]:
    """{index of a block: the artifactLocation of its file}; a block that is missing has none of its own."""
    handed = [block for block in report.blocks if block.role in WANTED and block.current]
    plain = {block.index: f"files/{plain_name(n, block.language)}" for n, block in enumerate(handed, 1)}
    own = {block.index: path for path, block in destinations(handed, out).items() if refuse(path) is None}
    beside: dict[int, dict[str, object]] = {index: {"uri": quote(path)} for index, path in plain.items()}
    return beside | {index: {"uri": quote(normal(path)), "uriBaseId": _ROOT} for index, path in own.items()}


def _run(report: Report, tool: str, places: Mapping[int, dict[str, object]], version: str) -> dict[str, object]:
    found = [d for d in report.diagnostics if d.source == tool]
    rules = sorted({d.code or d.kind.value for d in found})
    tool_version = next((d.tool_version for d in found if d.tool_version), None)
    driver: dict[str, object] = {"name": tool, "rules": [{"id": rule} for rule in rules]}
    if tool_version or tool == "bridge":
        driver["version"] = tool_version or version
    failed = [c for c in report.checks if c.status is BlockStatus.TOOL_FAILED]
    return {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The project, where `bridge apply` writes."}}},
        "invocations": [{"executionSuccessful": not failed}],
        "results": [_result(report.blocks[d.block], d, rules, places.get(report.blocks[d.block].index)) for d in found],
        "properties": {"verdict": report.verdict.value, "level": report.level.value},
    }


def _result(
    block: CodeBlock, diagnostic: Diagnostic, rules: list[str], place: dict[str, object] | None
) -> dict[str, object]:
    rule = diagnostic.code or diagnostic.kind.value
    start, stop = diagnostic.range.start, diagnostic.range.end
    answer = {"artifactLocation": {"uri": _ANSWER}, "region": {"startLine": block.code_start + start.line}}
    region = {"startLine": start.line + 1, "startColumn": start.character + 1}
    if stop > start:
        region |= {"endLine": stop.line + 1, "endColumn": stop.character + 1}
    physical = {"artifactLocation": place, "region": region} if place else answer
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": diagnostic.message or rule},
        "locations": [{"physicalLocation": physical}],
        "relatedLocations": [{"physicalLocation": answer, "message": {"text": "in the answer"}}],
        "partialFingerprints": {"bridge/v1": diagnostic.fingerprint},
        "properties": {
            "kind": diagnostic.kind.value,
            "blocking": diagnostic.blocking,
            "trust": diagnostic.trust,
        },
    }
