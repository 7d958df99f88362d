"""`AsyncBridge`: waits in threads, that end when their task does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge import AsyncBridge, JobFailed, WaitTimedOut
from tests.support.answers import GOOD


def test_jobs_come_as_they_are_completed_while_the_loop_goes_on(path: Path):
    async def script() -> tuple[list[str | None], list[str | None]]:
        async with AsyncBridge(str(path)) as queue:
            jobs = [await queue.add(f"{n}", lang="python") for n in "abc"]
            async with asyncio.TaskGroup() as group:
                every = group.create_task(queue.wait(jobs, timeout_s=60))
                queue.bridge.work(lambda _prompt: GOOD)
                seen = [view.verdict async for view in queue.as_completed(jobs, timeout_s=60)]
            return seen, [view.verdict for view in every.result()]

    assert asyncio.run(script()) == (["clean"] * 3, ["clean"] * 3)


def test_more_waits_than_threads_take_turns(path: Path):
    async def script() -> int:
        async with AsyncBridge(str(path)) as queue:
            job = await queue.add("a")
            queue.bridge.work(str.upper)
            return len(await asyncio.gather(*(queue.result(job, timeout_s=60) for _ in range(70))))

    assert asyncio.run(script()) == 70


def test_a_cancelled_wait_ends_and_leaves_its_job_in_the_queue(path: Path):
    async def script() -> str:
        async with AsyncBridge(str(path)) as queue:
            job = await queue.add("Nobody answers.")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(queue.wait([job]), 0.01)
            return (await queue.get(job)).state.value  # and closing waits for the thread, which has no end of its own

    assert asyncio.run(script()) == "queued"


def test_a_loop_that_is_left_ends_its_thread(path: Path):
    async def script() -> list[str]:
        async with AsyncBridge(str(path)) as queue:
            job = await queue.add("Nobody answers.")

            async def loop() -> list[str]:
                return [view.id async for view in queue.as_completed([job])]

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(loop(), 0.01)
            return [line.state.value for line in queue.bridge.jobs()]  # and closing waits for the thread

    assert asyncio.run(script()) == ["queued"]


def test_its_errors_are_those_of_the_bridge(path: Path, tmp_path: Path):
    async def script() -> None:
        async with AsyncBridge(str(path)) as queue:
            job = await queue.add("Write f.", lang="python", out="f.py")
            with pytest.raises(WaitTimedOut):
                await queue.result(job, timeout_s=0.01)
            other = await queue.add("Write g.")
            queue.bridge.cancel(other)
            with pytest.raises(JobFailed):
                await queue.result(other)
            queue.bridge.answer(job, GOOD)
            assert (await queue.result(job, timeout_s=60)).verdict == "clean"
            assert [change.path for change in await queue.apply_result(job, tmp_path)] == ["f.py"]

    asyncio.run(script())
