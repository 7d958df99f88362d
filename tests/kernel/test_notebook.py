"""The runtime cell in a real kernel, executed by nbclient, against a loopback Ollama."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest

from bridge.kernel.display import from_display
from bridge.kernel.grammar import parse_result
from tests.support.notebooks import code_cell, execute, job_ids, queue_notebook, result_texts
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.patience import until

# nbclient and jupyter_client warn about each other's event loops and about tornado: none of it is ours.
pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
]


def records(book: dict) -> dict[str, dict]:
    found = {}
    for job, texts in result_texts(book).items():
        assert len(texts) == 1, f"{job} has {len(texts)} outputs"
        found[job] = parse_result(texts[0])[0]
    return found


def test_run_all_answers_every_job_in_parallel_and_a_second_run_asks_nothing(tmp_path: Path) -> None:
    bodies = {
        job: f"Write function number {n}. {{not}} $interpolated %%qwen {{{{}}}}\n'''\""
        for n, job in enumerate(job_ids(12))
    }
    barrier = threading.Barrier(4)  # opens only when four requests are inside at once

    def answer(prompt: str) -> str:
        if not barrier.broken:
            barrier.wait(120)
        return f"Done: {prompt}\n"

    with LoopbackOllama(answer=answer, parallel=8, token_delay_s=0.02) as server:  # so long that it is shown on the way
        book = queue_notebook(server.url, bodies, lanes=4)
        book["cells"].insert(3, code_cell("json = time = Model = Task = describe = replace = None", id="mine"))
        first = execute(book, tmp_path)
        assert "stopped_by" not in first["metadata"], first["metadata"]
        assert {r["status"] for r in records(first).values()} == {"succeeded"}
        assert server.most_at_once == 4
        assert sorted(server.prompts) == sorted(bodies.values())
        assert {r["num_ctx"] for r in (request["options"] for request in server.requests)} == {8192}
        assert server.loads == 1
        second = execute(first, tmp_path, BRIDGE_SPOOL="")
        assert len(server.requests) == 12
    assert result_texts(second) == result_texts(first)
    for cell in first["cells"][4:]:
        data = cell["outputs"][0]["data"]
        assert cell["outputs"][0]["output_type"] == "display_data"
        assert from_display(data["text/markdown"]) == data["text/plain"]
        record, text = parse_result(data["text/plain"])
        assert text == f"Done: {bodies[record['job']]}\n"
        assert record["worker"]["where"] == "colab"
        assert record["model_digest"]
    assert (tmp_path / "tab.ipynb.calls").read_text().splitlines() == ["10", "10"]  # one question a run


def test_run_all_is_parallel_under_nbclient_which_says_nowhere_what_it_runs(tmp_path: Path) -> None:
    together = threading.Barrier(3)

    def answer(_prompt: str) -> str:
        together.wait(120)
        return "Done.\n"

    with LoopbackOllama(answer=answer) as server:
        book = queue_notebook(server.url, {job: f"Prompt {job}." for job in job_ids(3)}, lanes=3, colab=False)
        done = execute(book, tmp_path)
    assert {r["status"] for r in records(done).values()} == {"succeeded"}
    assert server.most_at_once == 3


def test_a_kernel_that_is_killed_half_way_loses_no_answer_that_was_complete(tmp_path: Path) -> None:
    bodies = {job: f"Prompt {n}." for n, job in enumerate(job_ids(10))}
    with LoopbackOllama(parallel=8) as server:
        server.failures.extend([None] * 6 + [Failure.MUTE] * 4)

        def kill() -> None:
            server.await_requests(9)  # six were answered, three lanes hang
            os.kill(int((tmp_path / "kernel.pid").read_text()), signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        half = execute(queue_notebook(server.url, bodies, lanes=3), tmp_path)
        killer.join()
        server.failures.clear()
        assert len(server.requests) == 9
        # The tab has what was shown; the rest of what was complete is on the kernel's disk.
        whole = execute(half, tmp_path)
    assert [r["status"] for r in records(whole).values()] == ["succeeded"] * 10
    answered, again = server.prompts[:6], server.prompts[9:]
    assert sorted(answered + again) == sorted(bodies.values())  # the rest, and only the rest


def test_failures_are_shown_and_run_all_goes_on(tmp_path: Path) -> None:
    first, second, third = job_ids(3)
    with LoopbackOllama() as server:
        server.failing_prompts["too long"] = Failure.TOO_LONG
        book = queue_notebook(server.url, {first: "fine", second: "too long", third: "also fine"})
        book["cells"].insert(4, code_cell("%%qwen --langauge python\nx", id="typo"))
        done = execute(book, tmp_path)
    texts = result_texts(done)
    assert "unknown flag '--langauge'" in texts.pop("typo")[0]
    found = {job: parse_result(text[0])[0] for job, text in texts.items()}
    assert [found[job]["status"] for job in (first, second, third)] == ["succeeded", "failed", "succeeded"]
    assert found[second]["error"]["kind"] == "context_exceeded"
    assert "123 tokens too long" in texts[second][0]


@pytest.mark.parametrize(
    ("environ", "calls"),
    [
        ({"FAKE_TAB_SILENT": "1"}, ["10", "30"]),  # no tab is attached: asked with growing patience, then never again
        ({"FAKE_TAB_ERROR": "1"}, ["10", "30"]),  # the tab answers with an error, which Colab raises
        ({"BRIDGE_NOTEBOOK": "tab.ipynb"}, []),  # a path that is named is believed
        ({"JPY_SESSION_NAME": "tab.ipynb"}, []),  # Jupyter says where the notebook is
    ],
)
def test_without_colabs_tab_other_ways_are_tried_and_at_last_one_by_one(
    tmp_path: Path, environ: dict[str, str], calls: list[str]
) -> None:
    colab = any(name.startswith("FAKE_TAB") for name in environ)
    with LoopbackOllama() as server:
        book = queue_notebook(server.url, {job: f"Prompt {job}" for job in job_ids(3)}, colab=colab)
        book["cells"][3]["source"] = book["cells"][3]["source"].replace("\n", """ --stop '"{os} $os"'\n""", 1)
        done = execute(book, tmp_path, **environ)
        stops = {request["prompt"]: request["options"].get("stop") for request in server.requests}
        assert stops[f"Prompt {job_ids(1)[0]}"] == ["{os} $os"]  # nothing in a header is interpolated
        assert [r["status"] for r in records(done).values()] == ["succeeded"] * 3
        assert len(server.requests) == 3
    log = tmp_path / "tab.ipynb.calls"
    assert (log.read_text().splitlines() if log.exists() else []) == calls


def test_an_interrupt_stops_the_lanes_and_the_rest_of_run_all(tmp_path: Path) -> None:
    bodies = {job: f"Prompt {n}." for n, job in enumerate(job_ids(4))}
    with LoopbackOllama(parallel=8) as server:
        server.failures.extend([Failure.STALL, Failure.STALL])

        def interrupt() -> None:
            server.await_requests(2)
            until(lambda: server.at_once >= 2)
            os.kill(int((tmp_path / "kernel.pid").read_text()), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        book = execute(queue_notebook(server.url, bodies, lanes=2), tmp_path)
        thread.join()
        assert book["metadata"]["stopped_by"].startswith("Interrupted"), book["cells"]
        stopped = next(cell for cell in book["cells"] if any(o["output_type"] == "error" for o in cell["outputs"]))
        assert len(stopped["outputs"]) == 1
        assert len("".join(stopped["outputs"][0]["traceback"]).splitlines()) == 1
        server.failures.clear()
        server.released.set()
        asked = len(server.requests)
        whole = execute(book, tmp_path)
        assert [r["status"] for r in records(whole).values()] == ["succeeded"] * 4
        assert len(server.requests) == asked + 4


def test_qwen_again_asks_anew_and_ask_qwen_works_on_its_own(tmp_path: Path) -> None:
    job = job_ids(1)[0]
    with LoopbackOllama() as server:
        book = queue_notebook(server.url, {job: "Prompt."})
        first = execute(book, tmp_path)
        first["cells"].insert(3, code_cell("%qwen_again 01JD", id="again"))
        first["cells"].append(
            code_cell(
                "answer = ask_qwen('Say {hi} $HOME', model='qwen2.5-coder:14b', top_p=0.5, stop='END'); len(answer)",
                id="ask",
            )
        )
        second = execute(first, tmp_path)
    assert [request["model"][-3:] for request in server.requests] == [":7b", ":7b", "14b"]
    assert server.prompts[-1] == "Say {hi} $HOME"
    assert {"top_p": 0.5, "stop": ["END"]}.items() <= server.requests[-1]["options"].items()
    assert records(second)[job]["attempt"] == 2
    assert "1 job(s)" in json.dumps(second["cells"][3]["outputs"])


def test_nothing_of_an_answer_is_live_in_what_a_kernel_shows(tmp_path: Path) -> None:
    """In a cell's result, while it comes, as the value of `ask_qwen`, and in messages."""
    evil = "<img src=x onerror=run()> [x](javascript:run()) ![x](http://127.0.0.1/x) $\\href{javascript:run()}{x}$"
    job, failing = job_ids(2)
    with LoopbackOllama(answer=lambda prompt: f"{evil} {prompt}", token_delay_s=0.1) as server:
        server.failing_prompts["<b>no</b>"] = Failure.TOO_LONG
        book = queue_notebook(server.url, {job: "Prompt.", failing: "<b>no</b>"})
        watched = (
            "shown = []\nhub = get_ipython().display_pub\nkept = hub.publish\n"
            "hub.publish = lambda data, *a, **k: (shown.append(data), kept(data, *a, **k))[1]"
        )
        book["cells"].insert(3, code_cell(watched, id="watch"))
        book["cells"].append(code_cell("ask_qwen('Hello.')", id="ask"))
        book["cells"].append(code_cell(f"%%qwen --nonsense{evil}\nx", id="typo"))
        book["cells"].append(code_cell("import json\nprint(json.dumps(shown))", id="told"))
        done = {cell["id"]: cell["outputs"] for cell in execute(book, tmp_path)["cells"]}
    shown = [data["text/markdown"] for data in json.loads("".join(o["text"] for o in done["told"])) if data]
    shown += [output["data"]["text/markdown"] for name in (job, failing, "ask", "typo") for output in done[name]]
    assert sum("&lt;img" in text for text in shown) >= 5  # parts of an answer, and whole ones
    ours = re.compile(r"\[here\]\(#scrollTo=[0-9A-Z]{26}\)")  # in the panel, to the first cell that failed
    for text in (ours.sub("", said) for said in shown):
        assert not any(live in text for live in ("<img", "<b>", "](", "$", "\\"))
    [output] = done[job]
    assert from_display(output["data"]["text/markdown"]) == output["data"]["text/plain"]
    assert parse_result(output["data"]["text/plain"])[1] == f"{evil} Prompt."
