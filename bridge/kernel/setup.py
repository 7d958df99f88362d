"""From a bare machine to a model that answers: find the GPU, install Ollama, serve it, pull the model.

Each step says what it does and can be done again: what is there already is kept. Facts 6.1 to 6.5 (Colab and Ollama).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .address import is_here
from .catalogue import size_of
from .cost import describe_download
from .error_kind import OllamaError
from .fit import AUTO, MOST_LANES, Fit, FitVerdict, Machine, choose, coder_sizes, describe, judge, lanes_for
from .install import ARCHIVE_BYTES, install_ollama
from .machine import Run, look_at_machine, run_command
from .ollama import Ollama
from .options import WORKER_OPTIONS, OptionError
from .progress import bar
from .run import RunSettings
from .server import Say, Server, SetupError, started

SWITCH_ON_THE_GPU = (
    "No NVIDIA GPU was found here. In Colab: Runtime > Change runtime type > T4 GPU > Save, then Run all again. "
    "Without one, only small models are bearable."
)
#: The first Ollama that refuses an over-long prompt when it is asked to (fact 7.9).
OLDEST = "0.12.6"


def is_older(version: str, than: str) -> bool:
    """Whether a version like 0.12.6 or 0.33.0-rc2 is before another."""
    first, second = ([int(n) for n in re.findall(r"\d+", text)[:3]] for text in (version, than))
    return first < second


def pull_model(client: Ollama, model: str, *, say: Say = print, show: Say = lambda _line: None) -> None:
    """Have the model on the disk; a broken download goes on where it stopped. `show` gets a line with a bar, often.

    Raises:
        SetupError: no such model, no space on the disk, or no network.
    """
    if client.has(model):
        return
    say(f"Downloading {model} …")

    def on_progress(status: str, done: int, total: int) -> None:
        sizes = f" {bar(done, total)} {done / 1e9:.2f} of {total / 1e9:.2f} GB" if total else ""
        show(f"{status}{sizes}")

    try:
        client.pull(model, on_progress)
    except OllamaError as error:
        raise SetupError(f"cannot pull {model}: {error.message}") from None


def prepare(
    settings: RunSettings,
    *,
    say: Say = print,
    show: Say = lambda _line: None,
    run: Run = run_command,
    environ: Mapping[str, str] | None = None,
    log: Path = Path("ollama.log"),
    command: Sequence[str] = ("ollama", "serve"),
) -> tuple[RunSettings, Server | None]:
    """All steps; the settings with `auto` and zero lanes resolved and the host filled in, and the server if it is ours.

    A server that answers already is used as it is. A model that does not fit is said so before the download and then used
    all the same, as it was asked for; only one that cannot run at all stops here. Of another machine's server nothing is
    said that only this machine's GPU would tell.

    Raises:
        SetupError: a step failed.
    """
    _check(settings)
    environ = os.environ if environ is None else environ
    settings = replace(settings, host=settings.host or environ.get("OLLAMA_HOST", ""))
    client = Ollama(settings.host)
    if not is_here(client.url):
        return _elsewhere(settings, client, say=say, show=show), None
    machine = look_at_machine(run)
    if not machine.vram_bytes:
        say(SWITCH_ON_THE_GPU)
    asked = settings.model
    version, silence = _version(client)
    settings, fit = _fitted(settings, machine, say, is_served=bool(version))
    if silence is None:
        say(f"Ollama {version} answers at {client.url} already; its own OLLAMA_NUM_PARALLEL counts.")
        _warn_of_old(version, say)
        server = None
    elif not client.url.startswith("http:"):
        raise SetupError(silence.message)
    elif fit.verdict is FitVerdict.CANNOT:
        raise SetupError(f"{settings.model} cannot run here. Choose {fit.instead or 'a smaller model'}.")
    if silence or not client.has(settings.model):
        sizing = {"lanes": settings.lanes, "num_ctx": settings.num_ctx}
        install_bytes = ARCHIVE_BYTES if silence and not shutil.which("ollama") else 0
        say(describe_download(settings.model, machine, **sizing, install_bytes=install_bytes))
    if silence:
        install_ollama(run, say=say, show=show)
        server = started(client, settings, say, log=log, environ=environ, command=command)
    pull_model(client, settings.model, say=say, show=show)
    has = coder_sizes((model.name, model.size_bytes) for model in client.models())
    if has and asked != AUTO:  # for a job that asks for `auto`: of what is there
        settings = replace(
            settings, auto_model=choose(machine, lanes=settings.lanes, num_ctx=settings.num_ctx, among=has)
        )
    return settings, server


def _elsewhere(settings: RunSettings, client: Ollama, *, say: Say, show: Say) -> RunSettings:
    """The same for the Ollama of another machine, of which nothing is known here: neither its GPU nor its memory.

    `auto` is its largest coder model. Raises SetupError: it does not answer, or has no such model.
    """
    version, silence = _version(client)
    if silence:
        raise SetupError(silence.message)  # another machine's server is not ours to start
    has = coder_sizes((model.name, model.size_bytes) for model in client.models())
    auto_model = has[0].name if has else ""
    if settings.model == AUTO and not auto_model:
        raise SetupError(f"the Ollama at {client.url} has no coder model: choose one by its name, not `auto`")
    model = auto_model if settings.model == AUTO else settings.model
    say(
        f"Ollama {version} answers at {client.url}, on another machine: whether {model} fits shows there (`ollama ps`)."
    )
    _warn_of_old(version, say)
    if not client.has(model):
        size = size_of(model)
        say(
            f"{model} is not there: it is downloaded to that machine{f' ({size.weights_bytes / 1e9:.1f} GB)' if size else ''}."
        )
    pull_model(client, model, say=say, show=show)
    return replace(settings, model=model, lanes=settings.lanes or MOST_LANES, auto_model=auto_model)


def _version(client: Ollama) -> tuple[str, OllamaError | None]:
    """(version, None) of a server that answers; ("", why) of one that does not."""
    try:
        return client.version(), None
    except OllamaError as error:
        return "", error


def _warn_of_old(version: str, say: Say) -> None:
    if is_older(version, OLDEST):
        say(f"It is older than {OLDEST} and may cut long prompts without a word: update it.")


def _fitted(settings: RunSettings, machine: Machine, say: Say, *, is_served: bool) -> tuple[RunSettings, Fit]:
    """The settings with `auto` and zero lanes resolved, and how that sits on the machine, which is said."""
    if settings.model == AUTO:
        model = choose(machine, lanes=settings.lanes or 1, num_ctx=settings.num_ctx)
        settings = replace(settings, model=model)
    if not settings.lanes:  # a server that is there takes what it can at once, and lets the rest wait
        lanes = MOST_LANES if is_served else lanes_for(settings.model, machine, num_ctx=settings.num_ctx)
        settings = replace(settings, lanes=lanes)
    sizing = {"lanes": settings.lanes, "num_ctx": settings.num_ctx}
    fit = judge(settings.model, machine, **sizing)
    say(describe(fit, machine, **sizing))
    return settings, fit


def _check(settings: RunSettings) -> None:
    for name in ("num_ctx", "max_tokens", *(("lanes",) if settings.lanes else ())):
        try:
            WORKER_OPTIONS[name].read(getattr(settings, name))
        except OptionError as error:
            raise SetupError(str(error)) from None
