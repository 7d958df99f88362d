"""Models, for commands: what has them, which fit this machine, and who needs them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.core.errors import BridgeError
from bridge.kernel.catalogue import DEFAULT_MODEL
from bridge.models.prune import ModelState, states_of
from bridge.models.uses import ModelUses
from bridge.wiring.embedded import models_folder
from bridge.wiring.engines import engine_settings, open_engine
from bridge.wiring.queue import loaded_settings, open_jobs
from bridge.wiring.ready_engine import machine_of
from bridge.wiring.settings import EngineKind, EngineSettings, Settings
from bridge.wiring.site import state_folder

if TYPE_CHECKING:
    from bridge.engines.base import Engine
    from bridge.models.gateway_models import ModelStore


def open_models(
    engine: str,
    settings: Settings,
    *,
    gguf: str | None = None,
    base_url: str | None = None,
    gateway: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> ModelStore:
    """What has models: a gateway, or an engine; of llamacpp without a file, the folder of fetched ones. Raises ConfigError."""
    if gateway is not None:
        from bridge.models.gateway_models import GatewayModels

        return GatewayModels(gateway, token=environ.get("BRIDGE_TOKEN") or None)
    return open_engine(
        served_settings(engine, settings, gguf=gguf, base_url=base_url, environ=environ), environ=environ
    )


def served_settings(
    engine: str,
    settings: Settings,
    *,
    gguf: str | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> EngineSettings:
    """See `engine_settings`; llamacpp without a file takes the folder of fetched models. Raises ConfigError."""
    meant = engine_settings(engine, settings, gguf=gguf, base_url=base_url)
    if meant.kind is EngineKind.LLAMACPP and not meant.gguf:
        return replace(meant, gguf=str(models_folder(environ)))
    return meant


def model_uses(environ: Mapping[str, str] = os.environ) -> ModelUses:
    """When models were used."""
    return ModelUses(state_folder(environ) / "models.json")


def model_states(store: ModelStore, queue: str | None) -> tuple[ModelState, ...]:
    """The models of an engine or a gateway, and who needs each. Raises EngineError."""
    uses = model_uses()
    has = store.models()
    name = store.name
    last: dict[str, datetime | None] = {model.name: uses.last(name, model.name) for model in has}
    return states_of(has, loaded=store.health().loaded, last_used=last, wanted=_wanted(queue))


def fit_warning(engine: Engine, model: str, *, lanes: int, num_ctx: int) -> str | None:
    """What to say of a model that does not fit whole on this machine; None: it fits, or the engine is elsewhere.

    Where there is no GPU, one that is bearable on the CPU fits.
    """
    from bridge.kernel.fit import BEARABLE_TOKENS_S, FitVerdict, describe, judge
    from bridge.kernel.machine import look_at_machine

    machine = look_at_machine() if engine.name == "llamacpp" else machine_of(engine)
    if machine is None or not machine.ram_bytes:
        return None
    machine = replace(machine, disk_bytes=None)  # it is fetched already, or its download says so itself
    fit = judge(model, machine, lanes=lanes, num_ctx=num_ctx)
    is_stretched = fit.context_tokens is not None and num_ctx > fit.context_tokens
    is_bearable = not machine.vram_bytes and fit.tokens_s is not None and fit.tokens_s[0] >= BEARABLE_TOKENS_S
    if (fit.verdict in (FitVerdict.FITS, FitVerdict.UNKNOWN) or is_bearable) and not is_stretched:
        return None
    return describe(fit, machine, lanes=lanes, num_ctx=num_ctx)


def _wanted(queue: str | None) -> dict[str, str]:
    """{model: who names it}: bridge.toml, the default, open jobs."""
    found = {DEFAULT_MODEL: "the default of jobs"}
    for name, engine in loaded_settings(queue).settings.engines.items():
        if engine.model:
            found[engine.model] = f"[engines.{name}]"
    with suppress(BridgeError):  # there is no queue
        found |= {job.model: f"job {job.id}" for job in open_jobs(queue) if job.model}
    return found
