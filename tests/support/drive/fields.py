"""Google's `fields` parameter: `items(id,title),nextPageToken`, `a/b`, `*`."""

from __future__ import annotations

import re
from typing import Any

from tests.support.drive.values import Json, invalid

Tree = dict[str, Any]  #: name to the tree below it; an empty one means all of it

_TOKEN = re.compile(r"[A-Za-z_$][\w$.-]*|[*(),/]")


def parse(text: str) -> Tree:
    """The selection as a tree. Raises Refusal (400) for what is none."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text) or not tokens:
        raise invalid(f"Invalid field selection {text}", location="fields")
    tree, at = _several(tokens, 0, text)
    if at != len(tokens):
        raise invalid(f"Invalid field selection {text}", location="fields")
    return tree


def _several(tokens: list[str], at: int, text: str) -> tuple[Tree, int]:
    tree: Tree = {}
    while True:
        at = _one(tokens, at, tree, text)
        if at >= len(tokens) or tokens[at] != ",":
            return tree, at
        at += 1


def _one(tokens: list[str], at: int, tree: Tree, text: str) -> int:
    if at >= len(tokens) or tokens[at] in ("(", ")", ",", "/"):
        raise invalid(f"Invalid field selection {text}", location="fields")
    below: Tree = tree.setdefault(tokens[at], {})
    at += 1
    if at < len(tokens) and tokens[at] == "/":
        return _one(tokens, at + 1, below, text)
    if at < len(tokens) and tokens[at] == "(":
        inner, at = _several(tokens, at + 1, text)
        if at >= len(tokens) or tokens[at] != ")":
            raise invalid(f"Invalid field selection {text}", location="fields")
        below.update(inner)
        return at + 1
    return at


def check(tree: Tree, schema: Json, schemas: Json) -> None:
    """Raises Refusal (400) for a name that the answer's schema does not have."""
    while "$ref" in schema or schema.get("type") == "array":
        schema = schemas[schema["$ref"]] if "$ref" in schema else schema["items"]
    known = schema.get("properties", {})
    for name, below in tree.items():
        if name == "*":
            continue
        inner = known.get(name) or schema.get("additionalProperties")
        if inner is None:
            raise invalid(f"Invalid field selection {name}", location="fields")
        if below:
            check(below, inner, schemas)


def project(tree: Tree, value: Any) -> Any:
    """The value with only what was selected."""
    if isinstance(value, list):
        return [project(tree, v) for v in value]
    if not isinstance(value, dict) or not tree:
        return value
    rest = tree.get("*")
    chosen = {}
    for name, inner in value.items():
        if name in tree:
            chosen[name] = project(tree[name], inner)
        elif rest is not None:
            chosen[name] = project(rest, inner)
    return chosen
