"""A caller's code: type-checked by `make types`, never run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from bridge import (
    Added,
    AsyncBridge,
    Bridge,
    BridgeError,
    JobHandle,
    JobLine,
    JobView,
    NewJob,
    Options,
    State,
    Status,
    WorkSummary,
    rebuild,
)
from bridge.delivery.payload import HandOver


def caller() -> None:
    with Bridge("q.ipynb", caller="me") as queue:
        job = assert_type(queue.add("Write it", lang="go", key="k"), JobHandle)
        assert_type(job.result(timeout_s=1), JobView)
        assert_type(queue.work(engine=str.upper), WorkSummary)
        assert_type(queue.add_many([NewJob(body="x", options=Options(lang="go"))]), list[Added])
        assert_type(queue.jobs(state="queued"), list[JobLine])
        assert_type(queue.jobs(state=[State.QUEUED, "failed"]), list[JobLine])
        assert_type(queue.get("01"), JobView)
        assert_type(queue.wait(["01"], timeout_s=1), list[JobView])
        assert_type(queue.wait(["01"], project_lint=Path(), give_up=lambda: False), list[JobView])
        assert_type(next(queue.as_completed(["01"])).handover(), HandOver)
        assert_type(queue.get("01").code, list[tuple[str | None, str]])
        assert_type([change.diff() for change in queue.apply_result("01", Path())], list[str])
        assert_type(queue.get("01").answer, str | None)
        assert_type(queue.cancel("01"), list[str])
        assert_type(queue.status(), Status)
    try:
        rebuild("q.ipynb")
    except BridgeError as error:
        assert_type(error.exit_code, int)


async def coroutine() -> None:
    async with AsyncBridge("q.ipynb") as queue:
        assert_type(await queue.add("Write it", lang="go"), str)
        assert_type(await queue.wait(["01"], timeout_s=1), list[JobView])
        assert_type([view async for view in queue.as_completed(["01"])], list[JobView])
