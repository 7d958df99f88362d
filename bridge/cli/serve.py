"""`bridge serve`."""

from __future__ import annotations

import importlib.util
import os
import secrets
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bridge.cli import base, complete
from bridge.cli.duration import DURATION
from bridge.cli.generation_options import worker_option
from bridge.core.errors import EngineError, MissingExtra, QueueNotFound
from bridge.core.options import WORKER_OPTIONS

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.engines.base import Engine


@base.command("serve")
@click.option("--host", help="Address to listen on (default: 127.0.0.1, or [gateway] host).")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port; 0: any free one (default: 11452, or QWENCODER_PORT)."
)
@click.option(
    "--engine",
    default="ollama",
    show_default=True,
    shell_complete=complete.engines,
    help="ollama, openai, llamacpp, scripted (a fake), or a NAME of [engines.NAME] in bridge.toml.",
)
@click.option("--model", help="Model for requests that name none, or one that nobody has (default: the largest coder).")
@click.option(
    "--gguf",
    metavar="FILE",
    shell_complete=complete.files,
    help="The model of the engine llamacpp, or a folder of them (default: fetched ones).",
)
@click.option("--base-url", metavar="URL", help="Server URL (OpenAI-compatible or Ollama; overrides OLLAMA_HOST).")
@worker_option(WORKER_OPTIONS["lanes"], "--parallel")
@worker_option(WORKER_OPTIONS["num_ctx"], "--window", "--context", "num_ctx")
@worker_option(WORKER_OPTIONS["max_tokens"], "--max-tokens")
@click.option("--timeout", type=DURATION, default=3600.0, metavar="D", help="Time limit for an answer (default 1h).")
@click.option("--max-waiting", type=click.IntRange(1), default=100, show_default=True, help="Requests that may wait.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Host name that clients may use beside localhost.")
@click.option("--allow-origin", multiple=True, metavar="URL", help="Web page that may use the gateway.")
@click.option("--work/--no-work", default=True, help="Answer the queue's jobs too, when nobody else asks (default).")
@click.option("--new-token", is_flag=True, help="Print a new token for BRIDGE_TOKEN, and end.")
def command(
    *, host: str | None, port: int | None, engine: str, model: str | None, gguf: str | None, base_url: str | None,
    parallel: int, num_ctx: int, max_tokens: int, timeout: float, max_waiting: int, allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...], work: bool, new_token: bool, queue: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Serve OpenAI's, Anthropic's and Ollama's API on one port.

    \b
    bridge serve                                   with Ollama, here or at OLLAMA_HOST
    bridge serve --engine llamacpp --gguf model.gguf --parallel 4
    OPENAI_BASE_URL=http://localhost:11452/v1 aider ...

    Only this machine can reach it. Another address needs a token, in BRIDGE_TOKEN. Needs the extra [gateway].
    """
    if new_token:
        token = secrets.token_urlsafe(32)
        base.print_json({"token": token}) if as_json else base.show(token)
        return
    if importlib.util.find_spec("starlette") is None or importlib.util.find_spec("uvicorn") is None:
        raise MissingExtra("starlette and uvicorn", "gateway")
    from bridge import wiring
    from bridge.gateway.server import ServePlan, serve

    settings = wiring.loaded_settings(queue).settings
    meant = wiring.served_settings(engine, settings, gguf=gguf, base_url=base_url)
    if click.get_current_context().get_parameter_source("num_ctx") is not ParameterSource.COMMANDLINE:
        num_ctx = meant.context or num_ctx
    opened = wiring.open_engine(meant, lanes=parallel, num_ctx=num_ctx)
    uses = wiring.model_uses()
    plan = ServePlan(
        host=host or settings.gateway.host, port=settings.gateway.port if port is None else port,
        token=os.environ.get("BRIDGE_TOKEN") or None, allow_hosts=allow_host, allow_origins=allow_origin, lanes=parallel,
        longest_line=max_waiting, model=model or meant.model, num_ctx=num_ctx, max_tokens=max_tokens, timeout_s=timeout, work=work,
        idle_s=settings.gateway.unload_after_s, on_use=lambda name: uses.note(opened.name, name),
    )  # fmt: skip

    def ready(url: str) -> None:
        base.print_line({"url": url}) if as_json else base.show(f"{url} ({opened.name})")

    try:
        if warning := _unfit(opened, plan.model, lanes=parallel, num_ctx=num_ctx):
            base.say(warning)
        serve(
            opened,
            plan,
            on_ready=ready,
            on_request=lambda line: base.say(line, who=""),
            queue=_queue(queue),
            home=wiring.state_folder() / "gateway",
        )
    finally:
        opened.close()


def _unfit(engine: Engine, model: str | None, *, lanes: int, num_ctx: int) -> str | None:
    """What to say of the model, if it does not fit here; of the one that is asked by default, if none was named."""
    from bridge import wiring
    from bridge.models.choose import auto_model

    try:
        name = model or auto_model(engine.models(), None, fetch=False, lanes=lanes, num_ctx=num_ctx)
    except EngineError:  # it does not answer yet
        name = model
    return wiring.fit_warning(engine, name, lanes=lanes, num_ctx=num_ctx) if name else None


def _queue(given: str | None) -> Bridge | None:
    """The queue; None: there is none, and none was named."""
    from bridge.api.bridge import Bridge

    try:
        return Bridge(given, listener=base.tell)
    except QueueNotFound:
        if given is not None:
            raise
        return None
