"""JSON Schema in few words."""

from __future__ import annotations

from bridge.protocols.asked import Json

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
COUNT: Json = {"type": "integer", "minimum": 0}
FLAG: Json = {"type": "boolean"}
OBJECT: Json = {"type": "object"}
ANY: Json = {}


def ref(name: str) -> Json:
    """A schema of the document's own."""
    return {"$ref": f"#/components/schemas/{name}"}


def some(schema: Json) -> Json:
    """The schema, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Json, *, least: int = 0) -> Json:
    """A list of it."""
    return {"type": "array", "items": schema, **({"minItems": least} if least else {})}


def either(*schemas: Json) -> Json:
    """One of them."""
    return {"anyOf": list(schemas)}


def words(*values: str) -> Json:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def number(low: float, high: float) -> Json:
    """From low to high."""
    return {"type": "number", "minimum": low, "maximum": high}


def whole(low: int, high: int | None = None) -> Json:
    """A whole number from low to high."""
    return {"type": "integer", "minimum": low, **({} if high is None else {"maximum": high})}


def obj(needed: Json, /, **optional: object) -> Json:
    """An object with these fields, and any others."""
    required = {"required": list(needed)} if needed else {}
    return {"type": "object", "properties": {**needed, **optional}, **required}
