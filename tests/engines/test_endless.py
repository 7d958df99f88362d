"""Replies that do not end: bounded in memory and in time, cut and marked, by every client that reads from a server.

Memory is that of a real process, which asks once with the limits that everybody has.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bridge.core.chat import FinishReason
from bridge.core.errors import EngineDown, EngineError, StreamInterrupted
from bridge.core.options import CHARS_PER_TOKEN, LONGEST_ANSWER
from bridge.engines.base import Engine, Request
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine
from tests.support.ollama import Failure, LoopbackOllama
from tests.support.openai import LoopbackOpenAI
from tests.support.patience import LONG_S

MODEL = "qwen2.5-coder:7b"

_ASK = """
import json, sys
from bridge.core.errors import EngineError
from bridge.engines.base import Request
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine

kind, url, timeout_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
engine = OllamaEngine(url) if kind == "ollama" else OpenAIEngine(url)
try:
    answer = engine.answer(Request(prompt="Hi", model="qwen2.5-coder:7b", timeout_s=timeout_s))
    said = {"chars": len(answer.text), "finish": answer.finish_reason.value}
except EngineError as error:
    said = {"kind": error.kind, "error": str(error)[:300], "partial": len(error.partial)}
# Not ru_maxrss: that begins with what the process which started this one had.
hwm = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
said["peak_mb"] = int(hwm.split()[1]) / 1024
print(json.dumps(said))
"""


def ask_in_a_child(kind: str, url: str, timeout_s: float) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", _ASK, kind, url, str(timeout_s)],
        capture_output=True,
        text=True,
        timeout=2 * LONG_S,
        check=True,
    )
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.fixture
def ollama() -> Iterator[LoopbackOllama]:
    with LoopbackOllama() as server:
        yield server


@pytest.fixture
def openai() -> Iterator[LoopbackOpenAI]:
    with LoopbackOpenAI(models=(MODEL,)) as server:
        yield server


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["ollama", "openai"])
@pytest.mark.parametrize("way", ["endless", "endless line", "trickle", "endless error", "endless calls"])
def test_a_reply_without_end_takes_neither_memory_nor_more_than_the_job_timeout(
    kind: str, way: str, ollama: LoopbackOllama, openai: LoopbackOpenAI
) -> None:
    ollama.failing_prompts = {"Hi": Failure(way)}
    openai.broken = way
    limit_s = 1 if way == "trickle" else LONG_S
    said = ask_in_a_child(kind, ollama.url if kind == "ollama" else openai.url, limit_s)
    assert said["peak_mb"] < 200
    assert ("time limit" in str(said.get("error"))) == (
        way == "trickle"
    )  # the others end by what came, not by the limit
    if way == "endless":
        assert (said["chars"], said["finish"]) == (LONGEST_ANSWER, "length")
    if way in ("endless line", "trickle"):
        assert said["kind"] == "interrupted"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_reply_that_unpacks_to_gigabytes_is_refused(openai: LoopbackOpenAI) -> None:
    openai.broken = "bomb"
    said = ask_in_a_child("openai", openai.url, LONG_S)
    assert said["peak_mb"] < 200
    assert "compresses" in str(said["error"])


def engines(ollama: LoopbackOllama, openai: LoopbackOpenAI, longest: int) -> list[Engine]:
    return [OllamaEngine(ollama.url, longest_answer=longest), OpenAIEngine(openai.url, longest_answer=longest)]


@pytest.mark.parametrize("way", ["endless", "endless, connection: close"])
def test_an_answer_far_beyond_its_tokens_is_cut_and_marked(
    way: str, ollama: LoopbackOllama, openai: LoopbackOpenAI
) -> None:
    ollama.failing_prompts = {"Hi": Failure(way)}
    openai.broken = way
    for engine in engines(ollama, openai, 1000):
        pieces: list[str] = []
        answer = engine.answer(Request(prompt="Hi", model=MODEL, max_tokens=10), pieces.append)
        assert answer.text == "".join(pieces) == ("word " * 200)
        assert (answer.truncated, answer.finish_reason) == (True, FinishReason.LENGTH)
        many = engine.answer(Request(prompt="Hi", model=MODEL, max_tokens=500))  # more tokens, more room
        assert len(many.text) == 500 * CHARS_PER_TOKEN
    ollama.await_requests(2)
    assert openai.left.wait(LONG_S)  # the server was told that nobody reads any more


def test_an_honest_answer_is_not_cut(ollama: LoopbackOllama, openai: LoopbackOpenAI) -> None:
    ollama.answer = openai.answer = lambda _: "x" * 100
    for engine in engines(ollama, openai, 100):
        answer = engine.answer(Request(prompt="Hi", model=MODEL, max_tokens=100))
        assert (answer.text, answer.truncated) == ("x" * 100, False)


@pytest.mark.parametrize("way", ["trickle", "trickled head"])
def test_the_time_limit_holds_within_a_line_that_trickles_in(
    way: str, ollama: LoopbackOllama, openai: LoopbackOpenAI
) -> None:
    ollama.failing_prompts = {"Hi": Failure(way)}
    openai.broken = "trickle"
    for engine in engines(ollama, openai, 1000):
        with pytest.raises(StreamInterrupted, match="time limit"):  # the server goes on for ever
            engine.answer(Request(prompt="Hi", model=MODEL, timeout_s=0.2))
    assert openai.left.wait(LONG_S)
    with ollama.changed:
        assert ollama.changed.wait_for(lambda: ollama.cancelled == 1, LONG_S)


@pytest.mark.parametrize("way", [Failure.SIGN_IN, Failure.SIGN_IN_AS_JSON])
def test_a_page_with_status_200_is_no_answer_of_ollama(way: Failure, ollama: LoopbackOllama) -> None:
    ollama.failing_prompts = {"Hi": way}
    with pytest.raises(EngineDown):
        OllamaEngine(ollama.url).answer(Request(prompt="Hi", model=MODEL))


def test_a_page_with_status_200_is_no_answer_of_an_api(openai: LoopbackOpenAI) -> None:
    openai.broken = (200, {"Content-Type": "text/html; charset=utf-8"}, "<html>Please sign in</html>")
    with pytest.raises(EngineDown, match=r"text/html.*sign in"):
        OpenAIEngine(openai.url).answer(Request(prompt="Hi", model=MODEL))


def test_a_value_nested_too_deep_to_read_is_an_error_and_no_hang(openai: LoopbackOpenAI) -> None:
    openai.broken = (200, {"Content-Type": "text/event-stream"}, "data: " + "[" * 200_000 + "\n\n")
    with pytest.raises(EngineError):
        OpenAIEngine(openai.url).answer(Request(prompt="Hi", model=MODEL, timeout_s=20))
