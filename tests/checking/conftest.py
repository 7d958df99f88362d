"""One toolchain for all tests of this folder: its worker starts once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import material
from bridge.checking import Toolchain


@pytest.fixture(scope="session")
def toolchain() -> Iterator[Toolchain]:
    with Toolchain() as own:
        yield own


@pytest.fixture(scope="session")
def real_answers() -> list[dict]:
    rows = material.answers()
    if not rows:
        pytest.skip("the real answers are not here: they are looked for in ../shared/data")
    return rows


@pytest.fixture(scope="session")
def real_prompts() -> list[dict]:
    rows = material.rows("prompts_multilang.jsonl")
    if not rows:
        pytest.skip("the prompts with canonical solutions are not here: they are looked for in ../shared/data")
    return rows
