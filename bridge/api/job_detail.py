"""One job as `bridge top` shows it beside the list: what was asked, what came of it, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.api.views import JobView
from bridge.core import text
from bridge.store.query import JobLine

#: So much of a prompt or an answer is kept, in characters; so many findings.
_CHARS, _FINDINGS = 4_000, 20


@dataclass(frozen=True, kw_only=True)
class JobDetail:
    """The job. Texts are as they came, and cut."""

    line: JobLine
    out: str | None
    prompt: str
    answer: str | None  #: the code of the best version if it was checked, else the raw text
    error: str | None
    findings: tuple[str, ...]  #: what a tool said of it, those that block first
    rounds: int


def detail_of(view: JobView) -> JobDetail:
    """What there is to say of a job."""
    told = view.handover()
    code = "\n".join(f"{file.path}:\n{file.code}" if file.path else file.code for file in told.files)
    answer = code or view.answer
    findings = sorted(told.diagnostics, key=lambda found: not found.blocking)[:_FINDINGS]
    return JobDetail(
        line=view.line,
        out=view.job.spec.options.out,
        prompt=view.prompt[:_CHARS],
        answer=answer[:_CHARS] if answer else None,
        error=view.error,
        findings=tuple(f"line {found.range.start.line + 1}: {text.tool_message(found.message)}" for found in findings),
        rounds=told.rounds,
    )
