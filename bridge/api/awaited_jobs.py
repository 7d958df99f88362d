"""The jobs of a queue, waited for: checked meanwhile if nobody else does it, and handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import wiring
from bridge.api.applied_jobs import AppliedJobs
from bridge.api.standstill import Standstill
from bridge.api.views import FINAL, READY, JobView
from bridge.core.errors import WaitTimedOut
from bridge.core.states import State
from bridge.store import query, review_state
from bridge.store.query import Filter

if TYPE_CHECKING:
    from bridge.checking.examine import Toolchain
    from bridge.delivery.waiting import Waiter


class AwaitedJobs(AppliedJobs):
    """A queue whose jobs can be waited for; opened as `KnownJobs` says."""

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
        waiting = wiring.open_waiting(self.opened, self.toolchain() if check else None, rules)
        self._until(waiting, wanted, len(wanted), timeout_s=timeout_s, on_ready=on_ready, give_up=give_up)
        self.store.journal_only(lambda: self._handed_over(found), "handing over")
        return self._views(found)

    def as_completed(
        self,
        ids: Sequence[str],
        *,
        timeout_s: float | None = None,
        check: bool = True,
        max_rounds: int = 2,
        give_up: Callable[[], bool] = lambda: False,
    ) -> Iterator[JobView]:
        """The jobs one by one, as they become ready and are handed over; arguments as of `wait`, `timeout_s` for each next one.

        Raises what `wait` raises.
        """
        left = set(self._found(ids))
        rules = wiring.Rules(max_rounds=max_rounds)
        while left:
            waiting = wiring.open_waiting(self.opened, self.toolchain() if check else None, rules)
            ready = self._until(waiting, frozenset(left), 1, timeout_s=timeout_s, give_up=give_up)
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

    def _handed_over(self, jobs: Sequence[str]) -> None:
        for job in jobs:
            review_state.deliver(self.store.journal, job, to="wait", now=self.store.clock.now())
