"""docs/handover.schema.json, made from the type and from the table of docs/handover.md. `python -m tests.docs.handover_schema` writes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bridge.delivery.payload import HandOver

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "handover.schema.json"


def table() -> dict[str, str]:
    """{field: what docs/handover.md says that it means}."""
    page = (DOCS / "handover.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`[^|]*) \| (.*) \|$", page.partition("## The object")[2].partition("\n## ")[0], re.MULTILINE
    )
    return {name: told for names, told in rows for name in re.findall(r"`(\w+)`", names)}


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what a caller gets."""
    made = _whole(TypeAdapter(HandOver).json_schema(mode="serialization"))
    told = table()
    properties = {name: {**known, "description": told[name]} for name, known in made["properties"].items()}
    required = [name for name in properties if name != "state"]
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "HandOver"}
    return {**top, **made, "properties": properties, "required": required}


def _whole(made: Any) -> Any:
    """The schema without titles and defaults, which repeat what stands there: `to_json` writes every field."""
    if isinstance(made, list):
        return [_whole(item) for item in made]
    if not isinstance(made, dict):
        return made
    kept = {name: _whole(item) for name, item in made.items() if name != "default" and not isinstance(item, str)}
    kept |= {name: item for name, item in made.items() if isinstance(item, str) and name not in ("title", "default")}
    return {**kept, "required": list(made["properties"])} if "properties" in made else kept


def render() -> str:
    """The file's text."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
