"""`kill -9` of `bridge work` at random moments, with restarts: every job ends succeeded once, none is lost, none burnt."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge import Bridge
from tests.support.commands import Commands, environment
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.queues import jobs_on_disk, load, make_queue

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are POSIX"),
    pytest.mark.slow,
]

#: In each of the two write modes; and of each of two workers at the same time: 130 in all.
KILLS, KILLS_OF_TWO = 50, 15
WORK = ("work", "--engine", "ollama", "--parallel", "4", "--model", "qwen2.5-coder:7b")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackOllama]:
    with LoopbackOllama(answer=lambda prompt: f"answer to {prompt}") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    return make_queue(tmp_path / "queue")


def settings(tmp_path: Path, mode: str) -> None:
    (tmp_path / "bridge.toml").write_text(
        f'queue = "queue/qwen_bridge.ipynb"\nwrite_mode = "{mode}"\npart_jobs = 150\nlock_patience_s = 20\n'
    )


def refill(path: Path, texts: dict[str, str], wanted: int) -> None:
    """Add prompts until so many wait."""
    with Bridge(str(path)) as bridge:
        waiting = len(bridge.jobs(state="queued")) + len(bridge.jobs(state="running"))
        if waiting < wanted:
            new = [f"prompt {len(texts) + n}" for n in range(wanted)]
            for text in new:
                texts[bridge.add(text)] = text


def check(path: Path, texts: dict[str, str]) -> int:
    """Every job is there once, has one result and no burnt attempt; gives how many results the journal has."""
    assert jobs_on_disk(path.parent) == Counter(texts.keys())
    shown: Counter[str] = Counter()
    for file in path.parent.glob("*.ipynb"):
        for cell in load(file)["cells"]:
            if cell["id"] in texts:
                shown[cell["id"]] += len(cell["outputs"])
    assert shown == Counter(texts.keys())
    with Bridge(str(path)) as bridge:
        views = bridge.views(list(texts))
    for view in views:
        assert (view.state.value, view.answer) == ("succeeded", f"answer to {texts[view.id]}")
        assert [a for a in view.job.attempts if a.error] == []
    return sum(len(view.job.results) for view in views)


def kill_while_asked(path: Path, server: LoopbackOllama) -> None:
    """Kill a worker that certainly waits for answers."""
    server.failures.extend([Failure.MUTE] * 4)
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", *WORK, "--queue", str(path)], cwd=path.parents[1], env=environment()
    )
    server.await_requests(1)
    process.kill()
    process.wait()
    server.failures.clear()


@pytest.mark.parametrize("mode", ["replace", "inplace"])
def test_a_worker_that_is_killed_at_any_moment_and_started_again_answers_every_job_once(
    mode: str, path: Path, tmp_path: Path, server: LoopbackOllama, record_property: Callable[[str, object], None]
) -> None:
    settings(tmp_path, mode)
    chance = random.Random(f"work {mode}")
    texts: dict[str, str] = {}
    with Commands(tmp_path) as commands:
        refill(path, texts, 40)
        kill_while_asked(path, server)
        life = commands.run(*WORK).seconds
        killed = runs = 0
        while killed < KILLS:
            refill(path, texts, 25)
            runs += 1
            killed += commands.run(*WORK, kill_after_s=chance.uniform(0, 1.05 * life)).killed
        commands.run(*WORK)
    results = check(path, texts)
    assert results == len(texts)  # exactly one each
    again = len(server.requests) - len(texts)
    assert (
        1 <= again <= 8 * (killed + 1)
    )  # what was under way in 4 lanes, and one more for each that was not on disk yet
    record_property("figures", f"{mode}: {killed} kills in {runs} runs, {len(texts)} jobs, {again} asked for again")


def test_two_workers_that_are_killed_again_and_again_answer_every_job_once(
    path: Path, tmp_path: Path, server: LoopbackOllama, record_property: Callable[[str, object], None]
) -> None:
    settings(tmp_path, "replace")
    texts: dict[str, str] = {}
    refill(path, texts, 60)
    lock = threading.Lock()
    killed = [0, 0]
    errors: list[BaseException] = []

    def drive(number: int, commands: Commands) -> None:
        chance = random.Random(f"two {number}")
        try:
            while killed[number] < KILLS_OF_TWO:
                with lock:
                    refill(path, texts, 30)
                killed[number] += commands.run(*WORK, kill_after_s=chance.uniform(0, 0.8)).killed
        except BaseException as error:  # noqa: BLE001  # raised again by the test's own thread
            errors.append(error)

    with Commands(tmp_path) as one, Commands(tmp_path) as other:
        threads = [threading.Thread(target=drive, args=(n, commands)) for n, commands in enumerate((one, other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        one.run(*WORK)
    assert check(path, texts) == len(texts)  # two processes of one machine never do a job twice
    record_property("figures", f"two workers: {sum(killed)} kills, {len(texts)} jobs, no double")
