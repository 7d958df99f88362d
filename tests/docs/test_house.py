"""The measures of a package's source say what stands there."""

from __future__ import annotations

from pathlib import Path

from benchmarks.house import ROOT, measure, row


def package(folder: Path, **files: str) -> Path:
    """A package of these modules; `__` in a name stands for `/`."""
    for name, text in {"__init__": "", **files}.items():
        path = folder / "p" / f"{name.replace('__', '/') if name != '__init__' else name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "p"


def test_every_column_of_a_small_package(tmp_path: Path):
    house = measure(
        package(
            tmp_path,
            a="from p import b\nfrom typing import Any  # Any\n\n\nclass C:\n    def shown(self) -> Any:\n        'Told.'\n\n    def _hidden(self, x): ...\n",
            b="def f() -> None:\n    from p.a import C\n\n\nclass C:\n    x = 'Any'\n",
        )
    )

    assert row(house) == [
        "p", "3", "15", "6", "9 `a.py`", "2", "2 `shown`", "67 %", "50 %", "0 (1)", "1", "133.3 (2)",
    ]  # fmt: skip
    assert house.deferred_cycles == [["p.a", "p.b"]]


def test_a_cycle_of_the_module_level_is_one_group_and_types_alone_make_none(tmp_path: Path):
    only_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.d import x\n"
    house = measure(
        package(
            tmp_path,
            a="from . import b",
            b="import p.c\nfrom p import e",
            c="from .a import x",
            d="import p.e",
            e=only_types,
        )
    )

    assert house.cycles == [["p.a", "p.b", "p.c"]]


def test_our_own_house_has_no_cycle_and_every_function_is_annotated_and_told():
    house = measure(ROOT / "bridge")

    assert house.cycles == []
    assert all(function.annotated for function in house.functions)
    assert [f"{f.file}: {f.name}" for f in house.functions if f.public and not f.documented] == []
