"""An engine that is ready to answer jobs: it answers, and has the models that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError, EngineDown, ModelMissing
from bridge.core.text import counted
from bridge.kernel import address
from bridge.kernel.fit import listed_names
from bridge.wiring.engines import APIS, open_engine
from bridge.wiring.settings import EngineSettings

if TYPE_CHECKING:
    from bridge.engines.base import Engine
    from bridge.kernel.fit import Machine
    from bridge.models.choose import JobModels

#: What to do about an engine that does not answer.
START_ENGINE: Mapping[str, str] = {
    "ollama": "Start it (`ollama serve`); say where it is (--base-url URL); take another (--engine NAME, --gguf FILE)",
    "openai": "Look at its address (--base-url), its key and its server; take another (--engine NAME, --gguf FILE)",
    "llamacpp": "Look at the file (--gguf FILE)",
    "scripted": "Take another (--engine NAME)",
}


@contextmanager
def prepared_engine(
    engine: EngineSettings,
    model: str | None,
    *,
    pull: bool = False,
    lanes: int,
    num_ctx: int,
    wait: bool = True,
    also: Iterable[str] = (),
    say: Callable[[str], None] = lambda _line: None,
) -> Iterator[tuple[Engine, JobModels]]:
    """An engine with its models ready; let go afterwards. `model`: see `ready_models`; None: what its settings say.

    `also`: further models that it has to have. Raises what `open_engine` and `ready_models` raise, and EngineDown if it does not answer now and `wait` is off.
    """
    opened = open_engine(engine, lanes=lanes, num_ctx=num_ctx)
    try:
        if not wait and not (health := opened.health()).ok:
            todo = START_ENGINE[engine.kind.value]
            raise EngineDown(f"no engine: {health.detail}. {todo}; or wait for it (--wait-for-engine)")
        from bridge.models.choose import AUTO

        models = ready_models(opened, model or engine.model, pull=pull, lanes=lanes, num_ctx=num_ctx, say=say)
        if also and opened.health().ok:
            names = {found.name for found in opened.models()}
            for name in {*also} - {AUTO}:
                _have(opened, name, names, pull=pull, say=say)
        yield opened, models
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
            raise ConfigError(
                f"none of the engine's {counted(len(has), 'model')} is a coder model: name one with --model"
            )
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
