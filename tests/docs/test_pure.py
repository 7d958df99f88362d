"""What is called pure is what the import contracts hold to it."""

from __future__ import annotations

import ast
import fnmatch
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def contracted() -> list[str]:
    """The modules, or patterns of modules, that may do no I/O."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    found = [name for contract in contracts if "requests" in contract.get("forbidden_modules", ())
             for name in contract["source_modules"]]  # fmt: skip
    assert len(found) > 40
    return found


def modules() -> dict[str, Path]:
    files = (ROOT / "bridge").rglob("*.py")
    return {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files if file.stem != "__init__"}


def covered(module: str) -> bool:
    return any(fnmatch.fnmatch(module, pattern) for pattern in contracted())


def marked() -> dict[str, set[str]]:
    """{folder: its modules that the page marks with a star, and its folders with a slash}."""
    rows = re.findall(r"(?m)^\| (\w+) \| (.*`\*.*) \|$", PAGE)
    return {folder: set(re.findall(r"`([\w/]+)`\*", text)) for folder, text in rows}


def test_every_contracted_module_is_there() -> None:
    known = modules()

    assert [name for name in contracted() if not fnmatch.filter(known, name)] == []


def test_the_architecture_page_marks_what_is_contracted_and_nothing_else() -> None:
    assert len(marked()) >= 4
    for folder, names in marked().items():
        begin = f"bridge.{folder}."
        held = {name.removeprefix(begin).replace(".*", "/") for name in contracted() if name.startswith(begin)}
        assert names == held, folder


def test_a_module_that_calls_itself_pure_is_contracted() -> None:
    said = [
        module
        for module, file in modules().items()
        if re.search(r"\bPure\b", ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "")
    ]

    assert len(said) > 10
    assert [module for module in said if not covered(module)] == []
