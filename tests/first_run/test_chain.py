"""The whole chain with a real model, the tiny one, through llama.cpp: by the commands, and through the notebook that ships."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bridge import Bridge
from bridge.core.errors import WaitTimedOut
from bridge.core.job import NewJob, Options, State
from bridge.engines.base import Engine, Request
from bridge.format.template import EXAMPLES
from bridge.models import tiny
from bridge.wiring import EngineKind, EngineSettings, open_engine
from tests.first_run.conftest import Run
from tests.support.notebooks import execute, shipped_notebook
from tests.support.ollama import LoopbackOllama

pytest.importorskip("xllamacpp")

[BROKEN, *_] = [prompt for prompt in tiny.DEMO_PROMPTS if prompt.repaired]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = open_engine(EngineSettings(kind=EngineKind.LLAMACPP, gguf="tiny"), num_ctx=4096)
    yield engine
    engine.close()


def test_a_broken_answer_is_caught_repaired_handed_over_and_applied_by_the_commands(bridge: Run, home: Path):
    bridge("init")
    job = bridge("add", BROKEN.text, "--lang", BROKEN.language, "--out", BROKEN.out).stdout.strip()
    work = ("work", "--engine", "llamacpp", "--gguf", "tiny")

    bridge(*work)
    first = json.loads(bridge("show", job, "--json").stdout)
    with pytest.raises(SyntaxError):
        ast.parse(bridge("show", job, "--code").stdout)
    waited = bridge("wait", job, "--timeout", "1s", code=124)
    assert f"{job} is asked about again (repair, round 1)" in waited.stderr
    assert "clean" not in waited.stdout
    bridge(*work)  # the round of repair is a job like any other
    assert bridge("wait", job).stdout == f"{job}\tchecked\tclean\n"
    bridge("apply", job)

    written = home / "work" / BROKEN.out
    ast.parse(written.read_text())
    assert "def parse_duration" in written.read_text()
    last = json.loads(bridge("show", job, "--json").stdout)
    assert (first["verdict"], last["verdict"], last["state"]) == (None, "clean", "delivered")
    assert last["answer"] == first["answer"]  # what the model said first stays on record


@pytest.mark.filterwarnings("default::DeprecationWarning", "default::ResourceWarning")
def test_run_all_in_the_notebook_that_ships_gives_answers_of_the_model_that_pass(tmp_path: Path, engine: Engine):
    """The runtime cell speaks Ollama's own API, so an Ollama stands in whose answers are llama.cpp's."""
    path = tmp_path / "drive" / "qwen_bridge.ipynb"
    path.parent.mkdir()
    (tmp_path / "tab").mkdir()
    path.write_text(json.dumps(shipped_notebook()), encoding="utf-8")
    with Bridge(str(path)) as queue, LoopbackOllama(answer=lambda prompt: ask(engine, prompt)) as server:
        [broken] = queue.add_many([NewJob(body=BROKEN.text, options=Options(lang=BROKEN.language, out=BROKEN.out))])
        run_all(path, tmp_path / "tab", server)
        assert {line.state for line in queue.jobs()} == {State.SUCCEEDED}
        assert len(queue.jobs()) == len(EXAMPLES) + 1
        views = queue.wait([key for key, _, _ in EXAMPLES], timeout_s=60)
        assert {view.verdict for view in views} == {"clean"}
        # The broken one is asked about again: a new cell, which the next Run all answers.
        with pytest.raises(WaitTimedOut):
            queue.wait([broken.id], timeout_s=60, give_up=lambda: len(queue.jobs()) == len(EXAMPLES) + 2)
        assert queue.get(broken.id).verdict is None
        run_all(path, tmp_path / "tab", server)
        [mended] = queue.wait([broken.id], timeout_s=60)
        assert (mended.verdict, mended.payload.rounds if mended.payload else None) == ("clean", 1)
        [change] = queue.apply_result(broken.id, tmp_path / "project")
        ast.parse(change.target.read_text())
    assert len(server.requests) == len(EXAMPLES) + 2


def ask(engine: Engine, prompt: str) -> str:
    return engine.answer(Request(prompt=prompt, model=tiny.NAME, num_ctx=4096, max_tokens=1024)).text


def run_all(path: Path, folder: Path, server: LoopbackOllama) -> None:
    """Open the file in a tab of Colab, run every cell, save."""
    book: dict[str, Any] = nbformat.read(path, as_version=4)
    done = execute(book, folder, born_in_colab=True, OLLAMA_HOST=server.url)
    path.write_text(json.dumps(done), encoding="utf-8")
