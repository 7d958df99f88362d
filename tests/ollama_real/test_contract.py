"""What every engine does (`tests/engines/test_contract.py`), on a real Ollama."""

# ruff: noqa: F403  # all tests of that file, with other fixtures
from __future__ import annotations

import json

import pytest

from bridge.core.chat import AnswerFormat, ResponseFormat
from bridge.core.errors import ContextExceeded, NotSupported
from bridge.engines.base import Request
from bridge.engines.ollama import OllamaEngine
from tests.engines.test_contract import *
from tests.engines.test_contract import AFTER_A_CALL, WEATHER, Able, Bench, X
from tests.ollama_real.conftest import PLAIN, TINY, VECTORS
from tests.ollama_real.server import RealOllama

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def toolchain(real: RealOllama) -> Bench:
    return Bench(OllamaEngine(real.url), PLAIN, real.kill, real.start)


@pytest.fixture
def able(real: RealOllama, unable_ollama: RealOllama) -> Able:
    return Able(OllamaEngine(real.url), TINY, OllamaEngine(unable_ollama.url))


# ---- where a real Ollama, or the toy in it, is different ------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"prompt": AFTER_A_CALL},
        {"prompt": "What is the weather in Paris?", "tools": (WEATHER,)},  # a call that is cut is kept back: to its end
        {"prompt": "def add(a, b):\n    ", "suffix": "\n"},
    ],
    ids=["prompt", "chat", "tools", "middle"],
)
def test_an_exact_count_is_what_the_answer_then_counts(able: Able, asked: dict[str, object]) -> None:
    request = able.request(**asked, max_tokens=40)
    assert able.engine.count_tokens(request) == able.engine.answer(request).usage["prompt_tokens"]


def test_an_answer_in_a_wanted_form_is_json(able: Able) -> None:
    """The toy fills a schema; JSON without one it may write as it likes."""
    wanted = ResponseFormat(kind=AnswerFormat.JSON_SCHEMA, schema=X)
    answer = able.engine.answer(able.request("A number as JSON", response_format=wanted))
    assert isinstance(json.loads(answer.text)["x"], int)
    free = able.engine.answer(
        able.request("A number as JSON", response_format=ResponseFormat(kind=AnswerFormat.JSON_OBJECT), max_tokens=200)
    )
    assert free.text.lstrip().startswith("{")


def test_embeddings_are_one_vector_a_text_in_order(real: RealOllama) -> None:
    """A model is for vectors or for answers, by its file's `pooling_type`; but vectors it gives of any (up to 0.24)."""
    engine = OllamaEngine(real.url)
    assert engine.capabilities(VECTORS).embeddings
    assert not engine.capabilities(TINY).embeddings
    first, second, again = engine.embed(["alpha", "a longer text", "alpha"], TINY)
    assert len(first) == len(second) > 1
    assert first == pytest.approx(again, abs=1e-4)
    assert first != pytest.approx(second, abs=1e-4)
    with pytest.raises(ContextExceeded):
        engine.embed(["a long story " * 3000], TINY)


def test_a_model_without_embeddings_says_so(real: RealOllama) -> None:
    """It does not: up to 0.24 any model gives vectors, whatever it says that it can do. One for vectors does not answer, though."""
    engine = OllamaEngine(real.url)
    assert engine.embed(["alpha"], PLAIN)
    with pytest.raises(NotSupported):
        engine.answer(Request(prompt="Hi", model=VECTORS, num_ctx=256, max_tokens=4))
