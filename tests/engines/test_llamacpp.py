"""A real llama.cpp, through xllamacpp, with a tiny model that the test makes itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import BadRequest, ContextExceeded, EngineDown, MissingExtra, StreamInterrupted
from bridge.engines.base import Request, Stop, Stopped
from bridge.engines.llamacpp import LlamaCppEngine
from bridge.wiring import ready_models
from tests.support.gguf import write_tiny_gguf
from tests.support.patience import LONG_S

pytest.importorskip("xllamacpp")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[str]]:
    """The processes that an engine starts, as they come."""
    started: list[subprocess.Popen[str]] = []

    class Recorded(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recorded)
    return started


@pytest.fixture
def engine(model: Path) -> Iterator[LlamaCppEngine]:
    engine = LlamaCppEngine(model, lanes=2, num_ctx=2048, threads=1)
    yield engine
    engine.close()


def request(prompt: str = "Hello", **more: object) -> Request:
    return Request(**{"prompt": prompt, "model": "tiny", "max_tokens": 50, "temperature": 0.0, **more})


def test_the_same_request_at_temperature_zero_gives_the_same_answer(engine: LlamaCppEngine) -> None:
    assert engine.answer(request()).text == engine.answer(request()).text


def test_a_stop_text_ends_the_answer_and_is_not_part_of_it(engine: LlamaCppEngine) -> None:
    whole = engine.answer(request()).text
    cut = engine.answer(request(stop=(whole[20:23],)))
    assert cut.finish_reason == "stop"
    assert whole.startswith(cut.text)
    assert len(cut.text) <= 20


def test_every_lane_has_the_context_that_was_asked_for_and_no_more(engine: LlamaCppEngine) -> None:
    with pytest.raises(ContextExceeded, match="the context holds 2048"):
        engine.answer(request("word " * 500))
    assert engine.answer(request("word " * 350)).usage["prompt_tokens"] > 1024


def test_a_request_that_is_stopped_frees_its_lane(engine: LlamaCppEngine) -> None:
    for _ in range(4):  # more than there are lanes
        stop = Stop()
        with pytest.raises(Stopped):
            engine.answer(request(max_tokens=1900), lambda piece, stop=stop: stop.set(), stop=stop)
    assert engine.answer(request()).text


@pytest.mark.parametrize(
    "content",
    [
        b"",  # nothing
        b"this is no model at all",
        None,  # a whole file, cut in the middle
    ],
)
def test_a_bad_file_says_so_and_kills_nobody(model: Path, tmp_path: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(model.read_bytes()[:200_000] if content is None else content)
    engine = LlamaCppEngine(bad)
    with pytest.raises(BadRequest, match=r"bad\.gguf cannot be loaded"):
        engine.answer(request(model="bad"))
    assert not engine.health().ok
    engine.close()


def test_a_child_that_dies_breaks_its_request_and_the_next_one_starts_it_again(
    children: list[subprocess.Popen[str]], engine: LlamaCppEngine
) -> None:
    killed = threading.Event()

    def kill(piece: str) -> None:
        if not killed.is_set():
            killed.set()
            children[-1].kill()

    with pytest.raises((StreamInterrupted, EngineDown), match="starts it again"):
        engine.answer(request(max_tokens=2000), kill)
    assert engine.answer(request()).text


def test_the_child_ends_when_its_parent_lets_go(children: list[subprocess.Popen[str]], engine: LlamaCppEngine) -> None:
    engine.load("tiny")
    [child] = children
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(LONG_S) == 0


def test_without_the_extra_it_names_the_extra(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingExtra, match=r"pip install .*\[embedded\]"):
        LlamaCppEngine(model)


def test_a_file_that_cannot_be_loaded_is_told_before_any_job_is_asked(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"this is no model at all")
    engine = LlamaCppEngine(bad)
    with pytest.raises(BadRequest, match=r"bad\.gguf cannot be loaded"):
        ready_models(engine, None, pull=False, lanes=1, num_ctx=512, say=lambda line: None)
    engine.close()


def test_health_starts_nothing(engine: LlamaCppEngine) -> None:
    assert engine.health().ok
    assert engine.health().loaded == ()
    engine.load("tiny")
    assert engine.health().loaded == ("tiny",)
