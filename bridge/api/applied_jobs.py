"""The jobs of a queue, and what becomes of their answers: written into a project, committed to a branch, archived."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.api.jobs import Jobs
from bridge.core.errors import WrongState
from bridge.core.states import Move, sources
from bridge.kernel import grammar
from bridge.store import query, review_state
from bridge.store.query import Filter

if TYPE_CHECKING:
    from bridge.delivery.apply import PlannedChange


class AppliedJobs(Jobs):
    """A queue whose answers can be applied; opened as `KnownJobs` says."""

    def plan(self, job: str, root: Path) -> list[PlannedChange]:
        """What `apply_result` would do. Raises UsageError, WrongState."""
        from bridge.delivery import apply

        view = self.get(job)
        if view.payload is None:
            raise WrongState(f"job {view.id} is {view.state.value}, and not checked: `bridge wait {view.id}` first")
        return apply.plan_changes(
            view.payload, root, applied=lambda path: self.store.look(lambda reader: review_state.applied(reader, path))
        )

    def apply_result(
        self, job: str, root: Path, *, force: bool = False, allow_sensitive: Collection[str] = ()
    ) -> list[PlannedChange]:
        """Write a result's files below `root`; gives what was written.

        Raises UsageError if a path leaves the root, if programs run or obey a file and `allow_sensitive` does not name it, and,
        unless `force` is on, if the result is not clean or a file has changes of somebody's own.
        """
        from bridge.delivery import apply

        view = self.get(job)
        planned = self.plan(job, root)
        if not force and view.payload is not None:
            apply.refuse_doubtful(view.payload)
        written = apply.write_changes(planned, root, force=force, allowed=allow_sensitive)

        def note() -> None:
            now = self.store.clock.now()
            for change in written:
                digest = grammar.text_sha256(change.code)
                review_state.note_applied(self.store.journal, str(change.target), digest, view.id, now)
            review_state.deliver(self.store.journal, view.id, to="apply", now=now)

        self.store.journal_only(note, "noting what was applied")
        return written

    def branch(self, root: Path, name: str) -> AbstractContextManager[Path]:
        """A git branch of the project to give `commit_result`; see `delivery/branch.py`. Raises UsageError."""
        from bridge.delivery import branch

        return branch.branch(root, name)

    def commit_result(
        self, job: str, folder: Path, *, force: bool = False, allow_sensitive: Collection[str] = ()
    ) -> list[PlannedChange]:
        """Commit a result's files to the branch that `branch` gave; gives what was written. Raises as `apply_result` does."""
        from bridge.delivery import apply, branch

        view = self.get(job)
        planned = self.plan(job, folder)
        what = view.handover()
        if not force:
            apply.refuse_doubtful(what)
        apply.refuse_sensitive(planned, allow_sensitive)
        branch.commit(folder, planned, what, view.prompt)
        now = self.store.clock.now()
        self.store.journal_only(
            lambda: review_state.deliver(self.store.journal, view.id, to="branch", now=now), "noting what was applied"
        )
        return [change for change in planned if change.step is not apply.ChangeStep.SAME]

    def archive_delivered(self, older_than: timedelta) -> list[str]:
        """Move what was handed over so long ago to the archive, repair rounds included; gives the ids."""
        journal = self.store.journal
        moment = self.store.clock.now() - older_than
        if not self.store.look(lambda reader: review_state.delivered_before(reader, moment)):
            return []

        def decide() -> list[str]:
            found = review_state.delivered_before(journal, moment)  # again: it may have been put back into the queue
            lines = query.lines(journal, Filter(ids=found), self.store.clock.now())
            moved = [line for line in lines if line.state in sources(Move.ARCHIVE) and line.part is not None]
            for line in moved:
                self._retire(line)
            return [line.id for line in moved]

        return self.store.change(decide, "archiving")
