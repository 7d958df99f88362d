"""What checking says of the answers to jobs: each text is checked once, and those that are due side by side."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bridge.checking.examine import Toolchain, examine
from bridge.checking.project_lint import with_project_lint
from bridge.checking.values import Report
from bridge.core.job import Job, Result
from bridge.delivery.project import Project
from bridge.intake.prompt import shown

#: Characters of answers whose reports are kept: a conversation is driven anew after each round, and need not check the same text again.
_KEPT_CHARS = 20_000_000

_Key = tuple[str, str, str | None]  # job, answer, finish reason


@dataclass(kw_only=True)
class AnswerReports:
    """The reports on answers, made when they are first asked for, or ahead. One thread at a time may ask."""

    toolchain: Toolchain
    #: The caller's project, whose own linters are asked as well; None: they are not.
    project: Path | None
    #: The folder that patches of an answer are tried on, in memory; None: that of `project`, else they are only read.
    patch_root: Path | None
    _made: dict[_Key, Report] = field(default_factory=dict)
    _chars: int = 0

    def of(self, job: Job, answer: str, finish_reason: str | None) -> Report:
        """The report on an answer to a job."""
        key = (job.id, answer, finish_reason)
        if key not in self._made:
            self._keep(key, self._examined(job, answer, finish_reason))
        return self._made[key]

    def make_ahead(self, answers: Iterable[tuple[Job, Result]]) -> None:
        """Check answers side by side, those that were not. What goes wrong with one is told when its report is asked for."""
        keys = {(job.id, result.answer, result.finish_reason): job for job, result in answers}
        new = {key: job for key, job in keys.items() if key not in self._made}
        if len(new) < 2:
            return
        with ThreadPoolExecutor(self.toolchain.lanes) as pool:
            made = {key: pool.submit(self._examined, job, *key[1:]) for key, job in new.items()}
        for key, report in made.items():
            if report.exception() is None:
                self._keep(key, report.result())

    def _keep(self, key: _Key, report: Report) -> None:
        if self._chars > _KEPT_CHARS:
            self._made.clear()
            self._chars = 0
        self._made[key] = report
        self._chars += len(key[1])

    def _examined(self, job: Job, answer: str, finish_reason: str | None) -> Report:
        folder, options = self.patch_root or self.project, job.spec.options
        report = examine(
            answer,
            prompt=shown(job.spec.body, job.spec.form),
            lang=options.lang,
            finish_reason=finish_reason,
            out=options.out,
            project=Project(folder).text if folder else None,
            toolchain=self.toolchain.for_project(folder) if folder else self.toolchain,
        )
        return report if self.project is None else with_project_lint(report, self.project, out=options.out)
