"""From a bare machine to a model that answers: find the GPU, install Ollama, serve it, pull the model.

Each step says what it does and can be done again: what is there already is kept. Facts 6.1 to 6.5 (Colab and Ollama).
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from .address import is_here
from .error_kind import OllamaError
from .fit import AUTO, MOST_LANES, Fit, FitVerdict, Machine, choose, coder_sizes, describe, judge, lanes_for
from .machine import Run, look_at_machine, run_command
from .ollama import Ollama
from .options import WORKER_OPTIONS, OptionError
from .progress import bar
from .run import RunSettings
from .server import Say, Server, SetupError, last_lines, started

SWITCH_ON_THE_GPU = (
    "There is no GPU here. In Colab: Runtime > Change runtime type > T4 GPU > Save, then Run all again. "
    "Without one, only small models are bearable."
)
ARCHIVES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

#: The first Ollama that refuses an over-long prompt when it is asked to (fact 7.9).
OLDEST = "0.12.6"


def is_older(version: str, than: str) -> bool:
    """Whether a version like 0.12.6 or 0.33.0-rc2 is before another."""
    first, second = ([int(n) for n in re.findall(r"\d+", text)[:3]] for text in (version, than))
    return first < second


def install_ollama(run: Run = run_command, *, say: Say = print, version: str = "", prefix: str = "/usr/local") -> None:
    """Put the `ollama` program in place, if it is not there.

    Not by install.sh: that ends with status 1 where `zstd` is missing, and on Colab it is (fact 6.1). The archive itself,
    unpacked below `prefix`, works (fact 6.3). `version`: an exact one, else the newest.

    Raises:
        SetupError: not Linux, no such archive, no permission; with the last lines of the output.
    """
    if shutil.which("ollama"):
        return
    arch = ARCHIVES.get(platform.machine().lower())
    if platform.system() != "Linux" or not arch:
        raise SetupError("install Ollama from https://ollama.com/download, then run this again")
    if not shutil.which("zstd"):
        say("Installing zstd …")
        if _shell(run, "apt-get update -qq; apt-get install -y -qq zstd").returncode and not shutil.which("zstd"):
            raise SetupError(
                "the `zstd` program is missing and apt-get could not install it: install it, then run this again"
            )
    say("Installing Ollama (1 to 2 GB) …")
    query = f"?version={version}" if version else ""
    url = f"https://ollama.com/download/ollama-linux-{arch}.tar.zst{query}"
    done = _shell(run, f"curl -fsSL --retry 3 '{url}' | zstd -d | tar -xf - -C '{prefix}'")
    if done.returncode:
        raise SetupError(f"installing Ollama failed:\n{last_lines(done.stdout)}")


def _shell(run: Run, script: str) -> subprocess.CompletedProcess[str]:
    return run(["bash", "-c", f"set -o pipefail; {script}"])


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
    all the same, as it was asked for; only one that cannot run at all stops here.

    Raises:
        SetupError: a step failed.
    """
    _check(settings)
    environ = os.environ if environ is None else environ
    settings = replace(settings, host=settings.host or environ.get("OLLAMA_HOST", ""))
    client = Ollama(settings.host)
    machine = look_at_machine(run)
    if not machine.vram_bytes:
        say(SWITCH_ON_THE_GPU)
    version, silence = "", None
    try:
        version = client.version()
    except OllamaError as error:
        silence = error
    asked = settings.model
    settings, fit = _fitted(settings, machine, say, is_served=bool(version))
    server = None
    if silence is None:
        say(f"Ollama {version} answers at {client.url} already; its own OLLAMA_NUM_PARALLEL counts.")
        if is_older(version, OLDEST):
            say(f"It is older than {OLDEST} and may cut long prompts without a word: update it.")
    elif not (is_here(client.url) and client.url.startswith("http:")):
        raise SetupError(silence.message)  # another machine's server is not ours to start
    elif fit.verdict is FitVerdict.CANNOT:
        raise SetupError(f"{settings.model} cannot run here. Choose {fit.instead or 'a smaller model'}.")
    else:
        install_ollama(run, say=say)
        server = started(client, settings, say, log=log, environ=environ, command=command)
    pull_model(client, settings.model, say=say, show=show)
    has = coder_sizes((model.name, model.size_bytes) for model in client.models())
    if has and asked != AUTO:  # for a job that asks for `auto`: of what is there
        settings = replace(
            settings, auto_model=choose(machine, lanes=settings.lanes, num_ctx=settings.num_ctx, among=has)
        )
    return settings, server


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
