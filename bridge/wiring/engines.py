"""Engines by name, and workers that use them. Each is imported where it is made: `bridge add` needs none, and starts fast."""

from __future__ import annotations

import os
import platform
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError, ModelMissing
from bridge.core.events import Listener
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.kernel import address
from bridge.kernel.fit import listed_names
from bridge.wiring.keys import KEYRING_SERVICE, stored_key
from bridge.wiring.settings import EngineKind, EngineSettings, Settings
from bridge.wiring.site import Opened

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.engines.base import Engine
    from bridge.engines.relay import Relay
    from bridge.engines.slot_files import SlotFiles
    from bridge.kernel.fit import Machine
    from bridge.models.choose import JobModels
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
    return None


def slot_files(
    engine: EngineSettings, *, lanes: int, state: Path, environ: Mapping[str, str] = os.environ
) -> SlotFiles | None:
    """The engine's slots, shared with other processes of this machine; None: the engine is this process's own.

    `state`: the local state folder.
    """
    from bridge.engines.slot_files import SlotFiles

    if engine.kind is EngineKind.OLLAMA:
        address = ollama_url(environ, base_url=engine.base_url)
    elif engine.kind is EngineKind.OPENAI:
        address = (engine.base_url or environ.get("OPENAI_BASE_URL") or "").rstrip("/")
    else:
        return None
    return SlotFiles(state / "slots", address, lanes=lanes)


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


@contextmanager
def prepared_engine(
    engine: EngineSettings,
    model: str | None,
    *,
    pull: bool = False,
    lanes: int,
    num_ctx: int,
    say: Callable[[str], None] = lambda _line: None,
) -> Iterator[tuple[Engine, JobModels]]:
    """An engine with its models ready; let go afterwards. `model`: see `ready_models`; None: what its settings say.

    Raises what `open_engine` and `ready_models` raise.
    """
    opened = open_engine(engine, lanes=lanes, num_ctx=num_ctx)
    try:
        yield opened, ready_models(opened, model or engine.model, pull=pull, lanes=lanes, num_ctx=num_ctx, say=say)
    finally:
        opened.close()


def ready_models(
    engine: Engine, model: str | None, *, pull: bool, lanes: int, num_ctx: int, say: Callable[[str], None]
) -> JobModels:
    """The models for jobs that name none, and for those that ask for `auto`; sees to it that an engine that answers has them.

    `model`: a name, or `auto` (see `models.choose`); None: qwen2.5-coder:32b for Ollama, else the one model that the engine
    has. An engine that is down is left to the worker, which waits for it.

    Raises:
        ConfigError: nobody can say which model: the engine has several or no coder model, or is down, and none was named.
        ModelMissing: it is not there, and `pull` is off; says how to get it.
        EngineError: the download failed, or the file cannot be loaded: no job is to fail for that.
    """
    from bridge.models.choose import AUTO, DEFAULT_MODEL, JobModels, auto_model, is_cloud

    if model is None and engine.name == "ollama":
        model = DEFAULT_MODEL
    if not engine.health().ok:
        if model is None or model == AUTO:
            raise ConfigError("the engine does not answer yet, so it cannot say which model it has: give --model")
        return JobModels(default=model, auto=model)
    listed = engine.models()
    names = {found.name for found in listed}
    has = [found for found in listed if engine.name != "ollama" or not is_cloud(found.name)]
    machine = machine_of(engine)
    if model is None:
        if len(has) != 1:
            raise ConfigError(f"the engine has {len(has)} models: choose one with --model")
        model = has[0].name
    elif model == AUTO:
        found = auto_model(has, machine, fetch=pull, lanes=lanes, num_ctx=num_ctx)
        if found is None:
            raise ConfigError(f"none of the engine's {len(has)} model(s) is a coder model: name one with --model")
        say(f"--model auto is {found} here")
        _have(engine, found, names, pull=pull, say=say)
        return JobModels(default=found, auto=found)
    _have(engine, model, names, pull=pull, say=say)
    return JobModels(default=model, auto=auto_model(has, machine, fetch=False, lanes=lanes, num_ctx=num_ctx) or model)


def machine_of(engine: Engine) -> Machine | None:
    """What an engine has to run on; None: it is elsewhere, or this machine does not say."""
    from bridge.engines.ollama import OllamaEngine
    from bridge.kernel.machine import look_at_machine

    if not isinstance(engine, OllamaEngine) or not address.is_here(engine.url):
        return None
    machine = look_at_machine()
    return machine if machine.vram_bytes or machine.ram_bytes else None


def _have(engine: Engine, model: str, names: AbstractSet[str], *, pull: bool, say: Callable[[str], None]) -> None:
    """See to it that an engine that has these models has this one, and can load it if it is a file of ours.

    Raises ModelMissing, EngineError.
    """
    if engine.name == "llamacpp" and model in names:
        engine.load(model)  # a file that cannot be loaded is told now: no job is to fail for that
    if names & {*listed_names(model)} or engine.name in APIS:
        return  # an API may answer to names that it does not list
    if not pull:
        have = ", ".join(sorted(names)[:5]) or "none"
        raise ModelMissing(
            f"the engine does not have {model} (it has {have}): --pull fetches it, --model names another"
        )
    say(f"fetching {model}")
    shown = [-1]

    def progress(status: str, done: int, total: int) -> None:
        percent = 100 * done // total if total else 0
        if percent // 10 != shown[0]:
            shown[0] = percent // 10
            say(f"{status} {percent} % of {total / 1e9:.1f} GB")

    engine.pull(model, progress)


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
