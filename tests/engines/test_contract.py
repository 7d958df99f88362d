"""What every engine does, and the fake as well: each test runs on all of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.core.errors import BadRequest, ContextExceeded, EngineDown, ModelMissing
from bridge.engines.base import Engine, Request, Stop, Stopped
from bridge.engines.llamacpp import LlamaCppEngine
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine
from bridge.engines.retry import rule_for
from bridge.engines.scripted import ScriptedEngine
from tests.support.gguf import write_tiny_gguf
from tests.support.ollama import LoopbackOllama
from tests.support.openai import LoopbackOpenAI


@dataclass
class Bench:
    """An engine under test, and how to take it down and up again."""

    engine: Engine
    model: str
    down: Callable[[], object]
    up: Callable[[], object]

    def request(self, prompt: object = "Say something.", **more: object) -> Request:
        return Request(**{"prompt": prompt, "model": self.model, "num_ctx": 1024, "max_tokens": 64, **more})


def letters(prompt: str) -> str:
    return "abcdefghij" * 200


@contextlib.contextmanager
def ollama(tmp_path: Path) -> Iterator[Bench]:
    with LoopbackOllama(answer=letters) as server:
        yield Bench(OllamaEngine(server.url), "qwen2.5-coder:7b", server.stop, server.start)


@contextlib.contextmanager
def openai(tmp_path: Path) -> Iterator[Bench]:
    with LoopbackOpenAI(answer=letters, key="sk-secret", context=1024) as server:
        engine = OpenAIEngine(server.url, "sk-secret")
        yield Bench(engine, "small", server.stop, server.start)
        engine.close()


@contextlib.contextmanager
def scripted(tmp_path: Path) -> Iterator[Bench]:
    engine = ScriptedEngine(lambda request: letters(""))
    yield Bench(engine, "scripted", lambda: setattr(engine, "down", True), lambda: setattr(engine, "down", False))


@contextlib.contextmanager
def llamacpp(tmp_path: Path) -> Iterator[Bench]:
    pytest.importorskip("xllamacpp")
    path = write_tiny_gguf(tmp_path / "tiny.gguf")
    aside = tmp_path / "aside.gguf"
    engine = LlamaCppEngine(path, lanes=2, num_ctx=1024, threads=1)

    def down() -> None:
        path.rename(aside)
        engine.close()

    yield Bench(engine, "tiny", down, lambda: aside.rename(path))
    engine.close()


@pytest.fixture(params=[ollama, openai, scripted, llamacpp], ids=lambda member: member.__name__)
def toolchain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with request.param(tmp_path) as found:
        yield found


def test_the_pieces_make_the_answer_and_the_counts_are_there(toolchain: Bench) -> None:
    pieces: list[str] = []
    answer = toolchain.engine.answer(toolchain.request(), pieces.append)
    assert answer.text == "".join(pieces) != ""
    assert len(pieces) > 1
    assert answer.model == toolchain.model
    assert answer.usage["prompt_tokens"] > 0
    assert answer.usage["completion_tokens"] == 64
    assert answer.timing_s["total"] > 0


def test_an_answer_that_reaches_its_limit_says_length(toolchain: Bench) -> None:
    answer = toolchain.engine.answer(toolchain.request(max_tokens=5))
    assert answer.finish_reason == "length"
    assert answer.truncated
    assert answer.usage["completion_tokens"] == 5


def test_chat_messages_are_answered(toolchain: Bench) -> None:
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"})
    assert toolchain.engine.answer(toolchain.request(messages, temperature=0.0, top_p=0.9, seed=1, stop=("STOP",))).text


def test_an_unknown_model_is_missing_and_no_other_is_taken(toolchain: Bench) -> None:
    with pytest.raises(ModelMissing):
        toolchain.engine.answer(toolchain.request(model="nobody:1b"))


@pytest.mark.parametrize(
    "prompt", ["a long story " * 800, ({"role": "user", "content": "a long story " * 800},)], ids=["plain", "chat"]
)
def test_a_prompt_that_is_too_long_is_refused_with_the_number_of_tokens(toolchain: Bench, prompt: object) -> None:
    with pytest.raises(ContextExceeded) as caught:
        toolchain.engine.answer(toolchain.request(prompt))
    assert caught.value.over_by > 500
    assert str(caught.value.over_by) in str(caught.value)
    assert not rule_for(caught.value).again


@pytest.mark.parametrize("prompt", ["", " \n", ()])
def test_an_empty_prompt_is_a_bad_request(toolchain: Bench, prompt: object) -> None:
    with pytest.raises(BadRequest, match="empty"):
        toolchain.engine.answer(toolchain.request(prompt))


def test_stop_ends_an_answer_between_two_pieces_and_the_engine_works_on(toolchain: Bench) -> None:
    stop = Stop()
    pieces: list[str] = []

    def on_token(piece: str) -> None:
        pieces.append(piece)
        stop.set()

    with pytest.raises(Stopped):
        toolchain.engine.answer(toolchain.request(max_tokens=400), on_token, stop=stop)
    assert len(pieces) < 400
    with pytest.raises(Stopped):
        toolchain.engine.answer(toolchain.request(), stop=stop)
    assert toolchain.engine.answer(toolchain.request(max_tokens=5)).text


def test_what_the_callback_raises_passes_through_and_the_engine_works_on(toolchain: Bench) -> None:
    def burst(piece: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        toolchain.engine.answer(toolchain.request(max_tokens=400), burst)
    assert toolchain.engine.answer(toolchain.request(max_tokens=5)).text


def test_threads_share_an_engine_and_get_their_own_answers(toolchain: Bench) -> None:
    def ask(number: int) -> bool:
        own = threading.current_thread()
        pieces: list[str] = []

        def on_token(piece: str) -> None:
            assert threading.current_thread() is own
            pieces.append(piece)

        return toolchain.engine.answer(toolchain.request(f"Number {number}", max_tokens=20), on_token).text == "".join(
            pieces
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(12)))


def test_its_models_are_listed_and_pulling_one_that_is_there_does_nothing(toolchain: Bench) -> None:
    assert toolchain.model in {model.name for model in toolchain.engine.models()}
    toolchain.engine.pull(toolchain.model)


def test_health_never_raises_and_an_engine_that_comes_back_answers_again(toolchain: Bench) -> None:
    assert toolchain.engine.health().ok
    toolchain.down()
    health = toolchain.engine.health()
    assert not health.ok
    assert health.detail
    with pytest.raises(ModelMissing if toolchain.engine.name == "llamacpp" else EngineDown):  # there its file is gone
        toolchain.engine.answer(toolchain.request())
    toolchain.up()
    assert toolchain.engine.answer(toolchain.request(max_tokens=5)).text


def test_closing_twice_is_fine(toolchain: Bench) -> None:
    toolchain.engine.close()
    toolchain.engine.close()
