"""docs/gateway.md names every endpoint and every field that the OpenAPI document has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs the extra [gateway]")

from bridge.gateway.openapi import OPERATIONS
from bridge.gateway.openapi.asked_shapes import ASKED

PAGE = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text("utf-8")
TABLES = PAGE.partition("## Endpoints")[2].partition("### What passes through")[0]
NAMED = set(re.findall(r"`([^`]+)`", TABLES))


def test_every_field_that_is_read_is_in_the_table() -> None:
    fields = {name for shape in ASKED.values() for name in shape["properties"]}  # type: ignore[attr-defined]
    words = {word for name in NAMED for word in re.findall(r"[\w\[\]]+", name)}
    assert sorted(fields - words) == []


def test_every_endpoint_is_in_the_table() -> None:
    paths = {operation.path for operation in OPERATIONS}
    told = {path for name in NAMED for path in re.findall(r"/[\w{}/.]*", name)}
    unsaid = {
        path for path in paths if path not in told and path.removeprefix("/v1") not in told and f"/v1{path}" not in told
    }
    assert sorted(unsaid) == []
