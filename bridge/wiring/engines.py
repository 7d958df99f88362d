"""Engines by name, and workers that use them. Each is imported where it is made: `bridge add` needs none, and starts fast."""

from __future__ import annotations

import os
import platform
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError
from bridge.core.events import Listener
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.kernel import address
from bridge.wiring.keys import KEYRING_SERVICE, stored_key
from bridge.wiring.settings import EngineKind, EngineSettings, Settings
from bridge.wiring.site import Opened

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.engines.base import Engine
    from bridge.engines.relay import Relay
    from bridge.engines.slot_files import SlotFiles
    from bridge.worker.config import WorkerConfig
    from bridge.worker.loop import Worker


def ollama_url(environ: Mapping[str, str] = os.environ, *, base_url: str | None = None) -> str:
    """Where Ollama is: as given, else `OLLAMA_HOST`, both as Ollama itself reads it, else 127.0.0.1:11434."""
    return address.ollama_url(base_url or environ.get("OLLAMA_HOST", ""))


#: Engines elsewhere, which hold no models for us.
APIS = ("openai", "anthropic")
#: Where Anthropic's API is.
ANTHROPIC_URL = "https://api.anthropic.com/v1"

#: Kinds of engine that answer jobs, and what each needs.
ENGINES: Mapping[str, str] = {
    "ollama": "Ollama by its own API; OLLAMA_HOST says where",
    "openai": "any OpenAI-compatible API; --base-url or OPENAI_BASE_URL, and OPENAI_API_KEY if it wants one",
    "anthropic": "Anthropic's messages API; ANTHROPIC_API_KEY",
    "llamacpp": "llama.cpp in a child process; --gguf FILE, or `--gguf tiny` for a toy; needs the extra [embedded]",
    "scripted": "a fake that answers at once, for dry runs",
}


def engine_settings(
    name: str, settings: Settings, *, gguf: str | None = None, base_url: str | None = None
) -> EngineSettings:
    """The engine that a name stands for: a table `[engines.NAME]`, else a kind in `ENGINES`.

    `gguf` and `base_url` are what the command line says; they beat the table. Raises ConfigError.
    """
    engine = settings.engines.get(name)
    if engine is None:
        if name not in ENGINES:
            known = ", ".join([*settings.engines, *(kind for kind in ENGINES if kind not in settings.engines)])
            raise ConfigError(f"unknown engine {name!r}; known are {known}: [engines.{name}] in bridge.toml adds it")
        engine = EngineSettings(name=name, kind=EngineKind(name))
    return replace(engine, gguf=gguf or engine.gguf, base_url=base_url or engine.base_url)


def open_engine(
    engine: EngineSettings, *, lanes: int = 1, num_ctx: int = DEFAULT_NUM_CTX, environ: Mapping[str, str] = os.environ
) -> Engine:
    """An engine; starts and contacts nothing yet.

    Raises:
        ConfigError: something that this kind needs is missing, such as its address, model or key.
        MissingExtra: its package is not installed.
    """
    if engine.kind is EngineKind.OLLAMA:
        from bridge.engines.ollama import OllamaEngine

        return OllamaEngine(ollama_url(environ, base_url=engine.base_url))
    if engine.kind is EngineKind.OPENAI:
        from bridge.engines.openai import OpenAIEngine

        url = engine.base_url or environ.get("OPENAI_BASE_URL")
        if not url:
            raise ConfigError(f"the engine {engine.name} needs --base-url or OPENAI_BASE_URL")
        return OpenAIEngine(url, api_key=_key_of(engine, environ))
    if engine.kind is EngineKind.ANTHROPIC:
        from bridge.engines.anthropic import AnthropicEngine

        return AnthropicEngine(engine.base_url or ANTHROPIC_URL, api_key=_key_of(engine, environ))
    if engine.kind is EngineKind.LLAMACPP:
        from bridge.wiring.embedded import open_embedded

        return open_embedded(engine, lanes=lanes, num_ctx=num_ctx, environ=environ)
    from bridge.engines.scripted import ScriptedEngine

    return ScriptedEngine()


def open_relay(engine: EngineSettings, *, environ: Mapping[str, str] = os.environ) -> Relay | None:
    """The way to the same API for clients of its own family; contacts nothing yet. None: it is reached in another way.

    Raises:
        ConfigError: as `open_engine`.
    """
    from bridge.engines.relay import HttpRelay, RelayFamily

    if engine.kind is EngineKind.OLLAMA:
        return HttpRelay(ollama_url(environ, base_url=engine.base_url), family=RelayFamily.OLLAMA, silence_s=600.0)
    url = engine.base_url or environ.get("OPENAI_BASE_URL")
    if engine.kind is EngineKind.OPENAI and url:
        return HttpRelay(url, _key_of(engine, environ), family=RelayFamily.OPENAI)
    if engine.kind is EngineKind.ANTHROPIC:
        return HttpRelay(engine.base_url or ANTHROPIC_URL, _key_of(engine, environ), family=RelayFamily.ANTHROPIC)
    return None


def slot_files(
    engine: EngineSettings, *, lanes: int, state: Path, environ: Mapping[str, str] = os.environ
) -> SlotFiles | None:
    """The engine's slots, shared with other processes of this machine; None: the engine is this process's own.

    `state`: the local state folder.
    """
    from bridge.engines.slot_files import SlotFiles

    address = engine_address(engine, environ=environ)
    return None if address is None else SlotFiles(state / "slots", address, lanes=lanes)


def engine_address(engine: EngineSettings, *, environ: Mapping[str, str] = os.environ) -> str | None:
    """Where an engine is asked over a network; None: it is this process's own."""
    if engine.kind is EngineKind.OLLAMA:
        return ollama_url(environ, base_url=engine.base_url)
    if engine.kind is EngineKind.OPENAI:
        return (engine.base_url or environ.get("OPENAI_BASE_URL") or "").rstrip("/")
    return (engine.base_url or ANTHROPIC_URL).rstrip("/") if engine.kind is EngineKind.ANTHROPIC else None


def _key_of(engine: EngineSettings, environ: Mapping[str, str]) -> str | None:
    """The key of an API: from the variable or the keyring entry that its table names, else its kind's own.

    Raises:
        ConfigError: the table names one, and there is none.
        MissingExtra: it names an entry of the keyring, and the package keyring is not installed.
    """
    if engine.key_env:
        if not environ.get(engine.key_env):
            raise ConfigError(f"the engine {engine.name} takes its key from {engine.key_env}, which is not set: set it")
        return environ[engine.key_env]
    if engine.keyring is None:
        if engine.base_url and engine.name != engine.kind.value:
            return None  # the address of another provider: it must not be sent this key
        return environ.get(f"{engine.kind.name}_API_KEY")
    try:
        key = stored_key(engine.keyring)
    except ConfigError as error:
        raise ConfigError(f"the engine {engine.name} gets no key: {error}; use key_env instead") from None
    if not key:
        hint = f"`keyring set {KEYRING_SERVICE} {engine.keyring}` stores it"
        raise ConfigError(
            f"the engine {engine.name} takes its key from the keyring entry {engine.keyring}, which is empty: {hint}"
        )
    return key


def open_worker(
    opened: Opened,
    engine: Engine,
    plan: WorkerConfig,
    *,
    listener: Listener,
    lease_s: float = 900.0,
    now_s: Callable[[], float] = time.monotonic,
) -> Worker:
    """A worker on a queue, ready to run. `now_s`: seconds of a clock that only goes forward."""
    from bridge.worker.claims import Claims
    from bridge.worker.heartbeat import WorkerHeartbeat
    from bridge.worker.leases import Leases
    from bridge.worker.loop import Worker

    host = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:30] or "host"
    name = f"{host}-{os.getpid()}-{secrets.token_hex(2)}"
    store = opened.store
    if opened.path is None:  # each beat is four requests, and leases are as long as ever
        plan = replace(plan, beat_s=max(plan.beat_s, 60.0))
    heartbeat = WorkerHeartbeat(name, locks=opened.home / "workers", transport=store.transport)
    claims = Claims(
        store=store,
        leases=Leases(length_s=lease_s, is_dead=heartbeat.is_dead),
        worker=name,
        about=lambda: {"engine": engine.name, "where": platform.node()},
        model_of=plan.model_of,
        max_attempts=opened.settings.max_attempts,
        patience=timedelta(minutes=30),
    )
    return Worker(
        store=store, claims=claims, engine=engine, heartbeat=heartbeat, plan=plan, notify=listener, now_s=now_s
    )
