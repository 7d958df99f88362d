"""Which model a job gets: its own, `auto`, or the worker's default; and that `auto` means the same here and in Colab."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge import wiring
from bridge.core.errors import ConfigError, ModelMissing
from bridge.engines.base import Engine
from bridge.engines.scripted import ScriptedEngine
from bridge.kernel.run import RunSettings
from bridge.kernel.setup import prepare
from bridge.models.choose import AUTO, DEFAULT_MODEL, JobModels
from tests.support.harness import Harness
from tests.support.ollama import LoopbackOllama

T4 = "Tesla T4, 15360"
A100 = "NVIDIA A100-SXM4-40GB, 40960"


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program that says which GPU there is: a T4. Write another `echo` into it for another one."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{T4}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return program


def ready(engine: Engine, model: str | None, *, pull: bool = False, said: list[str] | None = None) -> JobModels:
    say = (said if said is not None else []).append
    return wiring.ready_models(engine, model, pull=pull, lanes=1, num_ctx=8192, say=say)


def at(server: LoopbackOllama) -> wiring.EngineSettings:
    return wiring.EngineSettings(name="ollama", kind=wiring.EngineKind.OLLAMA, base_url=server.url)


@pytest.mark.parametrize(("card", "size"), [(T4, "14b"), (A100, "32b")])
def test_auto_is_what_the_form_in_colab_takes_on_the_same_machine(gpu: Path, card: str, size: str) -> None:
    gpu.write_text(f"#!/bin/sh\necho '{card}'\n")
    with LoopbackOllama(models=()) as server:
        wanted = RunSettings(model=AUTO, lanes=1, host=server.url)
        in_colab = prepare(wanted, say=lambda _line: None)[0].model
        server.models = ()
        at_work = ready(wiring.open_engine(at(server)), AUTO, pull=True)

        assert at_work.default == at_work.auto == in_colab == f"qwen2.5-coder:{size}"
        assert in_colab in server.models  # both fetched it


@pytest.mark.usefixtures("gpu")
def test_without_a_download_auto_is_the_largest_that_fits_of_what_ollama_has() -> None:
    models = ("qwen2.5-coder:32b", "qwen2.5-coder:1.5b", "qwen2.5-coder:7b", "qwen3-coder:480b-cloud", "llama3:8b")
    said: list[str] = []
    with LoopbackOllama(models=models) as server:
        engine = wiring.open_engine(at(server))

        assert ready(engine, AUTO, said=said).default == "qwen2.5-coder:7b"
        assert said == ["--model auto is qwen2.5-coder:7b here"]
        # A job may ask for it as well, of a worker that has another default.
        assert ready(engine, None) == JobModels(default=DEFAULT_MODEL, auto="qwen2.5-coder:7b")
        assert ready(engine, "llama3:8b") == JobModels(default="llama3:8b", auto="qwen2.5-coder:7b")
        with pytest.raises(ModelMissing, match=r"does not have qwen2\.5-coder:14b"):
            ready(engine, "qwen2.5-coder:14b")


@pytest.mark.usefixtures("gpu")
def test_in_colab_too_a_job_may_ask_for_the_largest_that_fits_of_what_is_there() -> None:
    with LoopbackOllama() as server:
        settings, _ = prepare(RunSettings(host=server.url, lanes=1), say=lambda _line: None)

    assert (settings.model, settings.auto_model) == (DEFAULT_MODEL, "qwen2.5-coder:14b")


def test_where_nobody_knows_the_machine_auto_is_the_largest_coder_model() -> None:
    engine = ScriptedEngine(models=("llama3:70b", "qwen2.5-coder-7b", "qwen3-coder-30b-a3b"))

    assert ready(engine, AUTO) == JobModels(default="qwen3-coder-30b-a3b", auto="qwen3-coder-30b-a3b")
    assert ready(ScriptedEngine(models=("only",)), AUTO).default == "only"
    assert ready(ScriptedEngine(models=("a", "b")), "a") == JobModels(default="a", auto="a")
    with pytest.raises(ConfigError, match=r"none of the engine's 2 models is a coder model"):
        ready(ScriptedEngine(models=("a", "b")), AUTO)
    with pytest.raises(ConfigError, match="2 models: choose one"):
        ready(ScriptedEngine(models=("a", "b")), None)


@pytest.mark.parametrize("model", [None, AUTO])
def test_an_engine_that_is_down_cannot_say_which_model_it_has(model: str | None) -> None:
    engine = ScriptedEngine()
    engine.down = True

    with pytest.raises(ConfigError, match="give --model"):
        ready(engine, model)
    assert ready(engine, "big").default == "big"  # the worker waits for it


def test_a_job_gets_its_own_model_auto_or_the_default_and_the_result_says_which(harness: Harness) -> None:
    wanted = {"small": "small", "auto": "fits", None: "default"}
    jobs = [harness.add(f"prompt {model}", model=model)[0] for model in wanted]
    engine = ScriptedEngine(models=("small", "fits", "default"))

    harness.worker(engine, model="default", auto_model="fits").run()

    assert {request.text: request.model for request in engine.requests} == {
        f"prompt {model}": given for model, given in wanted.items()
    }
    assert [harness.view(job).result.model for job in jobs] == list(wanted.values())
