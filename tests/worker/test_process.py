"""`bridge work` as a real process against a loopback Ollama: signals, a sick server, what it prints, how it exits."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import Bridge
from tests.support.commands import environment
from tests.support.harness import shown_in
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.patience import LONG_S, until
from tests.support.queues import make_queue

WORK = (sys.executable, "-m", "bridge", "work", "--engine", "ollama", "--model", "qwen2.5-coder:7b")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "bridge.toml").write_text('queue = "queue/qwen_bridge.ipynb"\n')
    return make_queue(tmp_path / "queue")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackOllama]:
    with LoopbackOllama(answer=lambda prompt: f"answer to {prompt}") as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


def add(path: Path, count: int) -> list[str]:
    with Bridge(str(path)) as bridge:
        return [bridge.add(f"prompt {n}") for n in range(count)]


def begin(path: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*WORK, *options], cwd=path.parents[1], env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, out, err


def states(path: Path) -> list[str]:
    with Bridge(str(path)) as bridge:
        return [line.state.value for line in bridge.jobs()]


def burnt(path: Path) -> int:
    with Bridge(str(path)) as bridge:
        return sum(len(view.job.attempts) for view in bridge.views([line.id for line in bridge.jobs()]))


def test_a_batch_is_answered_in_lanes_from_end_to_end(path: Path, server: LoopbackOllama) -> None:
    add(path, 14)
    together = threading.Barrier(4, timeout=LONG_S)  # the first answers come when four are asked for at the same time

    def answer(prompt: str) -> str:
        if int(prompt.split()[1]) < 4:
            together.wait()
        return f"answer to {prompt}"

    server.answer = answer
    code, out, err = finish(begin(path, "--parallel", "4"))
    assert (code, states(path)) == (0, ["succeeded"] * 14)
    assert server.most_at_once >= 4
    assert out.startswith("14 answered (0 cut at the token limit), 0 failed")
    assert err.count("succeeded in") == 14
    assert sorted(text.rpartition("-->")[2].strip() for text in shown_in(path.parent).values()) == sorted(
        f"answer to prompt {n}" for n in range(14)
    )


def test_with_json_every_line_is_an_event_and_the_last_one_the_summary(path: Path, server: LoopbackOllama) -> None:
    add(path, 3)
    server.failing_prompts["prompt 1"] = Failure.OUT_OF_MEMORY
    code, out, _ = finish(begin(path, "--json"))
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 1  # a job failed
    assert sorted(event["event"] for event in events) == ["answered", "answered", "failed", "summary"]
    assert (events[-1]["answered"], events[-1]["failed"], events[-1]["end"]) == (2, 1, "empty")
    assert {event["done"] for event in events[:-1]} == {1, 2, 3}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_a_signal_ends_it_at_once_cleanly_with_what_was_answered(
    path: Path, server: LoopbackOllama, sent: signal.Signals
) -> None:
    add(path, 10)
    server.failures.extend([None] * 4 + [Failure.STALL] * 6)
    process = begin(path, "--parallel", "2")
    server.await_requests(6)  # four are done, two hang
    process.send_signal(sent)
    code, out, _ = finish(process)  # though the two that hang are never answered
    assert code == (130 if sent is signal.SIGINT else 0)
    assert "4 answered" in out
    assert "given back" in out
    assert (states(path).count("succeeded"), states(path).count("queued"), burnt(path)) == (4, 6, 0)
    assert sum("answer to" in text for text in shown_in(path.parent).values()) == 4
    assert not list((path.parent / "workers").glob("*"))
    server.failures.clear()
    assert finish(begin(path))[0] == 0  # and the rest is free at once
    assert states(path) == ["succeeded"] * 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_second_signal_ends_it_at_once_and_its_jobs_are_free_for_the_next(path: Path, server: LoopbackOllama) -> None:
    add(path, 3)
    server.failures.extend([Failure.STALL] * 3)  # the server has one slot more
    process = begin(path, "--parallel", "3")
    server.await_requests(3)
    for _ in range(50):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    assert finish(process)[0] in (
        0,
        130,
        -signal.SIGINT,
    )  # it was over before the first came; stopped; or already leaving
    assert burnt(path) == 0
    code, _, err = finish(begin(path))
    assert (code, states(path), burnt(path)) == (0, ["succeeded"] * 3, 0), err


def test_a_server_that_restarts_costs_no_job(path: Path, server: LoopbackOllama) -> None:
    add(path, 12)
    server.failures.extend([None] * 3 + [Failure.STALL] * 2)
    process = begin(path, "--parallel", "2")
    server.await_requests(5)
    server.stop()  # what hangs is cut
    timer = threading.Timer(1.0, server.start)
    timer.start()
    code, _, err = finish(process)
    timer.join()
    assert (code, states(path)) == (0, ["succeeded"] * 12), err


def test_a_server_that_is_not_there_yet_is_waited_for(path: Path, server: LoopbackOllama) -> None:
    add(path, 3)
    server.stop()
    process = begin(path, "--wait-for-engine")
    said = process.stderr.readline()  # type: ignore[union-attr]
    assert "takes no requests" in said
    server.start()
    code, _, err = finish(process)
    assert (code, states(path), burnt(path)) == (0, ["succeeded"] * 3, 0)
    assert "answers again" in err


def test_everything_that_a_server_does_wrong_once_is_survived(path: Path, server: LoopbackOllama) -> None:
    wrong = [
        Failure.RESET, Failure.RESET_EARLY, Failure.MID_STREAM, Failure.NO_DONE, Failure.GARBAGE, Failure.BUSY,
        Failure.BAD_GATEWAY, Failure.STALL,
    ]  # fmt: skip
    add(path, len(wrong) + 2)
    server.failures.extend(wrong)
    code, _, err = finish(begin(path, "--parallel", "3", "--job-timeout", "1s"))
    assert (code, states(path)) == (0, ["succeeded"] * (len(wrong) + 2)), err
    assert 0 < burnt(path) <= len(wrong)


def test_jobs_that_another_process_adds_meanwhile_are_taken_before_it_ends(path: Path, server: LoopbackOllama) -> None:
    add(path, 1)
    added: list[int] = []

    def answer(prompt: str) -> str:
        if len(added) < 3:
            added.append(1)
            command = [sys.executable, "-m", "bridge", "add", f"more {len(added)}"]
            subprocess.run(command, cwd=path.parents[1], env=environment(), check=True, capture_output=True)
        return f"answer to {prompt}"

    server.answer = answer
    code, _, err = finish(begin(path))
    assert (code, states(path)) == (0, ["succeeded"] * 4), err


@pytest.mark.parametrize("models", [("qwen2.5-coder:1.5b",), ()], ids=["others", "none"])
def test_a_model_that_the_server_lacks_is_said_before_any_job_fails(
    path: Path, server: LoopbackOllama, models: tuple[str, ...]
) -> None:
    add(path, 2)
    server.models = models
    code, _, err = finish(begin(path))
    assert code == 3
    assert "--pull" in err
    assert states(path) == ["queued"] * 2


def test_time_that_is_up_ends_it_with_what_was_begun(path: Path, server: LoopbackOllama) -> None:
    add(path, 200)
    server.token_delay_s = 0.05
    code, out, _ = finish(begin(path, "--parallel", "2", "--max-time", "1s", "--json"))
    summary = json.loads(out.splitlines()[-1])
    assert (code, summary["end"]) == (0, "time")
    assert len(server.requests) == summary["answered"] < 60
    assert burnt(path) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_on_a_terminal_it_shows_how_far_it_is(path: Path, server: LoopbackOllama) -> None:
    import pty

    add(path, 6)
    drawn = threading.Event()

    def answer(prompt: str) -> str:
        drawn.wait(60)
        return f"answer to {prompt}"

    server.answer = answer
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*WORK, "--parallel", "2"], cwd=path.parents[1], env=environment() | {"COLUMNS": "150", "TERM": "xterm"},
        stdout=slave, stderr=slave, stdin=slave,
    )  # fmt: skip
    os.close(slave)
    shown = b""
    while select.select([master], [], [], 30)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
        if b"2 running" in shown:
            drawn.set()
    os.close(master)
    assert process.wait(120) == 0
    text = shown.decode()
    assert "[dim]" not in text  # markup is not shown as such
    assert "/6 jobs" in text
    assert "2 running" in text
    assert "qwen2.5-coder:7b" in text
    assert text.count("succeeded in") == 6
    assert "6 answered" in text


def test_two_processes_on_one_queue_share_the_work_and_do_nothing_twice(path: Path, server: LoopbackOllama) -> None:
    add(path, 60)
    both_there = threading.Event()

    def answer(prompt: str) -> str:
        """Nothing is answered before both workers hold jobs, however slow the machine is: they share the engine's lanes."""
        both_there.wait(LONG_S)
        return f"answer to {prompt}"

    server.answer = answer
    both = [begin(path, "--parallel", "3", "--json") for _ in range(2)]
    with Bridge(str(path)) as bridge:
        until(lambda: len([worker for worker in bridge.overview().workers if worker.held]) == 2)
    both_there.set()
    ends = [finish(process) for process in both]
    done = [json.loads(out.splitlines()[-1])["answered"] for _, out, _ in ends]
    assert [code for code, _, _ in ends] == [0, 0]
    assert (sum(done), min(done) > 0) == (60, True)
    assert sorted(server.prompts) == sorted(f"prompt {n}" for n in range(60))
    assert states(path) == ["succeeded"] * 60
