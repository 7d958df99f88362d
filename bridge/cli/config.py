"""`bridge config`: list, get, set, check."""

from __future__ import annotations

import difflib
import json
import sys
from typing import TYPE_CHECKING

import click

from bridge.cli import base
from bridge.cli.groups import Group
from bridge.core.errors import UsageError

if TYPE_CHECKING:
    from bridge.wiring import LoadedSettings


@click.group("config", cls=Group)
def command() -> None:
    """Show, check and change settings: those of bridge.toml, the environment and the command line.

    \b
    bridge config list
    bridge config set part_jobs 200

    docs/settings.md has them all. No command prints a key of an engine: bridge.toml only says where it is kept.
    """


@base.command("list")
def list_settings(*, queue: str | None, as_json: bool) -> None:
    """List every setting with its value and where that came from: bridge.toml:LINE, a variable, an option, or the default."""
    loaded = _loaded(queue)
    if as_json:
        rows = [
            {"name": fact.name, "value": fact.value, "source": fact.origin.kind.value, "where": fact.origin.where}
            for fact in loaded.facts()
        ]
        base.print_json({"file": str(loaded.file) if loaded.file else None, "settings": rows})
        return
    base.print_table(
        ("setting", "value", "from"), [(fact.name, _shown(fact.value), fact.origin.where) for fact in loaded.facts()]
    )


@base.command("get")
@click.argument("name")
def get(name: str, *, queue: str | None, as_json: bool) -> None:
    """Print the value of one setting, such as part_jobs or engines.NAME.model; nothing if it has none."""
    facts = {fact.name: fact for fact in _loaded(queue).facts()}
    if name not in facts:
        close = difflib.get_close_matches(name, facts, n=1)
        hint = f"did you mean {close[0]}?" if close else "`bridge config list` shows them all"
        raise UsageError(f"there is no setting {name}; {hint}")
    if as_json:
        fact = facts[name]
        base.print_json(
            {"name": name, "value": fact.value, "source": fact.origin.kind.value, "where": fact.origin.where}
        )
        return
    base.show(_shown(facts[name].value))


@base.command("set", of_queue=False)
@click.argument("name")
@click.argument("value")
def set_value(name: str, value: str, *, as_json: bool) -> None:
    """Write one setting into bridge.toml here or in the nearest parent folder; the file is made here if there is none.

    \b
    bridge config set part_jobs 200
    bridge config set engines.house.base_url http://127.0.0.1:8000/v1

    Comments and all other settings stay as they are. A value that cannot be is refused, and nothing is written.
    """
    from bridge import wiring

    file = wiring.set_setting(name, value)
    if as_json:
        base.print_json({"file": str(file), "name": name, "value": value})
        return
    base.say(f"{name} is set in {file}")


@base.command("check", of_queue=False)
def check(*, as_json: bool) -> None:
    """Name every mistake in bridge.toml and the environment, with its line and what to do. Exit code 2 if there is one."""
    from bridge import wiring

    loaded = wiring.loaded_settings()
    file = str(loaded.file) if loaded.file else None
    if as_json:
        mistakes = [{"where": mistake.where, "message": mistake.message} for mistake in loaded.mistakes]
        base.print_json({"file": file, "mistakes": mistakes})
    else:
        for mistake in loaded.mistakes:
            base.show(str(mistake))
        if not loaded.mistakes:
            base.show(f"{file or 'no bridge.toml here or above'}: no mistakes")
    sys.exit(2 if loaded.mistakes else 0)


def _loaded(queue: str | None) -> LoadedSettings:
    """What holds here. Raises ConfigError."""
    from bridge import wiring

    loaded = wiring.loaded_settings(queue)
    loaded.valid()
    return loaded


def _shown(value: object) -> str:
    """A value for people and scripts: texts bare, everything else as in JSON, and nothing for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


for inner in (list_settings, get, set_value, check):
    command.add_command(inner)
