"""Signs that some Python ends too early, by what its functions come to. Pure."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from bridge.checking.unfinished.base import EarlyEnd

#: Declared results of which None may be one, or that are no value of a `return`.
_MAY_BE_NOTHING = re.compile(r"\b(?:None|Optional|NoReturn|Never|Any|object|Generator|Iterator|Iterable|Async\w+)\b")
_ANNOUNCES = re.compile(
    r"(?i)^#\s*(?!output|expected|result|prints?\b|returns?\b|true\b|false\b|none\b|=>|->|>>>|todo)[A-Za-z]"
)


def early_end(code: str) -> EarlyEnd | None:
    """The first sign in a text; None if there is none, or if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = code.rstrip().split("\n")
    return next(_signs(tree, lines), None)


def _signs(tree: ast.Module, lines: Sequence[str]) -> Iterator[EarlyEnd]:
    last = len(lines) - 1
    if heading := _heading(lines):
        yield EarlyEnd(line=last, evidence=f"ends with a heading: {heading}")
    if name := _unused_example(tree, lines):
        yield EarlyEnd(line=last, evidence=f"ends with a value for {name} that nothing uses")
    if lines[last][:1] in (" ", "\t") and _ANNOUNCES.match(lines[last].strip()) and not _in_text(tree, last + 1):
        yield EarlyEnd(line=last, evidence=f"ends with a comment: {lines[last].strip()}")
    for function in _functions(tree):
        if sign := _no_result(function, at_end=(function.end_lineno or 0) > last):
            yield sign


def _in_text(tree: ast.Module, line: int) -> bool:
    """Whether a line lies within a string literal."""
    return any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.lineno < line <= (node.end_lineno or 0)
        for node in ast.walk(tree)
    )


def _heading(lines: Sequence[str]) -> str | None:
    """The comment at the very end that announces code, and is neither code itself nor what it would print."""
    text = lines[-1].strip()
    alone = len(lines) > 1 and not lines[-2].strip()
    return text if alone and _ANNOUNCES.match(lines[-1]) and not re.search(r"[(=\[{]|\.$|\d$", text) else None


def _unused_example(tree: ast.Module, lines: Sequence[str]) -> str | None:
    """The name that a last statement sets up under a comment about an example or a test, and that nothing reads."""
    name = _last_name(tree.body[-1]) if tree.body else None
    if name is None or _is_shared(list(ast.walk(tree)), name):
        return None
    above = "\n".join(lines[max(0, tree.body[-1].lineno - 8) : tree.body[-1].lineno - 1])
    return name if re.search(r"(?i)#[^\n]*\b(?:example|usage|tests?)\b", above) else None


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _no_result(function: Function, *, at_end: bool) -> EarlyEnd | None:
    """That a function comes to its end without the value that it works for."""
    own = list(_own_nodes(function))
    returns = [node for node in own if isinstance(node, ast.Return) and node.value is not None]
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own) or _is_open(function):
        return None
    end = function.body[-1]
    at = (end.end_lineno or end.lineno) - 1
    declared = ast.unparse(function.returns) if function.returns else ""
    if declared and not _MAY_BE_NOTHING.search(declared) and _falls_through(function.body):
        return EarlyEnd(line=at, evidence=f"{function.name} is declared to return {declared} and does not always")
    if _is_empty(function):
        return EarlyEnd(line=at, evidence=f"{function.name} has a description and no body")
    if not at_end:
        return None
    open_result = bool(declared) and _MAY_BE_NOTHING.search(declared) is not None
    if returns and not open_result and _falls_through(function.body) and _must_return(end, returns):
        return EarlyEnd(line=at, evidence=f"{function.name} returns a value, but not at its end")
    if (name := _last_name(end)) and not _is_shared(own, name):
        return EarlyEnd(line=at, evidence=f"{function.name} ends with a value for {name} that nothing uses")
    if not returns and _builds_only(function, own):
        return EarlyEnd(line=at, evidence=f"{function.name} builds a value and does not return it")
    return None


def _must_return(end: ast.stmt, returns: Sequence[ast.Return]) -> bool:
    """Whether a last statement is none that a function which returns values ends with by intent."""
    if isinstance(end, ast.Assign | ast.AugAssign | ast.AnnAssign):
        return True
    inside = any(isinstance(node, ast.Return | ast.Yield) for node in ast.walk(end))
    if isinstance(end, ast.For | ast.While) and not inside:
        return True
    values = [node.value.value for node in returns if isinstance(node.value, ast.Constant)]
    truth = len(values) == len(returns) and len({repr(v) for v in values}) == 1 and isinstance(values[0], bool)
    return truth or (isinstance(end, ast.If) and _answers_only(end))


def _answers_only(end: ast.If) -> bool:
    """Whether each branch of an `if` without `else` only gives a result."""
    branches, node = [end.body], end
    while len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        node = node.orelse[0]
        branches.append(node.body)
    return not node.orelse and all(len(b) == 1 and isinstance(b[0], ast.Return) and b[0].value for b in branches)


def _is_empty(function: Function) -> bool:
    """Whether a description is all that a function has."""
    return len(function.body) == 1 and ast.get_docstring(function) is not None


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """What a function consists of, less the functions and classes in it."""
    stack: list[ast.AST] = [*function.body]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def _is_open(function: Function) -> bool:
    """Whether a function is meant to have no body of its own: abstract, overloaded, a protocol's, or a stub."""
    if _is_empty(function):
        return bool(function.decorator_list)
    marks = " ".join(ast.unparse(d) for d in function.decorator_list)
    if re.search(r"abstract|overload|fixture|mock|patch", marks):
        return True
    body = [n for n in function.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return not body or all(isinstance(n, ast.Pass | ast.Raise) for n in body)


def _falls_through(body: Sequence[ast.stmt]) -> bool:
    """Whether control can come to the end of some statements, as far as that shows without running them."""
    end = body[-1]
    if isinstance(end, ast.Return | ast.Raise | ast.Continue | ast.Break):
        return False
    if isinstance(end, ast.If):
        return not end.orelse or _falls_through(end.body) or _falls_through(end.orelse)
    if isinstance(end, ast.With | ast.AsyncWith):
        return _falls_through(end.body)
    if isinstance(end, ast.Try):
        if end.finalbody and not _falls_through(end.finalbody):
            return False
        whole = _falls_through(end.orelse or end.body)
        return whole or any(_falls_through(handler.body) for handler in end.handlers)
    if isinstance(end, ast.While):
        return not (isinstance(end.test, ast.Constant) and end.test.value)
    if isinstance(end, ast.Expr) and isinstance(end.value, ast.Call):
        return not re.search(r"\b(?:exit|_exit|abort|fail|quit)$", ast.unparse(end.value.func))
    return not isinstance(end, ast.Match | ast.Assert)


def _last_name(end: ast.stmt) -> str | None:
    """The one local name that a statement gives a value to."""
    while isinstance(end, ast.If | ast.For | ast.While | ast.With) and not getattr(end, "orelse", None):
        if isinstance(end, ast.For | ast.While):
            return None
        end = end.body[-1]
    targets = end.targets if isinstance(end, ast.Assign) else [end.target] if isinstance(end, ast.AnnAssign) else []
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None


def _is_shared(own: Sequence[ast.AST], name: str) -> bool:
    """Whether a name is global, nonlocal, or read somewhere in its function."""
    return any(
        (isinstance(n, ast.Global | ast.Nonlocal) and name in n.names)
        or (isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load))
        for n in own
    )


def _builds_only(function: Function, own: Sequence[ast.AST]) -> bool:
    """Whether all that a function does is to fill names of its own, so that nobody could see that it ran."""
    given = {a.arg for a in (*function.args.args, *function.args.posonlyargs, *function.args.kwonlyargs)}
    for node in own:
        if isinstance(node, ast.Global | ast.Nonlocal | ast.Return | ast.Assert | ast.Await | ast.Delete):
            return False
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not _fills_own(node.value, given):
            return False
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            root = node.value
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if not isinstance(root, ast.Name) or root.id in given or isinstance(node, ast.Attribute):
                return False
    names = {node.id for node in own if isinstance(node, ast.Name)}
    if any(isinstance(node, Function | ast.ClassDef) and node.name in names for node in own):
        return False
    if any(isinstance(node, ast.Raise) for node in own) and isinstance(function.body[-1], ast.If):
        return False  # it only looks whether something is right
    return any(isinstance(n, ast.Assign | ast.AugAssign | ast.AnnAssign | Function) for n in own)


def _fills_own(call: ast.Call, given: set[str]) -> bool:
    """Whether a call only adds to a container that is the function's own."""
    to = call.func
    return (
        isinstance(to, ast.Attribute)
        and to.attr in ("append", "add", "extend", "insert", "update", "appendleft", "pop", "sort", "reverse")
        and isinstance(to.value, ast.Name)
        and to.value.id not in given
    )
