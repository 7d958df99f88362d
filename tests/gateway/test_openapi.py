"""The OpenAPI document: it says what the app has, and what it says is true of replies."""

from __future__ import annotations

import re

import httpx
import jsonschema

from bridge import __version__
from bridge.gateway.openapi import OPERATIONS, document
from tests.gateway.conftest import Served


def test_every_route_has_its_line_and_every_line_its_route(served: Served) -> None:
    routes = {
        (method, re.sub(r":\w+}", "}", route.path)) for route in served.gateway.routes for method in route.methods or ()
    }
    told = {(operation.method, operation.path) for operation in OPERATIONS}
    assert told == {(method, path) for method, path in routes if method != "HEAD" or path == "/"}


def test_it_is_served_and_well_formed(served: Served) -> None:
    told = httpx.get(f"{served.url}/openapi.json").json()
    assert (told["openapi"], told["info"]["version"]) == ("3.1.0", __version__)
    for schema in told["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_schema_that_it_names_is_there_and_used() -> None:
    told = document("1")
    named = set(re.findall(r"#/components/schemas/(\w+)", repr(told)))
    assert named == set(told["components"]["schemas"])  # type: ignore[index, call-overload]


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for path in document("1")["paths"].values() for operation in path.values()]  # type: ignore[attr-defined]
    assert len(set(names)) == len(OPERATIONS)


def test_tokens_of_a_text_and_of_a_chat_are_counted(served: Served) -> None:
    text = httpx.post(f"{served.url}/tokenize", json={"content": "word " * 8}).json()
    assert text == {"count": 10, "counted": "exact", "model": "scripted", "max_model_len": 8192}
    chat = httpx.post(f"{served.url}/tokenize", json={"messages": [{"role": "user", "content": "word " * 8}]})
    assert chat.json()["count"] == 10
    assert httpx.post(f"{served.url}/tokenize", json={}).status_code == 400
