"""The table of docs/settings.md, made from the settings themselves. `python -m tests.docs.settings_table` writes it."""

from __future__ import annotations

import json
import re
from enum import Enum
from pathlib import Path

from bridge.wiring.settings import (
    ContextSettings,
    DomainSettings,
    EngineSettings,
    GatewaySettings,
    RouterSettings,
    Settings,
    TrustSettings,
    declared,
    variables_of,
)

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

HEAD = "| setting | must be | default | environment | meaning |\n|---|---|---|---|---|\n"

TABLES: tuple[tuple[tuple[str, ...], type], ...] = (
    ((), Settings),
    (("engines", "NAME"), EngineSettings),
    (("router",), RouterSettings),
    (("context",), ContextSettings),
    (("gateway",), GatewaySettings),
    (("trust",), TrustSettings),
    (("domains", "NAME"), DomainSettings),
)


def render() -> str:
    """The table: a row a setting."""
    rows = []
    for path, table in TABLES:
        defaults = table()
        for name, key in declared(table).items():
            variable = variables_of((*path, name), key)
            cells = (
                f"`{'.'.join((*path, name))}`", key.rule.must_be, "none: say it" if key.needed else _shown(getattr(defaults, name)),
                f"`{variable}`" if variable else "", key.about,
            )  # fmt: skip
            rows.append("| " + " | ".join(cells) + " |\n")
    return HEAD + "".join(rows)


def _shown(value: object) -> str:
    if value is None:
        return ""
    plain = value.value if isinstance(value, Enum) else value
    return f"`{json.dumps(plain)}`"


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    table = re.compile(r"(?m)(?:^\|.*\n)+")
    assert len(table.findall(page)) == 1
    PAGE.write_text(table.sub(lambda _: render(), page), encoding="utf-8")
