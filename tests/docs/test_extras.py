"""What `pip install '.[lint]'` brings, and under which names the command is installed."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MOST_BYTES = 150_000_000


def brought(requirements: list[str]) -> dict[str, int]:
    """{distribution: bytes of its files, without bytecode} of all that these bring, what they need themselves too."""
    found: dict[str, int] = {}
    left = [Requirement(text) for text in requirements]
    while left:
        wanted = left.pop()
        if wanted.name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            distribution = metadata.distribution(wanted.name)
        except metadata.PackageNotFoundError:
            pytest.skip(f"{wanted.name} is not installed")
        files = distribution.files or []
        found[wanted.name] = sum(file.size or 0 for file in files if file.suffix != ".pyc")
        left += [Requirement(text) for text in distribution.requires or []]
    return found


def test_the_extra_lint_stays_below_150_megabytes() -> None:
    sizes = brought([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["lint"]])

    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sizes.values()) <= MOST_BYTES, largest
    assert "tree-sitter-language-pack" not in sizes
    assert {"ruff", "tree-sitter-typescript", "click"} <= sizes.keys()


def test_the_command_has_a_second_name_for_machines_with_another_bridge() -> None:
    assert PROJECT["scripts"]["bridge"] == PROJECT["scripts"]["qwen-bridge"]
