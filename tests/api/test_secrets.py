"""No public way into the queue skips the look for secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge import AsyncBridge, Bridge, NewJob, Options, SecretFound
from bridge.core.job import JobForm

SECRET = "AKIA" + "Z7QX3PLM4VNT2RKD"
CHAT = '[\n {"role": "user", "content": "' + SECRET + '"}\n]'


@pytest.mark.parametrize(
    "door",
    [
        lambda queue: queue.add(SECRET),
        lambda queue: queue.add("a", system=SECRET),
        lambda queue: queue.add("a", context=[("a.py", SECRET)]),
        lambda queue: queue.add("a", key=SECRET),
        lambda queue: queue.add("a", caller=SECRET),
        lambda queue: queue.add("a", out=f"src/{SECRET}.py"),
        lambda queue: queue.add_many([NewJob(body="a"), NewJob(body=SECRET)]),
        lambda queue: queue.add_many([NewJob(body=CHAT, form=JobForm.CHAT)]),
        lambda queue: queue.add_many([NewJob(body="a", options=Options(out=f"{SECRET}.py"))]),
        lambda queue: queue.add_many([NewJob(body=SECRET, parent="0" * 26, round=1)]),  # a round of repair of one's own
    ],
)
def test_nothing_is_added_that_seems_to_hold_one(queue: Bridge, door: Callable[[Bridge], object]):
    with pytest.raises(SecretFound) as caught:
        door(queue)

    assert SECRET not in str(caught.value)
    assert queue.jobs() == []


def test_an_answer_from_elsewhere_is_looked_at_too_but_may_repeat_what_was_let_through(queue: Bridge):
    job, let_through = queue.add("a"), queue.add(f"Explain\n{SECRET}", allow_secrets=True)

    with pytest.raises(SecretFound, match="the answer, line 2"):
        queue.answer(job, f"It is\n{SECRET}")
    assert job.state.value == "queued"
    queue.answer(let_through, SECRET)
    queue.answer(job, f"It is\n{SECRET}", allow_secrets=True)
    assert (job.state.value, let_through.state.value) == ("succeeded", "succeeded")


def test_the_asynchronous_way_looks_too(path: Path):
    async def script() -> None:
        async with AsyncBridge(str(path)) as queue:
            with pytest.raises(SecretFound):
                await queue.add(SECRET)
            assert queue.bridge.jobs() == []

    asyncio.run(script())


def test_no_method_adds_jobs_but_those_that_look():
    ways = {name for name in dir(Bridge) if not name.startswith("_") and ("add" in name or "enqueue" in name)}

    assert ways == {"add", "add_many"}
