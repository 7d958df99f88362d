"""A report as SARIF 2.1.0, for tools that read that.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
"""

from __future__ import annotations

from bridge.checking.language import languages
from bridge.checking.values import BlockStatus, CodeBlock, Diagnostic, Report, Severity
from bridge.core.version import __version__

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
    Severity.HINT: "note",
}


def to_sarif(report: Report, *, job: str = "answer", version: str = __version__) -> dict[str, object]:
    """The SARIF log of a report: one run a tool.

    A result lies in the block's own file (`path`, or `cell-<job>/block-<n>.<ext>`) with the block's own lines; the
    related location is the line of the answer. Fingerprints are ours, under `bridge/v1`.

    Args:
        report: what `examine` gave.
        job: names the files of blocks that have no path, and the answer.
        version: of the program that writes this.
    """
    tools = sorted({d.source for d in report.diagnostics}) or ["bridge"]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [_run(report, tool, job, version) for tool in tools],
    }


def _run(report: Report, tool: str, job: str, version: str) -> dict[str, object]:
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
        "invocations": [{"executionSuccessful": not failed}],
        "results": [_result(report.blocks[d.block], d, rules, job) for d in found],
        "properties": {"verdict": report.verdict.value, "level": report.level.value},
    }


def uri(block: CodeBlock, job: str) -> str:
    """Where a block's file would be."""
    return block.path or f"cell-{job}/block-{block.index}.{languages.extension(block.language)}"


def _result(block: CodeBlock, diagnostic: Diagnostic, rules: list[str], job: str) -> dict[str, object]:
    rule = diagnostic.code or diagnostic.kind.value
    start, stop = diagnostic.range.start, diagnostic.range.end
    region = {"startLine": start.line + 1, "startColumn": start.character + 1}
    if stop > start:
        region |= {"endLine": stop.line + 1, "endColumn": stop.character + 1}
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": diagnostic.message or rule},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(block, job)}, "region": region}}],
        "relatedLocations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": f"cell-{job}/answer.md"},
                    "region": {"startLine": block.code_start + start.line},
                },
                "message": {"text": "in the answer"},
            }
        ],
        "partialFingerprints": {"bridge/v1": diagnostic.fingerprint},
        "properties": {
            "kind": diagnostic.kind.value,
            "blocking": diagnostic.blocking,
            "trust": diagnostic.trust,
        },
    }
