"""Where a grammar of tree-sitter cannot read a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.checking.parsers import grammars
from bridge.checking.parsers.base import Fault, Parsed, fault
from bridge.checking.parsers.grammars import Absent

#: More would only repeat the first: one missing bracket shakes the rest of a file.
_AT_MOST = 3


def check(code: str, grammar: str) -> Parsed:
    """The first few places that a grammar cannot read; a missing token is named, since that is exact."""
    known = grammars.find(grammar)
    if isinstance(known, Absent):
        return {"faults": [], "absent": known.package, "extra": known.extra}
    if known is None:
        return {"faults": [], "unknown": f"there is no grammar for {grammar}"}
    version = known.version
    tree = known.parser.parse(code.encode("utf-8", "replace"))
    if not tree.root_node.has_error:
        return {"faults": [], "version": version}
    missing: list[Fault] = []
    errors: list[Fault] = []
    for node in _broken(tree.root_node):
        row, column = node.start_point
        if node.is_missing:
            missing.append(fault(row + 1, column + 1, "missing", f"missing {node.type!r}"))
        else:
            text = code.encode("utf-8", "replace")[node.start_byte : node.start_byte + 40].decode("utf-8", "ignore")
            shown = text.partition("\n")[0].strip()
            errors.append(
                fault(
                    row + 1,
                    column + 1,
                    "error",
                    f"cannot be read from here: {shown!r}" if shown else "cannot be read",
                )
            )
        if len(missing) + len(errors) >= 50:
            break
    found = (missing + errors)[:_AT_MOST] or [fault(1, 1, "error", "cannot be read")]
    return {"faults": sorted(found, key=lambda f: (f["line"], f["column"])), "version": version}


def _broken(root: Any) -> Iterator[Any]:
    """The deepest nodes with trouble, in the order of the text, without recursion: trees can be very deep."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_missing:
            yield node
            continue
        inside = [child for child in node.children if child.has_error or child.is_missing or child.is_error]
        if (
            node.is_error and not any(child.is_error or child.is_missing or child.has_error for child in node.children)
        ) or (node.is_error and not inside):
            yield node
        stack.extend(reversed(inside))
