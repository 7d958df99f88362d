"""One kernel's session without IPython: which requests go out, and what each cell shows."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bridge.kernel.cells import PromptCell, read_cell
from bridge.kernel.error_kind import ErrorKind, OllamaError, Stopped
from bridge.kernel.grammar import parse_result, split_cell
from bridge.kernel.lanes import CellTask, KernelLanes
from bridge.kernel.ollama import Ollama
from bridge.kernel.progress import Progress, bar, spell_duration
from bridge.kernel.run import Answerer, KernelWorker, RunSettings
from bridge.kernel.screen import Interrupted
from bridge.kernel.session import Session
from bridge.kernel.spool import Spool
from bridge.kernel.stop import Stop
from tests.support.notebooks import job_ids, notebook, prompt_cell
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.patience import LONG_S

MODEL = "qwen2.5-coder:7b"


class Recorder:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.last = ""

    def show(self, text: str) -> None:
        self.shown.append(text)

    def final(self, text: str) -> None:
        self.last = text

    def clear(self) -> None:
        self.last = ""


def run(session: Session, cell: dict) -> str:
    screen = Recorder()
    session.run_cell(*split_cell(cell["source"]), screen)
    return screen.last


def record(text: str) -> dict:
    return parse_result(text)[0]


def settings(server: LoopbackOllama, **more: object) -> RunSettings:
    return RunSettings(host=server.url, model=MODEL, **more)


def test_the_first_cell_starts_all_and_a_cell_shows_its_answer_while_it_comes() -> None:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(5)]
    together = threading.Barrier(5, timeout=LONG_S)

    def answer(prompt: str) -> str:
        together.wait()
        return f"Answer to {prompt}"

    with LoopbackOllama(parallel=5, token_delay_s=0.02, answer=answer) as server:
        session = Session(settings(server, lanes=5), notebook=lambda: notebook(*cells), refresh_s=0.01)
        screen = Recorder()
        session.run_cell(*split_cell(cells[0]["source"]), screen)
        server.await_requests(5)
        assert server.most_at_once == 5
        assert any("Answer to" in text and not text.startswith("<!--") for text in screen.shown)
        assert any("/5 done" in text and MODEL in text and "100% on the GPU" in text for text in screen.shown)
        assert [parse_result(run(session, cell))[1] for cell in cells] == [
            f"Answer to Prompt {job}" for job in job_ids(5)
        ]
        assert len(server.requests) == 5


def test_a_cell_that_was_edited_or_added_after_the_snapshot_is_answered_as_it_is_now() -> None:
    first, second = job_ids(2)
    book = notebook(prompt_cell(first, "Old prompt"))
    with LoopbackOllama() as server:
        session = Session(settings(server), notebook=lambda: book)
        assert record(run(session, prompt_cell(first, "New prompt")))["status"] == "succeeded"
        book["cells"].append(prompt_cell(second, "Added"))
        assert record(run(session, prompt_cell(second, "Added")))["status"] == "succeeded"
        assert "New prompt" in server.prompts
        assert "Added" in server.prompts


def test_two_cells_with_the_same_prompt_and_no_id_are_one_job() -> None:
    cell = {"cell_type": "code", "source": "%%qwen\nThe same.", "metadata": {}, "outputs": []}
    with LoopbackOllama() as server:
        session = Session(settings(server), notebook=lambda: notebook(dict(cell), dict(cell)))
        assert run(session, cell) == run(session, cell)
        assert server.prompts == ["The same."]


def test_a_cancelled_or_empty_cell_asks_nothing() -> None:
    (job,) = job_ids(1)
    with LoopbackOllama() as server:
        session = Session(settings(server))
        assert "cancelled" in run(session, {"source": f"%%qwen {job} --cancelled\nPrompt"})
        assert "the prompt is empty" in run(session, {"source": f"%%qwen {job}\n  \n"})
        assert server.requests == []


def test_a_failed_cell_that_runs_again_is_tried_again_with_the_next_attempt() -> None:
    cell = prompt_cell(job_ids(1)[0], "Prompt")
    with LoopbackOllama() as server:
        server.failures.append(Failure.OUT_OF_MEMORY)
        session = Session(settings(server), notebook=lambda: notebook(cell))
        failed = record(run(session, cell))
        assert (failed["status"], failed["attempt"], failed["error"]["kind"]) == ("failed", 1, "out_of_memory")
        again = record(run(session, cell))
        assert (again["status"], again["attempt"]) == ("succeeded", 2)


def test_options_of_the_header_reach_the_model_and_the_rest_is_as_set() -> None:
    cell = prompt_cell(
        job_ids(1)[0], '[{"role": "user", "content": "Hi"}]', model="qwen2.5-coder:14b", max_tokens=7, temperature=0.5, seed=3, stop=("END",)
    )  # fmt: skip
    cell["source"] = cell["source"].replace("\n", " --chat\n", 1)
    with LoopbackOllama(answer=lambda prompt: "x" * 400) as server:
        done = record(run(Session(settings(server, num_ctx=2048)), cell))
    (request,) = server.requests
    assert request["options"] == {"num_ctx": 2048, "num_predict": 7, "temperature": 0.5, "seed": 3, "stop": ["END"]}
    assert request["messages"] == [{"role": "user", "content": "Hi"}]
    assert (done["status"], done["finish_reason"], done["model"]) == ("truncated", "length", "qwen2.5-coder:14b")
    assert done["usage"] == {"prompt_tokens": 1, "completion_tokens": 7}


def test_a_job_that_asks_for_auto_gets_the_model_that_was_found_to_fit() -> None:
    with LoopbackOllama() as server:
        for more in ({"auto_model": "qwen2.5-coder:14b"}, {}):  # without a set-up nobody looked: the default
            run(Session(settings(server, **more)), prompt_cell(job_ids(1)[0], "Hi", model="auto"))
    assert [request["model"] for request in server.requests] == ["qwen2.5-coder:14b", MODEL]


def test_a_chat_job_whose_body_is_no_message_list_fails_with_a_reason() -> None:
    with LoopbackOllama() as server:
        text = run(Session(settings(server)), {"source": f"%%qwen {job_ids(1)[0]} --chat\nHi"})
    assert "JSON list of messages" in text
    assert record(text)["error"] == {
        "kind": "bad_request", "message": record(text)["error"]["message"], "retry": False,
    }  # fmt: skip


def test_a_record_holds_all_that_the_format_promises() -> None:
    cell = prompt_cell(job_ids(1)[0], "Prompt")
    with LoopbackOllama() as server:
        found = record(run(Session(settings(server), where="colab"), cell))
    assert set(found) == {
        "schema", "job", "attempt", "status", "finish_reason", "model", "model_digest", "prompt_sha256", "answer_sha256",
        "answer_chars", "started_at", "finished_at", "usage", "timing_s", "worker", "error",
    }  # fmt: skip
    assert found["started_at"] <= found["finished_at"]
    assert found["started_at"].endswith("Z")
    assert set(found["worker"]) == {"id", "engine", "engine_version", "where"}
    assert set(found["timing_s"]) == {"total", "load", "prompt", "answer"}


def answerer(server: LoopbackOllama, **more) -> Answerer:
    return Answerer(Ollama(server.url), settings(server), KernelWorker(id="w", where="test"), backoff_s=0.001, **more)


CELL = read_cell("", "Prompt")


def test_what_may_pass_is_tried_again_and_the_text_starts_anew() -> None:
    task = CellTask(CELL)
    with LoopbackOllama(answer=lambda prompt: "abcdefghijklmnop") as server:
        server.failures.extend([Failure.BUSY, Failure.RESET])
        found, text = answerer(server).answer(CELL, stop=Stop(), begin=task.begin, on_token=task.add)
    assert (found["status"], text, task.text) == ("succeeded", "abcdefghijklmnop", "abcdefghijklmnop")
    assert len(server.requests) == 3


def test_a_dead_engine_is_revived_and_while_it_stays_dead_a_job_costs_one_try() -> None:
    revived = []
    with LoopbackOllama() as server:
        pass
    worker = answerer(server, revive=lambda: revived.append(1))
    assert worker.answer(CELL, stop=Stop())[0]["error"] == {
        "kind": "engine_down", "message": worker.answer(CELL, stop=Stop())[0]["error"]["message"], "retry": True,
    }  # fmt: skip
    assert len(revived) == 2  # before the second and third try of the first job; the other job gave up at once
    server.start()
    assert worker.answer(CELL, stop=Stop())[0]["status"] == "succeeded"
    server.stop()


def test_lanes_take_priority_first_then_one_model_after_the_other_then_cell_order() -> None:
    order: list[str] = []

    def cell(body: str, index: int, flags: str = "") -> PromptCell:
        return read_cell(flags, body, index=index)

    gate, begun = threading.Event(), threading.Event()

    def work(task: CellTask, stop: Stop) -> None:
        begun.set()
        gate.wait(LONG_S)
        order.append(task.cell.body)
        task.finish("", failed=False)

    lanes = KernelLanes(work, lanes=1, model_of=lambda cell: cell.header.options.get("model", "a"))
    first = CellTask(cell("first", 0))
    lanes.submit([first])
    assert begun.wait(LONG_S)
    rest = [
        cell("later", 5), cell("other model", 1, "--model b"), cell("urgent", 9, "--priority 3"), cell("sooner", 2),
    ]  # fmt: skip
    tasks = [CellTask(c) for c in rest]
    lanes.submit(tasks)
    gate.set()
    assert all(task.wait(LONG_S) for task in (first, *tasks))
    assert order == ["first", "urgent", "sooner", "later", "other model"]


def test_stopped_lanes_leave_no_thread_and_work_again() -> None:
    def work(task: CellTask, stop: Stop) -> None:
        if stop.wait(LONG_S):
            raise Stopped

    def running() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name == "qwen-lane"}

    before = running()
    lanes = KernelLanes(work, lanes=3)
    tasks = [CellTask(read_cell("", f"p{n}")) for n in range(10)]
    lanes.submit(tasks)
    lanes.stop()
    assert all(task.stopped for task in tasks)
    assert running() <= before
    lanes = KernelLanes(lambda task, stop: task.finish("done", failed=False), lanes=2)
    lanes.submit(tasks[:1])
    assert tasks[0].wait(LONG_S)


def test_a_fault_of_ours_becomes_a_failed_job_and_not_a_cell_that_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(Answerer, "answer", broken)
    with LoopbackOllama() as server:
        assert "KeyError" in run(Session(settings(server)), prompt_cell(job_ids(1)[0], "Prompt"))


def test_the_spool_gives_back_whole_results_drops_old_ones_and_survives_a_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "spool.jsonl"
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(2)]
    with LoopbackOllama() as server:
        session = Session(settings(server), spool=Spool(path))
        texts = [run(session, cell) for cell in cells]
        assert path.stat().st_mode & 0o077 == 0
        with path.open("a") as stream:
            stream.write('[17, "cut')
        fresh = Session(settings(server), spool=Spool(path))
        assert [run(fresh, cell) for cell in cells] == texts
        assert len(server.requests) == 2
        assert run(fresh, prompt_cell(job_ids(1)[0], "Edited")) not in texts
    assert Spool(path, now_s=9e9).get(("", "")) is None
    assert path.read_text() == ""


def test_a_spool_that_cannot_be_written_does_not_stop_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with LoopbackOllama() as server:
        session = Session(settings(server), spool=Spool(tmp_path / "file" / "spool.jsonl"))
        assert record(run(session, prompt_cell(job_ids(1)[0], "Prompt")))["status"] == "succeeded"


def test_an_interrupt_cuts_what_runs_keeps_what_is_complete_and_the_next_run_asks_for_the_rest() -> None:
    class Impatient(Recorder):
        def show(self, text: str) -> None:
            raise KeyboardInterrupt

    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(4)]
    with LoopbackOllama() as server:
        server.failing_prompts.update(dict.fromkeys((f"Prompt {job}" for job in job_ids(4)[1:3]), Failure.STALL))
        session = Session(settings(server, lanes=2), notebook=lambda: notebook(*cells), refresh_s=0.01)
        first = run(session, cells[0])
        server.await_requests(3)
        with pytest.raises(Interrupted) as caught:
            session.run_cell(*split_cell(cells[1]["source"]), Impatient())
        assert len(caught.value._render_traceback_()) == 1
        server.failing_prompts.clear()
        texts = [run(session, cell) for cell in cells]
        assert texts[0] == first
        assert sorted(server.prompts[3:]) == [f"Prompt {job}" for job in job_ids(4)[1:]]


def test_again_forgets_by_prefix_and_says_how_many() -> None:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(3)]
    with LoopbackOllama() as server:
        session = Session(settings(server), notebook=lambda: notebook(*cells))
        before = [run(session, cell) for cell in cells]
        assert session.again([job_ids(3)[1].lower()]) == 1
        after = [run(session, cell) for cell in cells]
        assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
        assert record(after[1])["attempt"] == 2
        assert session.again() == 3


def test_ask_answers_outside_the_queue_and_raises_with_a_reason() -> None:
    screen = Recorder()
    with LoopbackOllama(answer=lambda prompt: "x" * 100) as server:
        session = Session(settings(server), refresh_s=0.0)  # every piece is shown as it comes
        options = {"model": None, "max_tokens": 9, "temperature": None, "seed": 1}
        assert session.ask("Hi", system="Be brief.", options=options, screen=screen) == "x" * 36
        assert screen.shown
        (request,) = server.requests
        assert [m["content"] for m in request["messages"]] == ["Be brief.", "Hi"]
        assert request["options"] == {"num_ctx": 8192, "num_predict": 9, "seed": 1}
        with pytest.raises(OllamaError, match="not found") as caught:
            session.ask("Hi", system=None, options={"model": "nobody"}, screen=screen)
    assert caught.value.kind is ErrorKind.MODEL_MISSING
    assert len(caught.value._render_traceback_()) == 1


def test_other_settings_in_the_middle_end_what_runs_and_the_cell_asks_again() -> None:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(2)]
    with LoopbackOllama() as server:
        server.failures.extend([None, Failure.STALL])
        session = Session(settings(server), notebook=lambda: notebook(*cells))
        run(session, cells[0])
        server.await_requests(2)
        session.configure(settings(server, num_ctx=2048))
        assert record(run(session, cells[1]))["status"] == "succeeded"
        assert server.requests[-1]["options"]["num_ctx"] == 2048


def test_a_job_that_reaches_its_time_limit_is_not_tried_again_at_once() -> None:
    cell = prompt_cell(job_ids(1)[0], "Prompt")
    with LoopbackOllama() as server:
        server.failures.extend([Failure.MUTE] * 3)
        found = record(run(Session(settings(server, job_timeout_s=0.1)), cell))
        assert found["status"] == "failed"
        assert len(server.requests) <= 1  # none, where the machine was too busy to ask within the limit
        assert "time limit" in found["error"]["message"]


def test_progress_in_numbers() -> None:
    now = [0.0]
    progress = Progress(lambda: now[0])
    progress.expect(4)
    assert progress.line() == "0/4 done"
    now[0] = 10.0
    progress.finish(failed=False, tokens=300)
    progress.finish(failed=True, tokens=0)
    assert progress.line(streaming_tokens=100, model="m", gpu_share=0.7) == (
        "2/4 done · 1 failed · 40 tokens/s · about 10 s left · m · 70% on the GPU, so it is slow"
    )
    progress.finish(failed=False, tokens=0)
    progress.finish(failed=False, tokens=0)
    now[0] = 20.0
    progress.expect(1)  # a new run
    assert progress.line() == "0/1 done"
    assert [spell_duration(s) for s in (40, 720, 11_100)] == ["40 s", "12 min", "3 h 05 min"]
    assert bar(1, 4, width=8) == "[##......]"
    assert bar(0, 0, width=3) == "[...]"
