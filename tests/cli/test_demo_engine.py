"""Which engine `bridge demo` uses, and that nothing leaves this machine unasked."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from bridge.core.errors import ConfigError, EngineDown, UsageError
from bridge.models import tiny
from bridge.wiring import Choice, choose_engine
from tests.support.ollama import LoopbackOllama
from tests.support.openai import LoopbackOpenAI

#: A port of the loopback that nobody listens on.
NOWHERE = "http://127.0.0.1:1"


class Person:
    """Who is asked, and what they were asked and told."""

    def __init__(self, *, agrees: bool = False) -> None:
        self.agrees = agrees
        self.asked: list[str] = []
        self.told: list[str] = []

    def agree(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees


def choose(person: Person, environ: dict[str, str], **named: str) -> Choice:
    return choose_engine(agree=person.agree, say=person.told.append, environ=environ, **named)


def test_an_ollama_that_runs_answers_with_its_largest_coder_model():
    models = ("llama3:70b", "qwen2.5-coder:1.5b", "qwen2.5-coder:14b-instruct-q4_K_M", "qwen2.5-coder:7b")
    with LoopbackOllama(models=models) as server:
        found = choose(person := Person(), {"OLLAMA_HOST": server.url})

    assert (found.kind, found.model, found.base_url) == ("ollama", "qwen2.5-coder:14b-instruct-q4_K_M", server.url)
    assert "14b" in found.about
    assert person.asked == person.told == []


def test_a_model_that_ollama_only_passes_on_to_its_makers_is_another_machine_too():
    models = ("qwen3-coder:480b-cloud", "qwen2.5-coder:7b")
    with LoopbackOllama(models=models) as server:
        environ = {"OLLAMA_HOST": server.url}
        assert choose(Person(), environ).model == "qwen2.5-coder:7b"
        with pytest.raises(UsageError, match=r"nothing was sent to ollama\.com"):
            choose(Person(agrees=False), environ, model=models[0])
        assert choose(Person(agrees=True), environ, model=models[0]).model == models[0]


def test_an_ollama_without_a_coder_model_is_passed_over_and_said():
    with LoopbackOllama(models=("llama3:70b", "mistral:7b")) as server:
        found = choose(person := Person(), {"OLLAMA_HOST": server.url})

    assert found.model == tiny.NAME
    assert "none of its 2 models is a coder model" in person.told[0]


def test_an_api_on_this_machine_is_next_and_a_model_that_was_named_is_taken():
    with LoopbackOpenAI(models=("small", "qwen2.5-coder-7b", "qwen3-coder-30b-a3b")) as server:
        environ = {"OLLAMA_HOST": NOWHERE, "OPENAI_BASE_URL": server.url}
        assert choose(Person(), environ, model="any").model == "any"
        found = choose(person := Person(), environ)

    assert (found.kind, found.model, found.base_url) == ("openai", "qwen3-coder-30b-a3b", server.url)
    assert person.asked == []
    assert len(person.told) == 1  # that there is no Ollama


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OLLAMA_HOST"])
def test_another_machine_is_not_even_contacted_before_somebody_agrees(name: str, monkeypatch: pytest.MonkeyPatch):
    looked_up: list[object] = []
    real = socket.getaddrinfo

    def look_up(host: object, *args: Any, **more: Any) -> Any:
        looked_up.append(host)
        return real(host, *args, **more)

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    environ = {"OLLAMA_HOST": NOWHERE, name: "https://user:secret@api.example.com/v1"}

    found = choose(person := Person(agrees=False), environ)

    assert found.model == tiny.NAME
    assert set(looked_up) <= {"127.0.0.1"}
    assert person.asked == ["The demo's prompts would go to api.example.com. Send them?"]
    assert not any("secret" in line for line in person.told)


def test_who_agrees_is_told_where_the_prompts_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bridge.engines.openai.OpenAIEngine.models", lambda _self: ())
    environ = {"OLLAMA_HOST": NOWHERE, "OPENAI_BASE_URL": "https://api.example.com/v1"}

    found = choose(person := Person(agrees=True), environ, model="big")

    assert found.about == "big, by an OpenAI-compatible API at api.example.com: the prompts go there"
    assert len(person.asked) == 1


def test_an_engine_that_was_named_is_not_exchanged_for_another():
    with pytest.raises(UsageError, match="--yes agrees"):
        choose(Person(), {"OPENAI_BASE_URL": "https://api.example.com/v1"}, kind="openai")
    with pytest.raises(EngineDown):
        choose(Person(), {"OLLAMA_HOST": NOWHERE}, kind="ollama")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        choose(Person(), {}, kind="openai")
    with pytest.raises(ConfigError, match="unknown engine"):
        choose(Person(), {}, kind="gpt")


def test_a_file_that_was_named_is_taken_and_one_that_is_not_there_is_said(tmp_path: Path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    assert choose(Person(), {}, gguf=str(file)).gguf == str(file)
    assert choose(Person(), {}, gguf="tiny").model == tiny.NAME
    assert choose(Person(), {}, kind="llamacpp").model == tiny.NAME
    with pytest.raises(UsageError, match="there is no file"):
        choose(Person(), {}, gguf=str(tmp_path / "other.gguf"))


def test_without_anything_the_toy_answers_and_is_called_a_toy():
    found = choose(Person(), {"OLLAMA_HOST": NOWHERE})

    assert (found.kind, found.gguf, found.model) == ("llamacpp", "tiny", tiny.NAME)
    assert "a toy" in found.about
