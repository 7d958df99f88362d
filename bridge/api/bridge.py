"""The Python door: a queue as an object.

    from bridge import Bridge

    queue = Bridge("notebooks/qwen_bridge.ipynb")
    job = queue.add("Write a Python function that ...", lang="python")
    [done] = queue.wait([job], timeout_s=3600)
    print(done.answer)

Every method takes in first what others wrote to the notebook. Methods may be called from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import wiring
from bridge.api.jobs import Jobs
from bridge.api.standstill import Standstill
from bridge.api.views import FINAL, READY, JobView
from bridge.core.errors import WaitTimedOut, WrongState
from bridge.core.job import NewJob
from bridge.core.states import Move, State, sources
from bridge.kernel import grammar
from bridge.store import query, review_state
from bridge.store.enqueue import Added
from bridge.store.query import Filter

if TYPE_CHECKING:
    from bridge.checking.examine import Toolchain
    from bridge.delivery.apply import PlannedChange
    from bridge.delivery.waiting import Waiter


class Bridge(Jobs):
    """A queue: its jobs, waiting for them, and what becomes of their answers."""

    _bench: Toolchain | None = None

    def close(self) -> None:
        """Let go of the journal and of the tools. The queue object cannot be used any more."""
        if self._bench is not None:
            self._bench.close()
        super().close()

    def toolchain(self) -> Toolchain:
        """The tools to check with: made once, ended by `close`."""
        if self._bench is None:
            self._bench = wiring.open_toolchain()
        return self._bench

    # ---- waiting and handing over

    def wait(
        self,
        ids: Sequence[str],
        *,
        timeout_s: float | None = None,
        check: bool = True,
        max_rounds: int = 2,
        project_lint: Path | None = None,
        project: Path | None = None,
        on_ready: Callable[[JobView], None] | None = None,
        give_up: Callable[[], bool] = lambda: False,
    ) -> list[JobView]:
        """Wait until all these jobs are finished and checked; gives them in the order asked for, and hands them over.

        Woken by file events, with a look every few seconds besides. If no watcher runs on this machine, this checks the
        answers itself, and asks for repairs.

        Args:
            ids: jobs by id or unambiguous prefix.
            timeout_s: give up after so long; None: never.
            check: False: take answers as they come.
            max_rounds: repair rounds, if this does the checking; 0: none.
            project_lint: a project whose own linters are asked too, if this does the checking. It reads, and so runs, the
                project's configuration.
            project: a project that patches are tried on, in memory, if this does the checking; default: `project_lint`.
            on_ready: is called with each job as it becomes ready, in that order.
            give_up: is asked a few times a second; True ends the wait.

        Raises:
            WaitTimedOut: time is over, or the wait was given up; the jobs stay in the queue.
            UnknownJob, AmbiguousJob: before waiting.
        """
        found = self._found(ids)
        wanted = frozenset(found)
        rules = wiring.Rules(max_rounds=max_rounds, project=project_lint, patch_root=project)
        waiting = wiring.open_waiting(self.opened, self.enqueue, self.toolchain() if check else None, rules)
        self._until(waiting, wanted, len(wanted), timeout_s=timeout_s, on_ready=on_ready, give_up=give_up)
        self.store.journal_only(lambda: self._handed_over(found), "handing over")
        return self._views(found)

    def as_completed(
        self, ids: Sequence[str], *, timeout_s: float | None = None, check: bool = True, max_rounds: int = 2
    ) -> Iterator[JobView]:
        """The jobs one by one, as they become ready and are handed over; arguments as of `wait`, `timeout_s` for each next one.

        Raises what `wait` raises.
        """
        left = set(self._found(ids))
        rules = wiring.Rules(max_rounds=max_rounds)
        while left:
            waiting = wiring.open_waiting(self.opened, self.enqueue, self.toolchain() if check else None, rules)
            ready = self._until(waiting, frozenset(left), 1, timeout_s=timeout_s)
            self.store.journal_only(lambda ready=ready: self._handed_over(ready), "handing over")  # type: ignore[misc]  # binds now
            for view in self._views(ready):
                left.discard(view.id)
                yield view

    def _until(
        self,
        waiting: Waiter,
        wanted: frozenset[str],
        enough: int,
        *,
        timeout_s: float | None,
        on_ready: Callable[[JobView], None] | None = None,
        give_up: Callable[[], bool] = lambda: False,
    ) -> list[str]:
        """Wait until so many of these jobs are ready; gives all that are, as they became so. Raises WaitTimedOut."""
        enders = FINAL if waiting.reviewer is None else READY
        seen: dict[str, None] = {}

        def ready() -> bool:
            lines = self.store.look(
                lambda reader: query.lines(reader, Filter(ids=sorted(wanted)), self.store.clock.now())
            )
            for line in lines:
                # A round of repair is checked with the job that it repairs; what is in no notebook is checked no more.
                unchecked = line.parent is not None or (line.part is None and line.archive is None)
                # A failure is handed over too, so it has to be written down first.
                due = line.state is State.FAILED and line.checked_at is None and waiting.reviewer is not None
                if line.state in (FINAL if unchecked else enders) and (unchecked or not due) and line.id not in seen:
                    seen[line.id] = None
                    if on_ready is not None:
                        on_ready(self._views([line.id])[0])
            return len(seen) >= enough

        standstill = Standstill(opened=self.opened, wanted=wanted, now_s=waiting.now_s)
        if not waiting.until(ready, wanted=wanted, timeout_s=timeout_s, give_up=give_up, not_yet=standstill.look):
            why = "yet" if timeout_s is None else f"after {timeout_s:g} s"
            raise WaitTimedOut(f"jobs not ready {why}: {len(wanted) - len(seen)} of {len(wanted)}; they stay queued")
        return list(seen)

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

    def enqueue(self, jobs: list[NewJob]) -> list[Added]:
        """Add jobs as they are, without looking for secrets: what comes back from a model came from here."""
        return self.add_many(jobs, allow_secrets=True)

    def _handed_over(self, jobs: Sequence[str]) -> None:
        for job in jobs:
            review_state.deliver(self.store.journal, job, to="wait", now=self.store.clock.now())
