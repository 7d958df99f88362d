"""`bridge models`: list, fetch, remove, prune, load, unload, fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from bridge.cli import base, complete
from bridge.cli.download_bar import download_bar
from bridge.cli.duration import DURATION
from bridge.cli.generation_options import worker_option
from bridge.cli.groups import Group
from bridge.core.errors import UsageError
from bridge.core.options import WORKER_OPTIONS

if TYPE_CHECKING:
    from bridge.models.gateway_models import ModelStore
    from bridge.models.prune import ModelState

_MONTH_S = 30 * 86_400.0


@click.group("models", cls=Group)
def command() -> None:
    """List, fetch, remove, load models; say which fit this machine.

    \b
    bridge models fit                               before you download anything
    bridge models fetch qwen2.5-coder:7b            through Ollama
    bridge models fetch qwen2.5-coder:7b --engine llamacpp    a GGUF file, for `bridge serve --engine llamacpp`
    bridge models load qwen2.5-coder:7b --gateway http://localhost:11452

    With --gateway, the `bridge serve` that runs there does it.
    """


_where = base.options(
    click.option(
        "--engine",
        default="ollama",
        show_default=True,
        shell_complete=complete.engines,
        help="ollama, llamacpp, or a NAME of [engines.NAME].",
    ),
    base.folder_option("--gguf", help="Folder of GGUF files (llamacpp); default: that of fetched models."),
    click.option("--base-url", metavar="URL", help="Server URL of Ollama (overrides OLLAMA_HOST)."),
    click.option("--gateway", metavar="URL", help="A `bridge serve` that runs; its token is BRIDGE_TOKEN."),
)


class Where(TypedDict):
    """The parameters of these options, and the queue."""

    engine: str
    gguf: str | None
    base_url: str | None
    gateway: str | None
    queue: str | None


@base.command("list")
@_where
def list_models(*, as_json: bool, **where: Unpack[Where]) -> None:
    """List the models that are there: size, memory, last use, and who needs them. Loads nothing."""
    from bridge import wiring

    with _opened(where) as store:
        states = wiring.model_states(store, where["queue"])
    if as_json:
        base.print_json({"models": [_json(state) for state in states]})
        return
    base.print_table(["model", "size", "in memory", "last used", "needed by"], [_row(state) for state in states])


@base.command("fetch")
@click.argument("model")
@_where
def fetch(model: str, *, as_json: bool, **where: Unpack[Where]) -> None:
    """Fetch MODEL, such as qwen2.5-coder:7b or qwen2.5-coder:14b-instruct-q8_0.

    A download that breaks off goes on where it stopped when the same command runs again.
    """
    from bridge.models.choose import family_name

    name = family_name(model)
    with _opened(where) as store, download_bar() as progress:
        store.pull(name, progress)
    _done(name, "fetched", as_json=as_json)


@base.command("remove")
@click.argument("models", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_where
def remove(models: tuple[str, ...], *, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Remove MODELS from the disk, after asking."""
    with _opened(where) as store:
        if not (yes or base.agreed(f"Remove {', '.join(models)}?")):
            raise UsageError("nothing was removed: --yes agrees to it")
        for name in models:
            store.remove(name)
    if as_json:
        base.print_json({"removed": list(models)})
        return
    for name in models:
        base.show(f"{name} removed")


@base.command("prune")
@click.option("--unused", type=DURATION, default=_MONTH_S, metavar="D", help="Not used for this long (default 30d).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_where
def prune(*, unused: float, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Remove the models that nothing uses, after asking.

    Kept are those that are in memory, that bridge.toml or an open job names, the default of jobs, and those that were used lately.
    What other programs use of the same Ollama is not known here.
    """
    from bridge import wiring
    from bridge.models.prune import unused as unused_of

    with _opened(where) as store:
        states = wiring.model_states(store, where["queue"])
        found = unused_of(states, now=datetime.now(UTC), since=timedelta(seconds=unused))
        if found and not as_json:
            base.print_table(["unused model", "size", "in memory", "last used", ""], [_row(state) for state in found])
        freed = sum(state.size_bytes or 0 for state in found)
        if found and not (yes or base.agreed(f"Remove these, {freed / 1e9:.1f} GB?")):
            raise UsageError("nothing was removed: --yes agrees to it")
        for state in found:
            store.remove(state.name)
    if as_json:
        base.print_json({"removed": [state.name for state in found], "freed_bytes": freed})
        return
    base.show(f"{len(found)} removed, {freed / 1e9:.1f} GB" if found else "every model is used: nothing to remove")


@base.command("load")
@click.argument("model")
@_where
def load(model: str, *, as_json: bool, **where: Unpack[Where]) -> None:
    """Have MODEL in memory, before the first request needs it."""
    _in_memory(model, where, lambda store: store.load(model))
    _done(model, "loaded", as_json=as_json)


@base.command("unload")
@click.argument("model")
@_where
def unload(model: str, *, as_json: bool, **where: Unpack[Where]) -> None:
    """Have MODEL out of memory."""
    _in_memory(model, where, lambda store: store.unload(model))
    _done(model, "unloaded", as_json=as_json)


@base.command("fit", of_queue=False)
@click.argument("models", nargs=-1)
@worker_option(WORKER_OPTIONS["lanes"], "--parallel")
@worker_option(WORKER_OPTIONS["num_ctx"], "--window", "--context", "num_ctx")
def fit(models: tuple[str, ...], *, parallel: int, num_ctx: int, as_json: bool) -> None:
    """Say which models fit this machine, and how fast they would be (an estimate). MODELS: default all known ones."""
    from bridge.kernel.catalogue import CATALOGUE
    from bridge.kernel.fit import describe, judge
    from bridge.kernel.machine import look_at_machine

    machine = look_at_machine()
    names = models or tuple(size.name for size in CATALOGUE)
    fits = [judge(name, machine, lanes=parallel, num_ctx=num_ctx) for name in names]
    if as_json:
        rows = [
            {
                "model": fit.model, "verdict": fit.verdict.value, "needed_bytes": fit.needed_bytes,
                "spilled_bytes": fit.spilled_bytes, "tokens_s": fit.tokens_s, "context_tokens": fit.context_tokens,
            }
            for fit in fits
        ]  # fmt: skip
        base.print_json(
            {
                "gpu": machine.gpu or None,
                "vram_bytes": machine.vram_bytes,
                "ram_bytes": machine.ram_bytes,
                "models": rows,
            }
        )
        return
    if models:
        for found in fits:
            base.show(describe(found, machine, lanes=parallel, num_ctx=num_ctx))
        return
    rows_shown = [
        (found.model, found.verdict.value, _size(found.needed_bytes), _speed(found.tokens_s), found.context_tokens)
        for found in fits
    ]
    base.print_table(["model", "here", "needs", "tokens/s (estimate)", "reads at most"], rows_shown)


@contextmanager
def _opened(where: Where) -> Iterator[ModelStore]:
    """Raises ConfigError, MissingExtra."""
    from bridge import wiring

    settings = wiring.loaded_settings(where["queue"]).settings
    store = wiring.open_models(
        where["engine"], settings, gguf=where["gguf"], base_url=where["base_url"], gateway=where["gateway"]
    )
    try:
        yield store
    finally:
        store.close()


def _in_memory(model: str, where: Where, do: Callable[[ModelStore], None]) -> None:
    """Raises UsageError: with llama.cpp, memory is that of the process that serves."""
    with _opened(where) as store, base.busy(model):
        if store.name == "llamacpp" and not where["gateway"]:
            raise UsageError("llama.cpp keeps a model in the process that serves it: --gateway URL names that one")
        do(store)


def _done(model: str, status: str, *, as_json: bool) -> None:
    base.print_json({"model": model, "status": status}) if as_json else base.show(f"{model} {status}")


def _json(state: ModelState) -> dict[str, object]:
    return {
        "model": state.name, "size_bytes": state.size_bytes, "loaded": state.is_loaded,
        "last_used": state.last_used.isoformat() if state.last_used else None, "needed_by": state.wanted_by or None,
    }  # fmt: skip


def _row(state: ModelState) -> tuple[object, ...]:
    used = base.ago(state.last_used) or "never, here"
    return (state.name, _size(state.size_bytes), "yes" if state.is_loaded else "", used, state.wanted_by)


def _size(size_bytes: int | None) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes else "unknown"


def _speed(tokens_s: tuple[float, float] | None) -> str:
    return f"{tokens_s[0]:.0f} to {tokens_s[1]:.0f}" if tokens_s else ""


for inner in (list_models, fetch, remove, prune, load, unload, fit):
    command.add_command(inner)
