"""The runtime cell: the files of bridge/kernel joined into one namespace."""

from __future__ import annotations

import ast
import re
import sys
from importlib import resources

import pytest

from bridge.format.runtime_cell import ORDER, join_part, runtime_source


def kernel_sources() -> dict[str, str]:
    folder = resources.files("bridge.kernel")
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".py") and entry.name != "__init__.py"]
    return {name.removesuffix(".py"): (folder / name).read_text(encoding="utf-8") for name in names}


def siblings_of(source: str) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level]
    return {str(node.module) for node in nodes}


def test_every_kernel_file_is_in_the_cell_after_those_that_it_imports() -> None:
    sources = kernel_sources()
    assert set(ORDER) == set(sources)
    for place, name in enumerate(ORDER):
        assert siblings_of(sources[name]) <= set(ORDER[:place]), name


def test_no_name_means_two_things_in_one_namespace() -> None:
    owners: dict[str, str] = {}
    for name, source in kernel_sources().items():
        for node in ast.parse(source).body:
            targets = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
            if isinstance(node, ast.Assign | ast.AnnAssign):
                found = node.targets if isinstance(node, ast.Assign) else [node.target]
                targets = [target.id for target in found if isinstance(target, ast.Name)]
            for target in targets:
                assert owners.setdefault(target, name) == name, f"{target} is in {owners[target]} and in {name}"


def test_the_cell_is_plain_python_that_every_colab_can_read_and_always_the_same() -> None:
    source = runtime_source()
    assert source == runtime_source()
    ast.parse(source, feature_version=(3, 11))
    assert source.count("from __future__") == 1
    assert not re.search(r"^\s*from \.", source, re.MULTILINE)
    assert source.endswith("\nask_qwen, set_up_qwen = _qwen_runtime()\n")
    outside = [node for node in ast.parse(source).body if not isinstance(node, ast.ImportFrom)]
    assert [type(node).__name__ for node in outside] == ["FunctionDef", "Assign"]
    assert "\r" not in source


def test_the_cell_is_the_same_program_as_the_files_and_is_small() -> None:
    source = runtime_source()
    assert len(source.encode()) <= 130_000, len(source.encode())
    function = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    joined = [ast.parse(join_part(text, name=name)) for name, text in kernel_sources().items()]
    wanted = sorted(_undocumented(node) for tree in joined for node in tree.body if not _is_text(node))
    assert sorted(_undocumented(node) for node in function.body[:-2]) == wanted


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _undocumented(node: ast.AST) -> str:
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            each.body = [n for n in each.body if not _is_text(n)] or [ast.Expr(ast.Constant(...))]
        if isinstance(each, ast.FunctionDef):
            each.returns = None
        if isinstance(each, ast.arg):
            each.annotation = None
    return ast.dump(node)


def test_the_kernel_imports_only_the_standard_library_and_what_every_notebook_has() -> None:
    allowed = set(sys.stdlib_module_names) | {"requests", "IPython", "google"}
    for name, source in kernel_sources().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= allowed, name
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert str(node.module).partition(".")[0] in allowed, name


@pytest.mark.parametrize(
    "line",
    [
        "from . import grammar",  # a name that does not exist there
        "from .grammar import Header as H",
        'x = """a\nb"""',  # indenting would change it
        "x = f'''a\n{b}'''",
    ],
)
def test_what_would_mean_something_else_in_one_function_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"line 1: this (import|text) cannot be joined"):
        join_part(line + "\n", name="x")


def test_only_imports_are_taken_out() -> None:
    source = '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n\nfrom .a import (\n    b,\n    c,\n)\n\n# why\nx = "from .a import b"\n'
    assert join_part(source, name="x") == '"""Doc."""\n\n\nimport os\n\n\n# why\nx = "from .a import b"\n'
