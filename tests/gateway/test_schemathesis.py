"""Requests made up from the OpenAPI document, good and bad ones: no fault of the gateway, and every reply as the document says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.openapi import document
from tests.gateway.serving import gateway
from tests.support.queues import make_queue

_TOLD = schemathesis.openapi.from_dict(document("1"))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway for all examples."""
    folder = tmp_path_factory.mktemp("fuzzed")
    engine = ScriptedEngine(models=("scripted", "qwen2.5-coder:1.5b"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIDGE_STATE_DIR", str(folder / "state"))
        queue = make_queue(folder / "q")
        with gateway(engine, default_model="scripted", queue=queue, state=folder / "gateway", longest=100) as made:
            yield made.url


@_TOLD.parametrize()
@settings(
    max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)  # made anew for each operation, the same each time
def test_made_up_requests_are_answered_as_the_document_says(case: schemathesis.Case, url: str) -> None:
    response = case.call(base_url=url, timeout=60)
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )
