"""Which engine a command line names: by `--engine`, or by the file or the address that it gives."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge.core.errors import UsageError
from bridge.wiring.engines import engine_settings, open_engine
from bridge.wiring.settings import EngineKind, EngineSettings, Settings

_OLLAMAS_PORT = 11434


def named_engine(settings: Settings, *, name: str | None, gguf: str | None, base_url: str | None) -> EngineSettings:
    """The engine that is meant. `--gguf` alone means llama.cpp; `--base-url` alone whatever answers there; nothing means Ollama.

    Raises:
        ConfigError: nobody knows an engine of that name.
        UsageError: the name is that of another kind of engine than the file or the address is for.
    """
    if gguf and base_url:
        raise UsageError("--gguf answers here, and --base-url on a server: give one of them")
    chosen = name or (EngineKind.LLAMACPP.value if gguf else kind_at(base_url).value if base_url else "ollama")
    engine = engine_settings(chosen, settings, gguf=gguf, base_url=base_url)
    if gguf and engine.kind is not EngineKind.LLAMACPP:
        raise UsageError(f"--gguf is a model of llama.cpp, and --engine {chosen} is none: leave --engine out")
    if base_url and engine.kind not in (EngineKind.OLLAMA, EngineKind.OPENAI):
        raise UsageError(f"--base-url is the address of a server, and --engine {chosen} has none: leave --engine out")
    return engine


def kind_at(base_url: str) -> EngineKind:
    """What is at an address: Ollama, if it answers like it, else an OpenAI-compatible API. Where nobody answers, its port tells."""
    parts = urlsplit(base_url if "://" in base_url else f"//{base_url}")
    if parts.path.strip("/"):
        return EngineKind.OPENAI  # Ollama's own API has no path
    engine = open_engine(EngineSettings(name="ollama", kind=EngineKind.OLLAMA, base_url=base_url))
    try:
        is_ollama = engine.health().ok
    finally:
        engine.close()
    try:
        port = parts.port
    except ValueError:
        port = None
    return EngineKind.OLLAMA if is_ollama or port == _OLLAMAS_PORT else EngineKind.OPENAI
