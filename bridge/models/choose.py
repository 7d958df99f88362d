"""Which model a job gets, where the package answers it. The rule itself is the kernel's, because Run all follows it too. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError
from bridge.core.text import counted
from bridge.kernel.catalogue import DEFAULT_MODEL as DEFAULT_MODEL
from bridge.kernel.catalogue import billions, known_name
from bridge.kernel.fit import AUTO as AUTO
from bridge.kernel.fit import Machine, choose, coder_sizes
from bridge.kernel.fit import is_cloud as is_cloud
from bridge.kernel.fit import model_of_job as model_of_job

if TYPE_CHECKING:
    from bridge.engines.base import EngineModel


@dataclass(frozen=True, kw_only=True)
class JobModels:
    """What a worker answers with."""

    default: str  #: jobs that name no model
    auto: str  #: jobs that ask for `auto`


def family_name(asked: str) -> str:
    """The name that models are fetched by: of `qwencoder-1.5b` or a file of the hub, Ollama's own; any other as it is."""
    is_ollamas = ":" in asked and not asked.lower().startswith(("qwencoder", "qwen-coder"))
    return asked if is_ollamas else known_name(asked) or asked


def auto_model(
    has: Sequence[EngineModel], machine: Machine | None, *, fetch: bool, lanes: int, num_ctx: int
) -> str | None:
    """What `auto` means for an engine that has these models; None: it has no coder model.

    On a known machine it is the largest that fits whole (see `kernel.fit.choose`): of all that can be fetched, as Colab's form
    does, or of the engine's own. On one that nobody knows, such as a server elsewhere, it is the engine's largest coder model.
    """
    if machine is not None:
        if fetch:
            return choose(machine, lanes=lanes, num_ctx=num_ctx)
        if sizes := coder_sizes((model.name, model.size_bytes or 0) for model in has):
            return choose(machine, lanes=lanes, num_ctx=num_ctx, among=sizes)
    try:
        return largest_coder(has)
    except ConfigError:
        return None


def largest_coder(models: Sequence[EngineModel]) -> str:
    """The largest model that has `coder` in its name, or the only one there is.

    Largest by the billions in its name, then by its file. Raises ConfigError.
    """
    coders = [model for model in models if "coder" in model.name.lower()]
    if coders:
        return max(coders, key=lambda model: (billions(model.name), model.size_bytes or 0)).name
    if len(models) == 1:
        return models[0].name
    raise ConfigError(f"none of its {counted(len(models), 'model')} is a coder model: --model names one")
