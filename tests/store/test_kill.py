"""`kill -9` of real commands at random moments of their life: nothing is lost, and the file can be read."""

from __future__ import annotations

import json
import random
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from bridge import Bridge, State
from bridge.format import json_bytes
from tests.support.commands import Commands
from tests.support.queues import Queue, jobs_on_disk

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.slow,
]

#: Kills of each command in each write mode: 3 commands and 2 modes make 240 in all.
KILLS = 40
_FEW = 5  # jobs that each `add` adds


class Reader(threading.Thread):
    """Reads a file over and over, and counts how often it was there and whole."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.stop = threading.Event()
        self.reads = 0
        self.torn: list[bytes] = []
        self.missing = 0

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                data = self.path.read_bytes()
            except FileNotFoundError:
                self.missing += 1
                continue
            self.reads += 1
            try:
                json_bytes.loads(data)
            except ValueError:
                self.torn.append(data)

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join()


@pytest.fixture(params=["replace", "inplace"])
def mode(request: pytest.FixtureRequest, queue: Queue, tmp_path: Path) -> str:
    (tmp_path / "bridge.toml").write_text(
        f'queue = "queue/qwen_bridge.ipynb"\nwrite_mode = "{request.param}"\npart_jobs = 60\n'
    )
    return str(request.param)


@pytest.fixture
def commands(mode: str, tmp_path: Path) -> Iterator[Commands]:
    with Commands(tmp_path) as commands:
        yield commands


def delays(commands: Commands, argvs: Iterator[list[str]], seed: str) -> Iterator[float]:
    """Moments spread over the whole life of a command, which is measured first, and a little beyond; one at its beginning."""
    life = median(commands.run(*next(argvs)).seconds for _ in range(5))
    chance = random.Random(seed)
    yield 0.0
    while True:
        yield chance.uniform(0, 1.1 * life)


def batch(queue: Queue, number: int, jobs: int) -> Path:
    """A file of prompts, each of its own."""
    file = queue.path.parents[1] / "batch.jsonl"
    lines = [json.dumps({"prompt": f"{number}, {n}: " + "a prompt " * 40}) for n in range(jobs)]
    file.write_text("\n".join(lines))
    return file


def give_answers(queue: Queue, ids: list[str]) -> None:
    with Bridge(str(queue.path)) as bridge:
        for job in ids:
            bridge.answer(job, f"the answer of {job}")


def in_exactly_one_place(queue: Queue) -> Counter[str]:
    """The jobs on disk and in the journal, after one more command; fails if one is doubled, or in one of the two only."""
    with Bridge(str(queue.path)) as bridge:
        bridge.store.publish()
        lines = bridge.jobs()
    found = jobs_on_disk(queue.path.parent)
    assert [job for job, n in found.items() if n != 1] == []
    assert {line.id for line in lines if line.part or line.archive} == set(found)
    assert all(line.part or line.archive for line in lines)
    return found


def rebuilt_from_notebooks(commands: Commands, queue: Queue) -> Counter[str]:
    """The same, from a journal that was made new from the notebooks."""
    commands.run("rebuild", "--journal")
    return in_exactly_one_place(queue)


def test_an_add_that_is_killed_at_any_moment_loses_no_job_whose_id_was_printed(
    mode: str, commands: Commands, queue: Queue, record_property: Callable[[str, object], None]
) -> None:
    argvs = (["add", "--jsonl", str(batch(queue, n, _FEW))] for n in range(10_000))
    moments = delays(commands, argvs, f"add {mode}")
    promised = set(in_exactly_one_place(queue))
    killed = early = 0
    with Reader(queue.path) as reader:
        while killed < KILLS:
            outcome = commands.run(*next(argvs), kill_after_s=next(moments))
            killed += outcome.killed
            promised |= set(outcome.output.split())
            if mode == "replace":
                json_bytes.loads(queue.path.read_bytes())
            if killed % 4 == 0:
                found = in_exactly_one_place(queue)
                assert promised <= found.keys()
                assert len(found) % _FEW == 0  # all of a batch, or nothing of it
                early += not outcome.output
    found = in_exactly_one_place(queue)
    assert promised <= found.keys()
    assert early, "no kill came before the ids were printed: the delays do not cover the command's life"
    assert reader.reads > 100
    if mode == "replace":
        assert reader.torn == []
        assert reader.missing == 0
    assert rebuilt_from_notebooks(commands, queue) == found
    record_property(
        "figures", f"{mode}: {killed} kills of add, {len(found)} jobs, {reader.reads} reads, {len(reader.torn)} torn"
    )


def test_an_archive_that_is_killed_at_any_moment_leaves_each_job_in_one_place_with_its_answer(
    mode: str, commands: Commands, queue: Queue, record_property: Callable[[str, object], None]
) -> None:
    ids = []
    for n in range(KILLS // 2):
        added = commands.run("add", "--jsonl", str(batch(queue, n, _FEW))).output.split()
        ids += added
        give_answers(queue, added)
    argvs = (["archive", job] for job in [*ids, *ids])
    moments = delays(commands, argvs, f"archive {mode}")
    killed = 0
    promised: set[str] = set()
    with Reader(queue.path) as reader:
        while killed < KILLS:
            outcome = commands.run(*next(argvs), kill_after_s=next(moments))
            killed += outcome.killed
            promised |= set(outcome.output.split())
            if mode == "replace":
                json_bytes.loads(queue.path.read_bytes())
            if killed % 4 == 0:
                assert in_exactly_one_place(queue).keys() == set(ids)
    assert reader.reads > 100
    if mode == "replace":
        assert reader.torn == []
        assert reader.missing == 0
    for again in (in_exactly_one_place, lambda queue: rebuilt_from_notebooks(commands, queue)):
        assert again(queue).keys() == set(ids)
        with Bridge(str(queue.path)) as bridge:
            views = bridge.views(ids)
        assert all(view.answer == f"the answer of {view.id}" for view in views)
        assert all(view.state is State.ARCHIVED for view in views if view.id in promised)
    record_property(
        "figures", f"{mode}: {killed} kills of archive, {len(ids)} jobs, {reader.reads} reads, {len(reader.torn)} torn"
    )


def test_a_rebuild_that_is_killed_at_any_moment_can_be_run_again(
    mode: str, commands: Commands, queue: Queue, record_property: Callable[[str, object], None]
) -> None:
    ids: list[str] = []
    for n in range(14):
        ids += commands.run("add", "--jsonl", str(batch(queue, n, 10))).output.split()
    give_answers(queue, ids[:20])
    commands.run("archive", *ids[:10])
    chance = random.Random(f"rebuild {mode}")

    def argvs() -> Iterator[list[str]]:
        while True:
            yield ["rebuild", "--journal"]
            files = [p for p in queue.path.parent.rglob("*.ipynb") if not {"damaged", "forks"} & set(p.parts)]
            victim = chance.choice(files)
            if chance.random() < 0.5:
                victim.unlink()
            else:
                victim.write_bytes(victim.read_bytes()[: chance.randrange(1, victim.stat().st_size - 1)])
            yield ["rebuild", "--notebooks"]

    wanted = argvs()
    moments = delays(commands, wanted, f"rebuild {mode}")
    killed = 0
    while killed < KILLS:
        argv = next(wanted)
        outcome = commands.run(*argv, kill_after_s=next(moments))
        killed += outcome.killed
        if outcome.killed:
            commands.run(*argv)
        if argv[-1] == "--notebooks" or killed % 4 == 0:
            found = in_exactly_one_place(queue)
            assert found.keys() == set(ids)
            with Bridge(str(queue.path)) as bridge:
                assert [view.answer is not None for view in bridge.views([ids[0], ids[15], ids[25]])] == [
                    True, True, False,
                ]  # fmt: skip
        for folder in (queue.path.parent / "damaged", *(queue.path.parents[1] / "state/queues").glob("*/journal.*")):
            shutil.rmtree(folder, ignore_errors=True)
    record_property("figures", f"{mode}: {killed} kills of rebuild, {len(ids)} jobs")
