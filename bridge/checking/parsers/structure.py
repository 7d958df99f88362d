"""What a grammar shows of a text that works and still looks wrong: doubled functions, dead code, parameters that nothing uses.

Each is reported only where no usual way of writing explains it; what is left out on purpose stands beside its rule. Measured on
real answers in docs/benchmarks.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bridge.checking.parsers import grammars
from bridge.checking.parsers.base import Fault, Parsed, fault
from bridge.checking.parsers.grammars import Grammar

#: Nodes that are a function with a body, in the grammars where all of this is known.
_FUNCTIONS = {
    "python": ("function_definition",), "javascript": ("function_declaration", "method_definition"),
    "typescript": ("function_declaration", "method_definition"), "tsx": ("function_declaration", "method_definition"),
    "go": ("function_declaration", "method_declaration"), "rust": ("function_item",), "java": ("method_declaration",),
    "c": ("function_definition",), "cpp": ("function_definition",), "php": ("function_definition", "method_declaration"),
    "csharp": ("method_declaration", "local_function_statement"), "bash": ("function_definition",),
}  # fmt: skip
#: Where functions of one name differ in what they take.
_OVERLOADS = frozenset({"java", "c", "cpp", "csharp"})
_LEAVES = frozenset({"return_statement", "raise_statement", "throw_statement", "return_expression"})
#: What may stand after a `return` with a reason: it is found anyhow, jumped to, or ends a branch of a switch as usual.
_REACHED = re.compile(r"comment|.*(?:function|class|type|interface|enum|method)\w*|labeled_statement|.*label|.*case\w*|preproc\w*"
                      r"|break_statement|empty_statement|ERROR|local_function_statement|.*_item|default\w*|text_interpolation|;|\?>")  # fmt: skip
#: Names of parameters that a caller of another's choosing passes.
_PASSED = frozenset(
    {"req", "res", "next", "request", "response", "event", "e", "evt", "ev", "ctx", "context", "args", "argv", "kwargs", "sender",
     "frame", "signum", "self", "cls", "this", "err", "error", "props", "state", "action", "index", "idx", "i", "key", "options",
     "done", "reply", "node", "parent", "info", "root", "app", "client", "userdata", "msg", "update", "bot", "memo"}
)  # fmt: skip
_STUB = re.compile(
    r"(?i)^\W*(?:pass|\.\.\.|raise\b|throw\b|todo|return\b[^\n;]{0,40})?[\s;}]*$|not.?implemented|todo|placeholder|your code|implementation"
)
_AT_MOST = 5


def check(code: str, grammar: str) -> Parsed:
    """What looks wrong in a text: `duplicate`, `unreachable`, `unused-parameter`, each as advice with the line of it."""
    if grammar not in _FUNCTIONS:
        return {"faults": [], "unknown": f"nothing is known of how {grammar} is written"}
    known = grammars.find(grammar)
    if not isinstance(known, Grammar):
        return {"faults": [], "absent": "a grammar"}
    tree = known.parser.parse(code.encode("utf-8", "replace"))
    if tree.root_node.has_error:
        return {"faults": [], "unknown": "does not parse"}
    nodes = list(_nodes(tree.root_node))
    functions = [node for node in nodes if node.type in _FUNCTIONS[grammar] and node.child_by_field_name("body")]
    found = [*_duplicates(functions, grammar), *_unreachable(nodes), *_unused(functions, grammar, code)]
    return {"faults": sorted(found, key=lambda f: f["line"])[:_AT_MOST]}


def _nodes(root: Any) -> Iterator[Any]:
    """All named nodes in the order of the text, without recursion."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.named_children))


def _text(node: Any) -> str:
    return "" if node is None else " ".join(node.text.decode("utf-8", "replace").split())


def _fault(node: Any, rule: str, message: str) -> Fault:
    return fault(node.start_point[0] + 1, node.start_point[1] + 1, rule, message[:160], advice=True)


def _duplicates(functions: list[Any], grammar: str) -> Iterator[Fault]:
    """Functions whose later definition takes the place of an earlier one, side by side in one scope."""
    seen: dict[tuple[object, ...], int] = {}
    for node in functions:
        before = node.prev_named_sibling
        if before is not None and before.type in ("attribute_item", "decorator"):
            continue  # the one or the other, as its condition says; or a getter and its setter
        name = node.child_by_field_name("name") or node.child_by_field_name("declarator")
        words = " ".join(child.type for child in node.children if child.type in ("get", "set", "static", "*"))
        takes = _text(node.child_by_field_name("parameters")) if grammar in _OVERLOADS else ""
        takes += _text(node.child_by_field_name("type_parameters")) if grammar == "csharp" else ""
        owner = _text(node.child_by_field_name("receiver")).rpartition(" ")[2]
        key = (node.parent.id if node.parent else 0, _text(name), words, takes, owner)
        if _text(name) and key in seen and _text(name) not in ("init", "_", "main"):
            yield _fault(node, "duplicate", f"{_text(name)} is defined again; first in line {seen[key]}")
        seen.setdefault(key, node.start_point[0] + 1)


def _unreachable(nodes: list[Any]) -> Iterator[Fault]:
    """The first statement after one that always leaves, in the same block."""
    for node in nodes:
        if node.type == "expression_statement" and node.named_child_count == 1:
            leaves = node.named_children[0].type in _LEAVES
        else:
            leaves = node.type in _LEAVES and node.parent is not None and node.parent.type != "expression_statement"
        if not leaves:
            continue
        after = node.next_named_sibling
        while after is not None and after.type.endswith("comment"):
            after = after.next_named_sibling
        # `return; yield` makes a generator of a function.
        if after is None or _REACHED.fullmatch(after.type) or re.search(r"\byield\b", _text(after)):
            continue
        if node.parent is not None and re.search(
            r"block|list|body|compound|program|module|case|group|default", node.parent.type
        ):
            yield _fault(after, "unreachable", f"never runs, after {_text(node)[:60]!r}: {_text(after)[:60]}")


def _unused(functions: list[Any], grammar: str, code: str) -> Iterator[Fault]:
    """Required parameters of a function of the file's top level that its body does not name."""
    if grammar not in ("python", "javascript", "typescript", "tsx", "php"):
        return  # elsewhere the compiler says so, or an interface asks for them
    for node in functions:
        name, body = _text(node.child_by_field_name("name")), node.child_by_field_name("body")
        parent = node.parent.type if node.parent else ""
        if parent not in ("module", "program", "export_statement") or name.lower().startswith(
            ("test", "on", "handle", "main", "_")
        ):
            continue
        text = body.text.decode("utf-8", "replace")
        inner = text.strip("{} \n\t")
        if _STUB.search(inner) or re.search(r"\b(?:locals|vars|arguments|eval|exec|func_get_args|compact)\b", text):
            continue
        if len(re.findall(rf"\b{re.escape(name)}\b(?!\s*\()", code)) > 0:
            continue  # it is passed on as a value: whoever calls it chooses what it takes
        for parameter in _required(node.child_by_field_name("parameters")):
            bare = parameter.lstrip("$")
            if bare.startswith("_") or bare in _PASSED or re.search(rf"\b{re.escape(bare)}\b", text):
                continue
            yield _fault(node, "unused-parameter", f"{name} never uses its parameter {parameter}")


def _required(parameters: Any) -> Iterator[str]:
    for child in parameters.named_children if parameters is not None else ():
        if child.type in ("identifier", "required_parameter", "typed_parameter", "simple_parameter"):
            if child.child_by_field_name("value") or child.child_by_field_name("default_value"):
                continue
            name = re.match(r"(?:[\w\\?|]+ )?(\$?\w+)\s*(?::.*)?$", _text(child))
            if name:
                yield name[1]
