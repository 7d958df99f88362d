"""Tools that only look."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bridge.api.bridge import Bridge
from bridge.api.views import JobView
from bridge.core.job import State, to_iso
from bridge.mcp_server import words
from bridge.mcp_server.asked import Id
from bridge.mcp_server.replies import JobList, ListedJob, OneResult, QueueStatus
from bridge.mcp_server.strict import refusals

_FIRST_CHARS = 100
Limit = Annotated[int, Field(ge=1, le=200, description="How many at most.")]


class LookingTools:
    """Each does what one method of `Bridge` does."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def queue_status(self) -> QueueStatus:
        """How full the queue is, how many workers are alive, and how long it takes until it is empty. Fast; changes nothing."""
        with refusals():
            status = self._bridge.status()
        return QueueStatus(
            queue=status.path,
            jobs_by_state={state.value: n for state, n in status.counts.items() if n},
            workers_alive=status.workers,
            seconds_left=status.eta_s,
            oldest_queued_seconds=status.oldest_queued_s,
            next=words.after_looking(status.counts, status.workers),
        )

    def list_jobs(
        self,
        state: Annotated[State | None, Field(description="Only jobs in this state.")] = None,
        caller: Annotated[str | None, Field(description="Only jobs of this caller.")] = None,
        limit: Limit = 20,
    ) -> JobList:
        """The newest jobs, with state, verdict and first words: how to find ids again. Changes nothing."""
        with refusals():
            ids = self._bridge.ids(state=state, caller=caller)[-limit:]
            views = self._bridge.views(ids[::-1])
        return _listed(views, "get_result shows one of them, wait_for_results waits for those without an answer.")

    def search(
        self,
        text: Annotated[
            str, Field(min_length=1, description="Words that must all stand in a job; case does not matter.")
        ],
        limit: Limit = 10,
    ) -> JobList:
        """The newest jobs whose prompt, answer or key holds these words: was this asked, or answered, before? Changes nothing."""
        with refusals():
            views = self._bridge.search(text, limit=limit)
        return _listed(views, "get_result shows one of them whole.")

    def get_result(self, job: Id) -> OneResult:
        """One job as it stands now: its code by file, the verdict with its findings, and the raw answer. Waits for nothing."""
        with refusals():
            view = self._bridge.get(job)
            return OneResult(result=view.handover(), next=words.after_result(view))


def _listed(views: list[JobView], then: str) -> JobList:
    return JobList(
        jobs=[_line(view) for view in views],
        next=then if views else "There is none: enqueue_prompts adds jobs, list_jobs without a state shows all.",
    )


def _line(view: JobView) -> ListedJob:
    created = view.line.created_at
    return ListedJob(
        job=view.id,
        state=view.state.value,
        verdict=view.verdict,
        key=view.line.key,
        created_at=to_iso(created) if created else None,
        first_words=" ".join(view.prompt.split())[:_FIRST_CHARS],
    )
