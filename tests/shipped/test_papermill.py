"""`papermill --engine qwen-bridge`."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge
from bridge.core.errors import ConfigError, MissingExtra
from bridge.core.job import State
from bridge.kernel.grammar import parse_result
from bridge.models import tiny
from bridge.papermill.engine import QwenBridgeEngine
from bridge.setup import wheel
from tests.support.notebooks import code_cell, result_texts
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.shipped import ROOT, SHIPPED_QUEUE

papermill = pytest.importorskip("papermill")

pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
    pytest.mark.filterwarnings("default::FutureWarning"),
]


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """The queue as it ships."""
    path = tmp_path / "q" / "qwen_bridge.ipynb"
    path.parent.mkdir()
    path.write_bytes(SHIPPED_QUEUE.read_bytes())
    return path


def run(source: Path, target: Path, server: LoopbackOllama, **parameters: Any) -> Any:
    from papermill.engines import papermill_engines

    papermill_engines.register("qwen-bridge", QwenBridgeEngine)
    parameters = {"base_url": server.url, "lanes": 3, **parameters}
    return papermill.execute_notebook(source, target, parameters, engine_name="qwen-bridge", progress_bar=False)


def load(path: Path) -> dict[str, Any]:
    book: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return book


def stamps(path: Path) -> dict[str, str | None]:
    """{cell id: its papermill status}"""
    return {c["id"]: c["metadata"].get("papermill", {}).get("status") for c in load(path)["cells"]}


def job_statuses(path: Path) -> list[str]:
    return [parse_result(text)[0]["status"] if text else "none" for [text] in result_texts(load(path)).values()]


def add_cell(path: Path, cell: dict[str, Any], at: int = 3) -> None:
    book = load(path)
    book["cells"].insert(at, cell)
    path.write_text(json.dumps(book), encoding="utf-8")


def test_the_queue_itself_is_answered_in_parallel_and_a_second_run_asks_nothing(queue: Path) -> None:
    barrier = threading.Barrier(3)

    def answer(_prompt: str) -> str:
        barrier.wait(120)
        return "Done.\n"

    jobs = [cell["id"] for cell in load(queue)["cells"][4:]]
    with LoopbackOllama(answer=answer) as server:
        run(queue, queue, server)
        assert job_statuses(queue) == ["succeeded"] * 3
        assert {job: stamps(queue)[job] for job in jobs} == dict.fromkeys(jobs, "completed")
        first = result_texts(load(queue))
        run(queue, queue, server)
        assert len(server.requests) == 3
        assert server.most_at_once == 3
    assert result_texts(load(queue)) == first
    assert not any(stamps(queue)[job] for job in jobs)  # of this run: nothing ran
    assert [job for job in stamps(queue) if job in jobs] == jobs
    with Bridge(str(queue)) as opened:
        assert opened.status().counts[State.SUCCEEDED] == 3


def test_another_path_gets_a_queue_of_its_own_and_the_input_stays(queue: Path) -> None:
    before = queue.read_bytes()
    target = queue.with_name("qwen_bridge_answered.ipynb")  # a name that a sync client might give to a second copy
    with LoopbackOllama() as server:
        run(queue, target, server)
    assert queue.read_bytes() == before
    assert job_statuses(target) == ["succeeded"] * 3
    ids = {path: load(path)["metadata"]["bridge"]["queue_id"] for path in (queue, target)}
    assert len(set(ids.values())) == 2
    with Bridge(str(queue)) as opened:
        opened.store.publish()
        assert opened.status().counts[State.QUEUED] == 3
    assert target.exists()  # nobody took it for a fork
    with Bridge(str(target)) as opened:
        opened.store.publish()
        assert opened.status().counts[State.SUCCEEDED] == 3


def test_a_failed_job_is_failed_and_the_others_are_not(queue: Path) -> None:
    jobs = [cell["id"] for cell in load(queue)["cells"][4:]]
    with LoopbackOllama() as server:
        server.failing_prompts["Paystack"] = Failure.TOO_LONG
        with pytest.raises(papermill.exceptions.PapermillException, match="1 of 3 jobs failed"):
            run(queue, queue, server)
        assert [stamps(queue)[job] for job in jobs] == ["completed", "completed", "failed"]
        assert job_statuses(queue) == ["succeeded", "succeeded", "failed"]
        server.failing_prompts.clear()
        run(queue, queue, server)  # a job that failed for good is not asked again, and is no new failure
        assert len(server.requests) == 3


def test_other_cells_run_with_the_parameters_and_old_outputs_stay(queue: Path) -> None:
    add_cell(queue, code_cell("print(model, 6 * 7)", id="mine"))
    with LoopbackOllama() as server:
        run(queue, queue, server, model="qwen2.5-coder:7b")
    [mine] = [cell for cell in load(queue)["cells"] if cell["id"] == "mine"]
    assert "".join(mine["outputs"][0]["text"]) == "qwen2.5-coder:7b 42\n"
    assert stamps(queue)["mine"] == "completed"
    assert stamps(queue)["bridge-runtime"] is stamps(queue)["bridge-setup"] is None
    assert not (queue.parent / "workers").exists()
    assert {request["model"] for request in server.requests} == {"qwen2.5-coder:7b"}


def test_a_cell_that_fails_or_kills_its_kernel_leaves_the_rest_untouched_and_costs_no_answer(queue: Path) -> None:
    add_cell(queue, code_cell("1 / 0", id="bad"), at=4)
    add_cell(queue, code_cell("never = 1", id="after"), at=6)
    with LoopbackOllama() as server:
        with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
            run(queue, queue, server)
        assert (stamps(queue)["bad"], stamps(queue)["after"]) == ("failed", "pending")
        book = load(queue)
        [bad] = [cell for cell in book["cells"] if cell["id"] == "bad"]
        bad["source"] = "import os; os._exit(137)"
        queue.write_text(json.dumps(book), encoding="utf-8")
        with pytest.raises(Exception, match=r"[Kk]ernel died"):
            run(queue, queue, server)
    assert stamps(queue)["after"] == "pending"  # as papermill leaves it
    assert job_statuses(queue) == ["succeeded"] * 3
    assert len(server.requests) == 3


def test_it_answers_by_an_embedded_model_too(queue: Path) -> None:
    pytest.importorskip("xllamacpp")
    with Bridge(str(queue)) as bridge:
        job = bridge.add(tiny.DEMO_PROMPTS[0].text)
    from papermill.engines import papermill_engines

    papermill_engines.register("qwen-bridge", QwenBridgeEngine)
    asked = {"engine": "llamacpp", "gguf": "tiny", "context": 2048}
    papermill.execute_notebook(queue, queue, asked, engine_name="qwen-bridge", progress_bar=False)

    with Bridge(str(queue)) as bridge:
        assert "```python" in (bridge.get(job).answer or "")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("lanes", "many", "lanes"),
        ("lanes", 0, "lanes must be a whole number from 1 to 256, not 0"),
        ("max_time", "soon", "max_time"),
        ("max_time", 0, "max_time must be above zero"),
        ("model", True, "model"),
    ],
)
def test_a_wrong_parameter_is_said_before_anything_runs(queue: Path, name: str, value: object, words: str) -> None:
    before = queue.read_bytes()
    with LoopbackOllama() as server, pytest.raises(ConfigError, match=words):
        run(queue, queue, server, **{name: value})
    assert queue.read_bytes() == before


def test_without_papermill_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "papermill.utils", None)
    with pytest.raises(MissingExtra, match=r"pip install .*\[papermill\]"):
        QwenBridgeEngine.nb_kernel_name(object())


def test_papermills_own_command_finds_the_engine_of_the_installed_package(queue: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(io.BytesIO(wheel.build())) as archive:
        archive.extractall(site)
    env = {**os.environ, "PYTHONPATH": str(site)}
    for program in ("import papermill", "import bridge.papermill.engine, papermill"):  # whichever comes first
        subprocess.run([sys.executable, "-P", "-c", program], env=env, check=True, cwd=tmp_path)
    with LoopbackOllama() as server:
        env["OLLAMA_HOST"] = server.url
        command = [sys.executable, "-P", "-m", "papermill", "qwen_bridge.ipynb", "qwen_bridge.ipynb"]
        done = subprocess.run(
            [*command, "--engine", "qwen-bridge", "-p", "lanes", "3", "-p", "max_time", "1h"],
            env=env, cwd=queue.parent, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert job_statuses(queue) == ["succeeded"] * 3
    assert str(ROOT) not in done.stderr
