"""`bridge engines`: list, add."""

from __future__ import annotations

import click

from bridge.cli import base
from bridge.router.presets import PRESETS


@click.group("engines")
def command() -> None:
    """Engines of bridge.toml: whatever answers prompts, here or elsewhere.

    \b
    export GEMINI_API_KEY=...               a key is read from the environment or the keyring, and never printed
    bridge engines add gemini               adds [engines.gemini] to bridge.toml
    bridge engines add openai --name local --base-url http://localhost:8000/v1 --model my-model
    bridge engines list
    """


@base.command("list", of_queue=False)
def list_engines(*, as_json: bool) -> None:
    """List the engines, where each is, its model, and whether its key is there."""
    from bridge import wiring

    facts = wiring.engine_facts(wiring.loaded_settings().valid())
    if as_json:
        base.print_json({"engines": [vars(fact) for fact in facts]})
        return
    rows = [(fact.name, fact.kind, fact.where, fact.model, fact.key) for fact in facts]
    base.print_table(["engine", "kind", "where", "model", "key"], rows)


@base.command("add", of_queue=False)
@click.argument("preset", type=click.Choice(list(PRESETS)), metavar="PRESET")
@click.option("--name", metavar="NAME", help="Name of its table (default: the preset's).")
@click.option("--model", help="Model (default: the preset's).")
@click.option("--base-url", metavar="URL", help="Server URL (default: the preset's).")
@click.option("--keyring", metavar="ENTRY", help="Entry of the system's keyring that holds the key, not a variable.")
def add(
    preset: str, *, name: str | None, model: str | None, base_url: str | None, keyring: str | None, as_json: bool
) -> None:
    """Add an engine to bridge.toml: gemini, groq, openai, anthropic, minimax, openrouter or ollama."""
    from bridge import wiring

    name = name or preset
    file, table = wiring.add_engine(name, preset, model=model, base_url=base_url, keyring=keyring)
    if as_json:
        base.print_json({"file": str(file), "name": name, "table": table})
        return
    base.show(table.rstrip())
    base.say(f'added to {file}; name it in [router], as in: coding = ["{name}", "queue"]')
    lacking = next((fact for fact in wiring.engine_facts(wiring.loaded_settings().valid()) if fact.name == name), None)
    if lacking is not None and lacking.key.endswith("not set"):
        base.say(f"its key is still to come: export {lacking.key.partition(',')[0]}=...")


for inner in (list_engines, add):
    command.add_command(inner)
