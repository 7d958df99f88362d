"""Which engine a demo uses: the first that answers, unless one was named; and nothing leaves this machine unasked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bridge.core.errors import ConfigError, EngineError, UsageError
from bridge.kernel.address import is_here
from bridge.kernel.fit import listed_names
from bridge.models import tiny
from bridge.models.choose import AUTO, is_cloud, largest_coder
from bridge.wiring.engines import ENGINES, ollama_url, open_engine
from bridge.wiring.settings import EngineKind, EngineSettings

Say = Callable[[str], None]
Agree = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An engine and its model."""

    kind: str
    model: str | None  #: None: the only one that it has
    about: str  #: one line for a person: what answers, and where
    gguf: str | None = None
    base_url: str | None = None

    @property
    def settings(self) -> EngineSettings:
        """What to open."""
        return EngineSettings(name=self.kind, kind=EngineKind(self.kind), gguf=self.gguf, base_url=self.base_url)


def choose_engine(
    *,
    kind: str | None = None,
    model: str | None = None,
    gguf: str | None = None,
    base_url: str | None = None,
    agree: Agree,
    say: Say,
    environ: Mapping[str, str] = os.environ,
) -> Choice:
    """The engine that was named, else the first that answers: Ollama, an OpenAI-compatible API, the model in the package.

    Args:
        kind: one of `ENGINES`; None: look.
        model: as the engine names it; None: the largest coder model that it has.
        gguf: a file, or `tiny`; it is what answers, then.
        agree: is asked before anything is sent to another machine; False: look on.
        say: is told what was looked at and not taken.

    Raises:
        ConfigError: unknown kind, or a choice of models that nobody can make here.
        UsageError: the engine that was named is on another machine, and nobody agreed.
        EngineError: the engine that was named does not answer.
    """
    if kind is not None and kind not in ENGINES:
        raise ConfigError(f"unknown engine {kind!r}; known are {', '.join(ENGINES)}")
    if kind == "scripted":
        return Choice(kind=kind, model=None, about="a scripted fake: it repeats the question and is no model")
    if gguf is not None or kind == "llamacpp":
        return _embedded(gguf or tiny.SHORT_NAME)
    for found in ("ollama", "openai"):
        url = _address(found, base_url, environ)
        if kind not in (None, found) or url is None:
            continue
        if not _may_send(url, found, model, agree, say, is_named=kind is not None):
            continue
        try:
            return _served(found, model, url)
        except (EngineError, ConfigError) as error:
            if kind is not None:
                raise
            say(f"not {found}: {error}")
    if kind == "openai":
        raise ConfigError("the engine openai needs --base-url or OPENAI_BASE_URL")
    return _embedded(tiny.SHORT_NAME)


def _embedded(gguf: str) -> Choice:
    if gguf == tiny.SHORT_NAME:
        return Choice(kind="llamacpp", model=tiny.NAME, gguf=gguf, about=f"{tiny.NAME}, in this process: {tiny.ABOUT}")
    file = Path(gguf).expanduser()
    if not file.is_file():
        raise UsageError(f"there is no file {gguf}: name a GGUF file, or `tiny`")
    return Choice(kind="llamacpp", model=None, gguf=str(file), about=f"{file.name}, by llama.cpp on this machine")


def _address(kind: str, base_url: str | None, environ: Mapping[str, str]) -> str | None:
    if kind == "ollama":
        return ollama_url(environ, base_url=base_url)
    return base_url or environ.get("OPENAI_BASE_URL")


def _host(url: str) -> str:
    """The host of an address, and nothing that may stand beside it, such as a password."""
    return urlsplit(url).hostname or url.partition("@")[2] or url


def _may_send(url: str, kind: str, model: str | None, agree: Agree, say: Say, *, is_named: bool) -> bool:
    """Whether prompts may go there. Raises UsageError, if they may not and it is what was asked for."""
    host = _host(url)
    if not (is_here(url) or agree(f"The demo's prompts would go to {host}. Send them?")):
        if is_named:
            raise UsageError(f"nothing was sent to {host}: --yes agrees to it")
        say(f"{host} is not this machine, and nobody agreed to send prompts there (--yes does)")
        return False
    if kind == "ollama" and is_cloud(model or "") and not agree(f"{model} runs at ollama.com. Send it the prompts?"):
        raise UsageError(f"nothing was sent to ollama.com, where {model} runs: --yes agrees to it")
    return True


def _served(kind: str, model: str | None, url: str) -> Choice:
    """The choice, if a server answers there and has a model for us. Raises EngineError, ConfigError."""
    engine = open_engine(EngineSettings(name=kind, kind=EngineKind(kind), base_url=url))
    try:
        has = engine.models()
    finally:
        engine.close()
    if model is None or model == AUTO:
        name = largest_coder([found for found in has if kind != "ollama" or not is_cloud(found.name)])
    elif kind == "ollama" and not any(found.name in listed_names(model) for found in has):
        raise ConfigError(f"it does not have {model}: `ollama pull {model}` fetches it")
    else:
        name = model  # an API may answer to names that it does not list
    where = "on this machine" if is_here(url) else f"at {_host(url)}: the prompts go there"
    served = "Ollama" if kind == "ollama" else "an OpenAI-compatible API"
    return Choice(kind=kind, model=name, base_url=url, about=f"{name}, by {served} {where}")
