"""What every engine does, and the fake as well: each test runs on all of them."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.core.chat import (
    AnswerFormat,
    ChatMessage,
    ChatRole,
    FinishReason,
    ImagePart,
    ResponseFormat,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolUse,
)
from bridge.core.errors import BadRequest, ContextExceeded, EngineDown, ModelMissing, NotSupported
from bridge.engines.base import Capabilities, Engine, Request, Stop, Stopped
from bridge.engines.llamacpp import LlamaCppEngine
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine
from bridge.engines.retry import rule_for
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.models import tiny
from tests.support.gguf import write_tiny_gguf
from tests.support.ollama import LoopbackOllama
from tests.support.openai import LoopbackOpenAI
from tests.support.patience import until


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
    messages = (ChatMessage.system("Be brief."), ChatMessage.user("Hi"))
    assert toolchain.engine.answer(toolchain.request(messages, temperature=0.0, top_p=0.9, seed=1, stop=("STOP",))).text


def test_an_unknown_model_is_missing_and_no_other_is_taken(toolchain: Bench) -> None:
    with pytest.raises(ModelMissing):
        toolchain.engine.answer(toolchain.request(model="nobody:1b"))


@pytest.mark.parametrize(
    "prompt", ["a long story " * 800, (ChatMessage.user("a long story " * 800),)], ids=["plain", "chat"]
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


# ---- what only some can do ------------------------------------------------------------------------------------------

WEATHER = ToolDefinition(
    name="get_weather",
    description="The weather of a city",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
X = {
    "type": "object",
    "properties": {"x": {"type": "integer", "maximum": 99}},
    "required": ["x"],
    "additionalProperties": False,
}
CALL = {"name": "get_weather", "arguments": {"city": "Paris"}}
AFTER_A_CALL = (
    ChatMessage.user("What is the weather in Paris?"),
    ChatMessage(
        role=ChatRole.ASSISTANT, tool_calls=(ToolCall(id="c1", name="get_weather", arguments='{"city": "Paris"}'),)
    ),
    ChatMessage(role=ChatRole.TOOL, parts=ChatMessage.user("Sunny").parts, tool_call_id="c1"),
)


@dataclass
class Able:
    """An engine with a model that can do what this engine can do at all."""

    engine: Engine
    model: str
    plain: Engine  #: the same kind with a model that can only answer

    def request(self, prompt: object = "Say something.", **more: object) -> Request:
        return Request(**{"prompt": prompt, "model": self.model, "num_ctx": 2048, "max_tokens": 64, **more})


@contextlib.contextmanager
def able_ollama(tmp_path: Path) -> Iterator[Able]:
    can = ("completion", "insert", "tools", "embedding")
    calls = ({"function": CALL},)
    name = "qwen2.5-coder:7b"
    with (
        LoopbackOllama(capabilities=can, tool_calls=calls) as server,
        LoopbackOllama(capabilities=("completion",)) as plain,
    ):
        yield Able(OllamaEngine(server.url), name, OllamaEngine(plain.url))


@contextlib.contextmanager
def able_openai(tmp_path: Path) -> Iterator[Able]:
    calls = (("call_9", "get_weather", json.dumps(CALL["arguments"])),)
    with LoopbackOpenAI(tool_calls=calls) as server, LoopbackOpenAI(embeds=False) as plain:
        engines = OpenAIEngine(server.url), OpenAIEngine(plain.url)
        yield Able(engines[0], "small", engines[1])
        for engine in engines:
            engine.close()


class Obliging(ScriptedEngine):
    """Answers as a model would that does what it is asked."""

    def answer(self, request: Request, *rest: object, **more: object) -> object:
        if request.tools:
            call = ToolCall(id="c", name=request.tools[0].name, arguments=json.dumps(CALL["arguments"]))
            self.enqueue(Scripted(text="", tool_calls=(call,)))
        elif request.response_format.kind is not AnswerFormat.TEXT:
            self.enqueue('{"x": 7}')
        return super().answer(request, *rest, **more)


@contextlib.contextmanager
def able_scripted(tmp_path: Path) -> Iterator[Able]:
    yield Able(Obliging(), "scripted", ScriptedEngine(can=Capabilities()))


@contextlib.contextmanager
def able_llamacpp(tmp_path: Path) -> Iterator[Able]:
    pytest.importorskip("xllamacpp")
    engine = LlamaCppEngine(tiny.PATH, num_ctx=2048, threads=1, called=tiny.NAME, embeddings=True)
    plain = LlamaCppEngine(write_tiny_gguf(tmp_path / "plain.gguf"), called=tiny.NAME, threads=1)
    yield Able(engine, tiny.NAME, plain)
    engine.close()
    plain.close()


@pytest.fixture(params=[able_ollama, able_openai, able_scripted, able_llamacpp], ids=lambda member: member.__name__)
def able(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Able]:
    with request.param(tmp_path) as found:
        yield found


def test_a_tool_call_comes_as_a_call_and_counts_as_a_whole_answer(able: Able) -> None:
    pieces: list[str] = []
    asked = able.request("What is the weather in Paris?", tools=(WEATHER,), temperature=0.0)
    answer = able.engine.answer(asked, pieces.append)
    [call] = answer.tool_calls
    assert call.name == "get_weather"
    assert call.id
    assert list(json.loads(call.arguments)) == ["city"]
    assert answer.finish_reason is FinishReason.TOOL_CALLS
    assert not answer.truncated
    assert "".join(pieces) == answer.text
    assert "tool_call" not in answer.text


def test_tools_that_must_not_be_used_are_not_called(able: Able) -> None:
    choice = ToolChoice(use=ToolUse.NONE)
    if able.engine.name in ("scripted", "openai"):
        pytest.skip("whoever answers there decides")
    answer = able.engine.answer(able.request(tools=(WEATHER,), tool_choice=choice))
    assert not answer.tool_calls


def test_the_result_of_a_tool_is_read(able: Able) -> None:
    assert able.engine.answer(able.request(AFTER_A_CALL)).text


@pytest.mark.parametrize("kind", [AnswerFormat.JSON_OBJECT, AnswerFormat.JSON_SCHEMA])
def test_an_answer_in_a_wanted_form_is_json(able: Able, kind: AnswerFormat) -> None:
    wanted = ResponseFormat(kind=kind, schema=X if kind is AnswerFormat.JSON_SCHEMA else None)
    if able.engine.name == "llamacpp" and kind is AnswerFormat.JSON_OBJECT:
        pytest.skip("the toy does not come to an end where nothing ends it")
    found = json.loads(able.engine.answer(able.request("A number as JSON", response_format=wanted)).text)
    assert isinstance(found["x"], int)


def test_the_middle_is_filled_in_or_the_capability_says_no(able: Able) -> None:
    request = able.request("def add(a, b):\n    ", suffix="\n\nprint(add(1, 2))", max_tokens=8)
    if able.engine.capabilities(able.model).suffix:
        answer = able.engine.answer(request)
        assert answer.text
        assert able.engine.name != "llamacpp" or answer.text == "return a + b"
    else:
        with pytest.raises(NotSupported, match="fill in the middle"):
            able.engine.answer(request)


@pytest.mark.parametrize(
    "asked",
    [
        {},  # a prompt
        {"prompt": AFTER_A_CALL},  # a conversation with tool calls
        {"tools": (WEATHER,)},  # the template adds the tools
        {"prompt": "def add(a, b):\n    ", "suffix": "\n"},  # fill-in-the-middle
    ],
    ids=["prompt", "chat", "tools", "middle"],
)
def test_an_exact_count_is_what_the_answer_then_counts(able: Able, asked: dict[str, object]) -> None:
    request = able.request(**asked, max_tokens=4)
    if not able.engine.capabilities(able.model).exact_counts:
        with pytest.raises(NotSupported):
            able.engine.count_tokens(request)
        return
    assert able.engine.count_tokens(request) == able.engine.answer(request).usage["prompt_tokens"]


def test_embeddings_are_one_vector_a_text_in_order(able: Able) -> None:
    assert able.engine.capabilities(able.model).embeddings
    first, second, again = able.engine.embed(["alpha", "a longer text", "alpha"], able.model)
    assert len(first) == len(second) > 1
    assert first == pytest.approx(again, abs=1e-4)
    assert first != pytest.approx(second, abs=1e-4)


def test_asking_what_it_can_and_how_it_is_loads_nothing(able: Able) -> None:
    if able.engine.name == "openai":
        pytest.skip("an API loads and unloads as it likes")
    able.engine.unload(able.model)
    until(lambda: able.model not in able.engine.health().loaded)  # Ollama does it a moment after it said so
    assert able.engine.capabilities(able.model).context_tokens
    assert able.engine.health().ok
    assert able.model not in able.engine.health().loaded
    able.engine.load(able.model)
    assert able.model in able.engine.health().loaded
    able.engine.unload(able.model)
    able.engine.unload(able.model)
    until(lambda: able.model not in able.engine.health().loaded)
    assert able.engine.answer(able.request(max_tokens=5)).text


@pytest.mark.parametrize(
    "asked",
    [
        {"prompt": "def f():", "suffix": "\n"},
        {"prompt": (ChatMessage(role=ChatRole.USER, parts=(ImagePart(url="data:image/png;base64,AAAA"),)),)},
        {"tools": (WEATHER,)},
        {"tools": (WEATHER,), "tool_choice": ToolChoice(use=ToolUse.REQUIRED)},
        {"n": 2},
    ],
    ids=["suffix", "image", "tools", "forced tool", "two answers"],
)
def test_what_a_model_cannot_do_is_refused_by_name(able: Able, asked: dict[str, object]) -> None:
    if able.engine.name == "openai" and not asked.keys() & {"suffix", "n"}:
        pytest.skip("such an API knows its models, and refuses by itself")
    with pytest.raises(NotSupported) as caught:
        able.plain.answer(able.request(**asked))
    assert (caught.value.kind, rule_for(caught.value).again) == ("not_supported", False)


def test_a_model_without_embeddings_says_so(able: Able) -> None:
    with pytest.raises(NotSupported):
        able.plain.embed(["alpha"], able.model)


def test_an_unknown_model_has_no_capabilities(able: Able) -> None:
    if able.engine.name == "openai":
        pytest.skip("an API does not tell")
    with pytest.raises(ModelMissing):
        able.engine.capabilities("nobody:1b")
