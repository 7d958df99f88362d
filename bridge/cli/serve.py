"""`bridge serve`."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from bridge.cli import base, complete
from bridge.cli.duration import DURATION
from bridge.cli.generation_options import setting_option
from bridge.core.errors import EngineError, MissingExtra, QueueNotFound
from bridge.core.options import WORKER_OPTIONS

if TYPE_CHECKING:
    from bridge.api.bridge import Bridge
    from bridge.engines.base import Engine
    from bridge.gateway.routing import RoutePlan
    from bridge.wiring import EngineSettings, GatewaySettings, Settings


class AskedGateway(TypedDict):
    """What the command line says of `[gateway]`, by the names of its keys; None or empty: nothing."""

    host: str | None
    port: int | None
    engine: str | None
    model: str | None
    parallel: int | None
    window: int | None
    max_tokens: int | None
    timeout_seconds: float | None
    max_waiting: int | None
    idle_seconds: float | None
    allow_hosts: tuple[str, ...]
    allow_origins: tuple[str, ...]
    work: bool | None


@base.command("serve")
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Port; 0: any free one (default: 11452, or QWENCODER_PORT)."
)
@click.option(
    "--engine",
    shell_complete=complete.engines,
    help="ollama, openai, llamacpp, scripted (a fake), or a NAME of [engines.NAME] in bridge.toml (default: ollama).",
)
@click.option("--model", help="Model for requests that name none, or one that nobody has (default: the largest coder).")
@click.option(
    "--gguf",
    metavar="FILE",
    shell_complete=complete.files,
    help="The model of the engine llamacpp, or a folder of them (default: fetched ones).",
)
@click.option("--base-url", metavar="URL", help="Server URL (OpenAI-compatible or Ollama; overrides OLLAMA_HOST).")
@setting_option(WORKER_OPTIONS["lanes"], "--parallel", default="1")
@setting_option(WORKER_OPTIONS["num_ctx"], "--window", "--context", "window", default="8192")
@setting_option(WORKER_OPTIONS["max_tokens"], "--max-tokens", default="4096")
@click.option("--timeout", "timeout_seconds", type=DURATION, metavar="D", help="Time limit for an answer (default 1h).")
@click.option("--max-waiting", type=click.IntRange(1), help="Requests that may wait (default: 100).")
@click.option(
    "--idle", "idle_seconds", type=DURATION, metavar="D",
    help="Unused models leave memory after this; 0: never (default 10min).",
)  # fmt: skip
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Host name that clients may use beside localhost.",
)
@click.option(
    "--allow-origin", "allow_origins", multiple=True, metavar="URL", help="Web page that may use the gateway."
)
@click.option("--work/--no-work", default=None, help="Answer the queue's jobs too, when nobody else asks (default).")
@click.option(
    "--new-token", is_flag=True, help="Make a new token, keep it in the system's keyring or print it, and end."
)
def command(
    *, gguf: str | None, base_url: str | None, new_token: bool, queue: str | None, as_json: bool, **asked: Unpack[AskedGateway]
) -> None:  # fmt: skip
    """Serve OpenAI's, Anthropic's and Ollama's API on one port.

    \b
    bridge serve                                   with Ollama, here or at OLLAMA_HOST
    bridge serve --engine llamacpp --gguf model.gguf --parallel 4
    OPENAI_BASE_URL=http://localhost:11452/v1 aider ...

    Where [router] of bridge.toml names targets and --engine is not given, requests go to them in that order.

    Only this machine can reach it. Another address needs a token: BRIDGE_TOKEN, or the one that --new-token keeps.
    What is not said here is taken from [gateway] in bridge.toml. Needs the extra [gateway].
    """
    if new_token:
        _make_token(as_json=as_json)
        return
    if importlib.util.find_spec("starlette") is None or importlib.util.find_spec("uvicorn") is None:
        raise MissingExtra("starlette and uvicorn", "gateway")
    from bridge import wiring
    from bridge.engines.address import is_public
    from bridge.gateway.plan import ServePlan
    from bridge.gateway.server import serve

    settings = wiring.loaded_settings(queue).valid()
    said = _said(settings.gateway, asked)
    meant = wiring.served_settings(said.engine, settings, gguf=gguf, base_url=base_url)
    uses = wiring.model_uses()
    plan = ServePlan.of(
        said, meant, token=wiring.gateway_token(), is_public=is_public(wiring.engine_address(meant) or ""),
        on_use=lambda name: uses.note(opened.name, name),
    )  # fmt: skip
    opened = wiring.open_engine(meant, lanes=plan.lanes, num_ctx=plan.num_ctx)

    def ready(url: str) -> None:
        base.print_line({"url": url}) if as_json else base.show(f"{url} ({opened.name})")

    try:
        if warning := _unfit(opened, plan.model, lanes=plan.lanes, num_ctx=plan.num_ctx):
            base.say(warning)
        serve(
            opened,
            plan,
            relay=wiring.open_relay(meant),
            machine=wiring.slot_files(meant, lanes=plan.lanes, state=wiring.state_folder()),
            on_ready=ready,
            on_request=lambda line: base.say(line, who=""),
            queue=_queue(queue),
            home=wiring.state_folder() / "gateway",
            route=route_plan(settings, meant) if _is_routed(settings, asked, gguf, base_url) else None,
        )
    finally:
        opened.close()


def _said(settings: GatewaySettings, asked: AskedGateway) -> GatewaySettings:
    """The settings, with what the command line says in their place."""
    given = {name: value for name, value in asked.items() if value is not None and value != ()}
    return replace(settings, **given)  # type: ignore[arg-type]  # by the names of its fields; a test compares


def _is_routed(settings: Settings, asked: AskedGateway, gguf: str | None, base_url: str | None) -> bool:
    """Whether [router] is meant: it names targets, and the command line names no engine."""
    from bridge import wiring

    return wiring.is_routed(settings.router) and not (asked["engine"] or gguf or base_url)


def route_plan(settings: Settings, home: EngineSettings) -> RoutePlan:
    """The targets of bridge.toml; says which cannot be used."""
    from bridge import wiring
    from bridge.gateway.routing import RoutePlan, RoutingRules
    from bridge.router.target_breaker import BreakerRule

    router, opened = settings.router, wiring.open_targets(settings, home)
    for name, why in opened.lacking.items():
        base.say(f"target {name} is left out: {why}")
    rules = RoutingRules(
        short_wait_s=router.short_wait_seconds, first_token_s=router.first_token_seconds, queue_tools=router.queue_tools,
        continue_streams=router.continue_streams, history=router.history, private_folders=router.private_folders,
        budget_usd=router.budget_usd,
    )  # fmt: skip
    breaker = BreakerRule(
        share=router.breaker_share, calls=router.breaker_calls, window_s=router.breaker_window_seconds,
        open_s=router.breaker_open_seconds,
    )  # fmt: skip
    return RoutePlan(
        targets=opened.targets, home=home.name, engines=opened.engines, timeouts_s=opened.timeouts_s, rules=rules,
        breaker=breaker, off=opened.off, ledger=opened.ledger,
    )  # fmt: skip


def _make_token(*, as_json: bool) -> None:
    from bridge import wiring
    from bridge.wiring.keys import KEYRING_SERVICE, TOKEN_ENTRY

    made = wiring.new_gateway_token()
    if as_json:
        base.print_json({"token": None if made.kept else made.token, "kept": made.kept})
    elif made.kept:
        base.show(f"kept in the system's keyring; `keyring get {KEYRING_SERVICE} {TOKEN_ENTRY}` shows it")
    else:
        base.show(made.token)
        base.say("no keyring here keeps it: set BRIDGE_TOKEN to it where `bridge serve` starts; it is not shown again")


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
