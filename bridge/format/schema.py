"""The JSON Schema of the notebook format, and what a notebook breaks of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from bridge.kernel.grammar import JOB_ID


@cache
def queue_schema() -> dict[str, object]:
    """`queue_schema.json`: in the package when installed, at the top of the source tree otherwise."""
    packaged = resources.files("bridge") / "queue_schema.json"
    source = Path(__file__).parents[2] / "queue_schema.json"
    loaded: dict[str, object] = json.loads((packaged if packaged.is_file() else source).read_text(encoding="utf-8"))
    return loaded


def problems(notebook: Mapping[str, object]) -> list[str]:
    """What is wrong with a queue notebook, in words; empty if nothing: as a notebook, and as a queue."""
    import nbformat
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    found = []
    try:
        nbformat.validate(notebook, relax_add_props=True)
    except nbformat.ValidationError as error:
        found.append(str(error).partition("\n")[0])
    schema = queue_schema()
    checks = [("notebook metadata", "#/$defs/notebook", _stamp(notebook))]
    cells = notebook.get("cells")
    for n, cell in enumerate(cells if isinstance(cells, list) else (), 1):
        if (stamp := _stamp(cell)) is not None:
            kind = "job" if JOB_ID.fullmatch(str(stamp.get("id") if isinstance(stamp, dict) else None)) else "note"
            checks.append((f"cell {n}", f"#/$defs/{kind}", stamp))
    for where, pointer, value in checks:
        validator = Draft202012Validator({"$ref": pointer, "$defs": schema["$defs"]})
        broken = best_match(validator.iter_errors(value))
        if broken is not None:
            path = ".".join(str(step) for step in broken.absolute_path)
            found.append(f"{where}{': ' + path if path else ''}: {broken.message}")
    return found


def _stamp(of: Mapping[str, object]) -> object:
    metadata = of.get("metadata")
    return metadata.get("bridge") if isinstance(metadata, dict) else None
