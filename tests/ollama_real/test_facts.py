"""What is known of Ollama's wire, asked of a real one. Where versions differ, this is 0.24; docs/ollama.md has the table."""

from __future__ import annotations

import threading

import pytest

from bridge.kernel.error_kind import ErrorKind, OllamaError
from bridge.kernel.ollama import Ollama
from tests.ollama_real.build import VERSION
from tests.ollama_real.conftest import PLAIN, TINY, VECTORS
from tests.ollama_real.server import RealOllama
from tests.support.patience import until

pytestmark = pytest.mark.timeout(600)
LONG = "a long story " * 800


def test_it_is_the_pinned_one(real: RealOllama) -> None:
    assert Ollama(real.url).version() == VERSION


def test_a_plain_prompt_that_is_too_long_is_cut_without_a_word_when_only_shift_is_false(real: RealOllama) -> None:
    body = {"model": PLAIN, "prompt": LONG, "shift": False, "options": {"num_ctx": 256, "num_predict": 2}}
    [cut] = real.post("/api/generate", {**body, "stream": False})
    assert cut["done"]
    assert cut["prompt_eval_count"] == 256
    [refused] = real.post("/api/generate", {**body, "truncate": False, "stream": False})
    assert (refused["status"], refused["error"]) == (400, "the input length exceeds the context length")


@pytest.mark.parametrize(
    "prompt", [LONG, "a story " * 60], ids=["far", "a little"]
)  # a little: no estimate would see it
@pytest.mark.parametrize("chat", [False, True])
def test_our_client_has_it_refused_either_way(real: RealOllama, prompt: str, chat: bool) -> None:
    asked = {"messages": [{"role": "user", "content": prompt}]} if chat else prompt
    with pytest.raises(OllamaError) as caught:
        Ollama(real.url).answer(asked, model=PLAIN, num_ctx=256, num_predict=2)  # type: ignore[arg-type]
    assert caught.value.kind is ErrorKind.CONTEXT_EXCEEDED


def test_an_answer_that_reaches_num_predict_says_length(real: RealOllama) -> None:
    reply = Ollama(real.url).answer("Say something", model=PLAIN, num_ctx=512, num_predict=7)
    assert (reply.finish_reason, reply.completion_tokens) == ("length", 7)


def test_an_answer_that_fills_the_context_says_length_and_does_not_slide(real: RealOllama) -> None:
    reply = Ollama(real.url).answer("word " * 10, model=PLAIN, num_ctx=256, num_predict=10_000)
    assert reply.finish_reason in ("length", "repetition")
    assert reply.prompt_tokens is None or reply.prompt_tokens + (reply.completion_tokens or 0) <= 257


def test_a_cached_prompt_is_counted_all_the_same(real: RealOllama) -> None:
    client = Ollama(real.url)
    counts = [client.answer("Count me twice.", model=PLAIN, num_ctx=512, num_predict=2).prompt_tokens for _ in range(2)]
    assert counts[0] == counts[1] is not None


def test_an_unknown_model_is_missing_wherever_it_is_asked_for(real: RealOllama) -> None:
    client = Ollama(real.url)
    for ask in (
        lambda: client.answer("Hi", model="nobody:1b", num_ctx=256, num_predict=2),
        lambda: client.show("nobody:1b"),
        lambda: client.load("nobody:1b", num_ctx=256),
        lambda: client.embed(["a"], model="nobody:1b"),
        lambda: client.remove("nobody:1b"),
    ):
        with pytest.raises(OllamaError, match="nobody") as caught:
            ask()
        assert caught.value.kind is ErrorKind.MODEL_MISSING


def test_an_option_of_the_wrong_type_is_a_bad_request_whatever_its_status(real: RealOllama) -> None:
    [said] = real.post(
        "/api/generate", {"model": PLAIN, "prompt": "Hi", "options": {"num_ctx": "many"}, "stream": False}
    )
    assert said["status"] in (400, 500)
    assert "must be of type" in said["error"]


def test_a_model_stays_as_long_as_it_was_told_to(real: RealOllama) -> None:
    client = Ollama(real.url)
    client.answer("Hi", model=PLAIN, num_ctx=256, num_predict=2, keep_alive="1s")
    until(lambda: PLAIN not in {model.name for model in client.loaded()})
    client.load(PLAIN, num_ctx=256, keep_alive="10m")
    [loaded] = [model for model in client.loaded() if model.name == PLAIN]
    assert loaded.context_tokens == 256
    client.unload(PLAIN)
    until(lambda: not [model for model in client.loaded() if model.name == PLAIN])
    client.unload(PLAIN)  # nothing is loaded: nothing happens


def test_two_models_answer_in_turn_and_another_context_loads_anew(real: RealOllama) -> None:
    client = Ollama(real.url)
    replies = [client.answer("Hi", model=name, num_ctx=512, num_predict=3) for name in (TINY, PLAIN, TINY, PLAIN)]
    assert [reply.model for reply in replies] == [TINY, PLAIN, TINY, PLAIN]
    assert {model.name for model in client.loaded()} == {TINY, PLAIN}  # on a CPU both stay
    client.answer("Hi", model=PLAIN, num_ctx=1024, num_predict=3)
    assert {model.context_tokens for model in client.loaded() if model.name == PLAIN} == {1024}


@pytest.mark.parametrize("crash", ["runner", "server"])
def test_a_crash_in_the_middle_is_an_interruption_with_what_had_come(real: RealOllama, crash: str) -> None:
    pieces: list[str] = []

    def on_token(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            (real.kill_runner if crash == "runner" else real.kill)()

    client = Ollama(real.url)
    with pytest.raises(OllamaError) as caught:
        client.answer("Tell me all", model=PLAIN, num_ctx=2048, num_predict=1500, on_token=on_token)
    assert caught.value.kind is ErrorKind.INTERRUPTED
    assert caught.value.partial.startswith("".join(pieces[:3]))
    if crash == "server":
        real.start()
    assert client.answer("Hi", model=PLAIN, num_ctx=2048, num_predict=3).text  # the next one is answered


def test_more_requests_than_it_takes_at_once_wait_their_turn(real: RealOllama) -> None:
    client, answers = Ollama(real.url), []

    def ask() -> None:
        answers.append(client.answer("Hi", model=PLAIN, num_ctx=512, num_predict=5).text)

    threads = [threading.Thread(target=ask) for _ in range(6)]  # OLLAMA_NUM_PARALLEL is 2 here
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(answers) == 6


def test_what_a_model_can_do_is_what_its_template_has_room_for(real: RealOllama) -> None:
    client = Ollama(real.url)
    assert {"completion", "tools", "insert"} <= set(client.show(TINY)["capabilities"])
    assert client.show(PLAIN)["capabilities"] == ["completion"]
    [said] = real.post("/api/generate", {"model": PLAIN, "prompt": "def f():", "suffix": "\n", "stream": False})
    assert (said["status"], "does not support insert" in said["error"]) == (400, True)


def test_a_limit_that_is_reached_inside_a_tool_call_is_no_reason_to_ask_again(real: RealOllama) -> None:
    tool = {"type": "function", "function": {"name": "get_weather", "description": "The weather of a city",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip
    asked = {"messages": [{"role": "user", "content": "What is the weather in Paris?"}], "tools": [tool]}
    with pytest.raises(OllamaError, match="raise max_tokens") as caught:
        Ollama(real.url).answer(asked, model=TINY, num_ctx=1024, num_predict=4)  # type: ignore[arg-type]
    assert not caught.value.kind.retry


def test_a_runner_that_crashes_on_vectors_is_told_as_a_crash(real: RealOllama) -> None:
    """This llama.cpp asserts in pooling a toy of Qwen's kind; Ollama calls that a bad request."""
    with pytest.raises(OllamaError, match="do embedding request") as caught:
        Ollama(real.url).embed(["alpha"], model=VECTORS)
    assert caught.value.kind is ErrorKind.INTERRUPTED


def test_a_tool_in_qwens_own_template_is_no_json(real: RealOllama) -> None:
    """`{{ .Function }}`, as qwen2.5-coder's template has it, is a Go struct from 0.20 to 0.24: such a model reads no schema."""
    template = "{{ range .Tools }}{{ .Function }}{{ end }}{{ range .Messages }}{{ .Content }}{{ end }}"
    real.create("own-template:1m", real.home / "plain.gguf", template=template)
    tool = {
        "type": "function",
        "function": {"name": "f", "description": "", "parameters": {"type": "object", "properties": {}}},
    }
    body = {"model": "own-template:1m", "messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}
    [said] = real.post("/api/chat", {**body, "stream": False, "_debug_render_only": True})
    assert said["_debug_info"]["rendered_template"].startswith("{f  {object")


def test_a_name_without_a_tag_means_latest(real: RealOllama) -> None:
    real.create("untagged", real.home / "plain.gguf")
    client = Ollama(real.url)
    assert client.has("untagged")
    assert client.answer("Hi", model="untagged", num_ctx=512, num_predict=3).text
    client.unload("untagged")
    until(lambda: "untagged:latest" not in {model.name for model in client.loaded()})
    client.remove("untagged")
    assert not client.has("untagged")
