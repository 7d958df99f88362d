"""`bridge route`: explain, off, on, status, setup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from bridge.cli import base, complete
from bridge.cli.duration import DURATION
from bridge.core.errors import UsageError

if TYPE_CHECKING:
    from bridge.router.choice import Decision
    from bridge.router.targets import Targets


@click.group("route")
def command() -> None:
    """Which target answers a request, and why; switch targets off and on; point an agent at the gateway.

    \b
    bridge route setup codex --write
    bridge route explain "Write a parser for ISO dates"
    bridge route off gemini --for 1h
    bridge route status
    """


@base.command("explain", of_queue=False)
@click.argument("prompt")
@click.option("--model", help="Model that the request names.")
@click.option("--private", is_flag=True, help="The request is marked private.")
@click.option("--target", metavar="NAME", shell_complete=complete.engines, help="This target and no other.")
@click.option("--avoid", multiple=True, metavar="NAME", shell_complete=complete.engines, help="Not this target.")
@click.option("--domain", metavar="NAME", help="Domain of bridge.toml.")
@base.file_option("--path", metavar="FILE", help="File that the work is about.")
def explain(
    prompt: str, *, model: str | None, private: bool, target: str | None, avoid: tuple[str, ...], domain: str | None,
    path: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Print where a prompt would go, and every reason. Asks nobody. `-` reads the prompt from standard input."""
    from bridge import wiring
    from bridge.core.chat import ChatRequest
    from bridge.core.options import Options
    from bridge.protocols.asked import Asked
    from bridge.router.task import RouteWish, task_of

    settings = wiring.loaded_settings().valid()
    targets = _targets()
    text = base.read_text("-") if prompt == "-" else prompt
    asked = Asked(request=ChatRequest(prompt=text), options=Options(model=model), private=private)
    wish = RouteWish(target=target, avoid=avoid, domain=domain, path=path)
    decision = wiring.explain(task_of(asked, wish, private_folders=settings.router.private_folders), targets)
    base.print_json(_json(decision)) if as_json else _show(decision)


def _show(decision: Decision) -> None:
    names = [f"{one.target} ({one.model})" if one.model else one.target for one in decision.order]
    base.show(" -> ".join([*names, *(["queue"] if decision.may_queue else [])]) or "nobody: it would be refused")
    for reason in decision.reasons:
        base.show(f"  {reason}")


def _json(decision: Decision) -> dict[str, object]:
    order = [{"target": one.target, "model": one.model} for one in decision.order]
    return {
        "role": decision.role.value, "size": decision.size.size, "language": decision.language, "private": decision.private,
        "order": order, "queue": decision.may_queue, "reasons": list(decision.reasons),
    }  # fmt: skip


@base.command("off", of_queue=False)
@click.argument("name", shell_complete=complete.engines)
@click.option("--for", "length", type=DURATION, metavar="D", help="Until then (default: until `bridge route on`).")
def off(name: str, *, length: float | None, as_json: bool) -> None:
    """Switch a target off: no gateway of this user asks it any more. QWEN_ENABLED=false does so for all of this machine."""
    from bridge import wiring

    if name not in (known := _targets().known):
        raise UsageError(f"there is no target {name}; known are {', '.join(known)}")
    now = datetime.now(UTC)
    until = now + timedelta(seconds=length) if length is not None else None
    wiring.open_switches().set_off(name, until=until, now=now)
    if as_json:
        base.print_json({"name": name, "until": until.isoformat() if until else None})
    else:
        base.show(f"{name} is off{f' for {base.span(length)}' if length is not None else ''}")


@base.command("on", of_queue=False)
@click.argument("name", shell_complete=complete.engines)
def on(name: str, *, as_json: bool) -> None:
    """Switch a target on again."""
    from bridge import wiring

    was_off = wiring.open_switches().set_on(name, now=datetime.now(UTC))
    base.print_json({"name": name, "was_off": was_off}) if as_json else base.show(f"{name} is on")


@base.command("status", of_queue=False)
def status(*, as_json: bool) -> None:
    """List the targets, in the order that each role asks them, and which are off."""
    from bridge import wiring
    from bridge.router.targets import RouteRole

    targets = _targets()
    until = wiring.open_switches().off(datetime.now(UTC))
    orders = {role.value: list(targets.order(role)) for role in RouteRole}
    rows = [(target.name, target.model, "here" if target.is_local else "elsewhere", _state(until, target.name)) for target in targets.known.values()]  # fmt: skip
    if as_json:
        listed = [{"name": name, "model": model, "where": where, "state": state} for name, model, where, state in rows]
        base.print_json({"targets": listed, "order": orders})
        return
    base.print_table(["target", "model", "where", "state"], rows)
    for role, names in orders.items():
        base.show(f"{role}: {' -> '.join([*names, 'queue'])}")


def _state(until: object, name: str) -> str:
    if not isinstance(until, dict) or name not in until:
        return "on"
    at = until[name]
    return f"off for {base.span((at - datetime.now(UTC)).total_seconds())}" if at else "off"


@base.command("setup", of_queue=False)
@click.argument("agent", type=click.Choice(["codex", "claude", "opencode", "aider", "continue", "qwen"]))
@click.option("--write", is_flag=True, help="Write them, beside a copy of what was there.")
@click.option("--undo", is_flag=True, help="Put back what was there before --write.")
@click.option("--url", metavar="URL", help="Address of the gateway (default: that of [gateway]).")
@click.option("--model", default="auto", show_default=True, help="Model to ask for; auto: the router chooses.")
def setup(agent: str, *, write: bool, undo: bool, url: str | None, model: str, as_json: bool) -> None:
    """Print the settings by which an agent asks the gateway, or write them where the agent reads them."""
    from pathlib import Path

    from bridge import wiring
    from bridge.setup import agent_files
    from bridge.setup.agents import AGENTS, GatewayAddress

    records = wiring.state_folder() / "router" / "setup"
    if undo:
        file = agent_files.undo(agent, records=records)
        base.print_json({"file": str(file), "undone": True}) if as_json else base.show(f"{file} is as it was")
        return
    port = wiring.loaded_settings().valid().gateway.port
    at = GatewayAddress(url=(url or f"http://localhost:{port}").rstrip("/"), model=model)
    home = Path.home()
    change = (
        agent_files.write(agent, at, home=home, records=records) if write else agent_files.planned(agent, at, home=home)
    )
    if as_json:
        backup = str(change.backup) if change.backup else None
        base.print_json({"file": str(change.file), "text": change.text, "backup": backup, "written": write})
        return
    if write:
        base.show(f"written: {change.file}")
        base.say(
            f"`bridge route setup {agent} --undo` takes it back; now start `bridge serve`, then `{AGENTS[agent].then}`"
        )
    else:
        base.show(change.text.rstrip())
        base.say(f"that is what {change.file} would hold: --write writes it, and keeps a copy")


def _targets() -> Targets:
    from bridge import wiring

    settings = wiring.loaded_settings().valid()
    return wiring.targets_of(settings, wiring.engine_settings(settings.gateway.engine, settings))


for inner in (explain, off, on, status, setup):
    command.add_command(inner)
