"""Every engine is an Engine, says mypy; nothing here runs."""

from __future__ import annotations

from bridge.engines.base import Answer, Engine, Request, Stop
from bridge.engines.llamacpp import LlamaCppEngine
from bridge.engines.ollama import OllamaEngine
from bridge.engines.openai import OpenAIEngine
from bridge.engines.scripted import ScriptedEngine


def engines() -> tuple[Engine, ...]:
    return (OllamaEngine("127.0.0.1"), OpenAIEngine("http://x/v1"), LlamaCppEngine("x.gguf"), ScriptedEngine())


def use(engine: Engine) -> str:
    answer: Answer = engine.answer(Request(prompt="Hi", model="m"), print, stop=Stop())
    return answer.text
