"""A job as its caller holds it: its id, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bridge.api.views import JobView
from bridge.core.errors import JobFailed
from bridge.core.states import State

if TYPE_CHECKING:
    from bridge.delivery.apply import PlannedChange


class HandlesJobs(Protocol):
    """The queue that a handle asks: `Bridge`."""

    def get(self, job: str) -> JobView:
        """See `Bridge.get`."""
        ...

    def wait(self, ids: Sequence[str], *, timeout_s: float | None = None, max_rounds: int = 2) -> list[JobView]:
        """See `Bridge.wait`."""
        ...

    def plan(self, job: str, root: Path) -> list[PlannedChange]:
        """See `Bridge.plan`."""
        ...

    def apply_result(
        self, job: str, root: Path, *, force: bool = False, allow_sensitive: Collection[str] = ()
    ) -> list[PlannedChange]:
        """See `Bridge.apply_result`."""
        ...

    def cancel(self, *ids: str) -> list[str]:
        """See `Bridge.cancel`."""
        ...

    def retry(self, *ids: str) -> list[str]:
        """See `Bridge.retry`."""
        ...


class JobHandle(str):
    """A job's id, a text like any other, that knows its queue. Each look asks the queue anew; nothing is kept here."""

    __slots__ = ("_queue",)
    _queue: HandlesJobs

    def __new__(cls, job: str, queue: HandlesJobs) -> JobHandle:
        """`job`: a whole id. It is not looked up."""
        made = super().__new__(cls, job)
        made._queue = queue
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickled and copied, it is its id."""
        return str, (str(self),)

    def view(self) -> JobView:
        """The job as it stands now. Raises UnknownJob."""
        return self._queue.get(self)

    @property
    def state(self) -> State:
        """Where it stands now."""
        return self.view().state

    @property
    def verdict(self) -> str | None:
        """What checking said so far: clean, errors, incomplete, unchecked, no_code; None: not checked yet."""
        return self.view().verdict

    def result(self, *, timeout_s: float | None = None, max_rounds: int = 2) -> JobView:
        """Wait until the job is answered and checked, and give it with its answer; arguments as of `Bridge.wait`.

        An answer with errors is an answer: look at `verdict`, or at `good`.

        Raises:
            WaitTimedOut: a `TimeoutError` too; the job stays in the queue.
            JobFailed: it ended without an answer: failed, cancelled, or with a header that nobody can read.
        """
        [view] = self._queue.wait([self], timeout_s=timeout_s, max_rounds=max_rounds)
        return answered(view)

    def plan(self, root: Path | str) -> list[PlannedChange]:
        """What `apply` would do. Raises UsageError, WrongState."""
        return self._queue.plan(self, Path(root))

    def apply(
        self, root: Path | str, *, force: bool = False, allow_sensitive: Collection[str] = ()
    ) -> list[PlannedChange]:
        """Write the checked result into a project; gives what was written. Arguments and errors as of `Bridge.apply_result`."""
        return self._queue.apply_result(self, Path(root), force=force, allow_sensitive=allow_sensitive)

    def cancel(self) -> None:
        """Cancel it. Raises WrongState."""
        self._queue.cancel(self)

    def retry(self) -> None:
        """Put it back into the queue. Raises WrongState."""
        self._queue.retry(self)


def answered(view: JobView) -> JobView:
    """A finished job that has an answer, or calls of tools. Raises JobFailed."""
    if view.answer is None and not (view.result and view.result.tool_calls):
        raise JobFailed(view.id, view.state.value, view.error)
    return view
