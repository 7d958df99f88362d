"""Tools that change jobs, or the project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from bridge.api.bridge import Bridge
from bridge.mcp_server import words
from bridge.mcp_server.asked import Id, Ids
from bridge.mcp_server.replies import Applied, ChangedJobs, FileChange
from bridge.mcp_server.strict import refusals


class ChangingTools:
    """Each does what one method of `Bridge` does."""

    def __init__(self, bridge: Bridge, root: Path) -> None:
        self._bridge = bridge
        self._root = root

    def cancel_jobs(self, jobs: Ids) -> ChangedJobs:
        """Take back jobs that have no answer yet. All or none; jobs that are finished cannot be cancelled."""
        with refusals():
            return ChangedJobs(jobs=self._bridge.cancel(*jobs), next="They will not be answered; retry puts them back.")

    def retry(self, jobs: Ids) -> ChangedJobs:
        """Put finished, failed or cancelled jobs back into the queue, to be answered anew. All or none.

        The answer that a job had does not count any more; whatever was applied from it stays in the project.
        """
        with refusals():
            return ChangedJobs(jobs=self._bridge.retry(*jobs), next="wait_for_results waits for the new answers.")

    def answer(
        self,
        job: Id,
        text: Annotated[str, Field(min_length=1, description="The answer, code in fenced blocks.")],
        by: Annotated[str | None, Field(description="Who or what answered.")] = None,
    ) -> ChangedJobs:
        """Give a job an answer of your own, or one from another chat: it is checked and handed over like every other."""
        with refusals():
            found = self._bridge.answer(job, text, by=by)
        return ChangedJobs(jobs=[found], next="wait_for_results checks it and gives the verdict.")

    def apply_result(
        self,
        job: Id,
        dry_run: Annotated[bool, Field(description="Only say what would change.")] = True,
        force: Annotated[
            bool,
            Field(
                description="Overwrite files that have changes of somebody's own, and write results that are not clean."
            ),
        ] = False,
    ) -> Applied:
        """Write the code of a checked job into the project that the server was started for; by default only shows the diff.

        Files go to the job's `out` path and to the paths that the answer names, never outside of the project.
        """
        with refusals():
            planned = self._bridge.plan(job, self._root)
            written = [] if dry_run else self._bridge.apply_result(job, self._root, force=force)
        files = [FileChange(path=c.path, step=c.step.value, diff=c.diff()) for c in planned]
        then = words.after_planning(
            sum(file.diff != "" for file in files) if dry_run else len(written), dry_run=dry_run
        )
        return Applied(files=files, written=[change.path for change in written], next=then)
