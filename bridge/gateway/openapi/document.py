"""The OpenAPI 3.1 document of the gateway. Source: https://spec.openapis.org/oas/v3.1.0."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.gateway.openapi.asked_shapes import ASKED
from bridge.gateway.openapi.operations import EVENTS, JSON, LINES, OPERATIONS, ApiOperation
from bridge.gateway.openapi.shapes import NUMBER, OBJECT, TEXT, obj, ref, whole, words
from bridge.gateway.openapi.told_shapes import TOLD
from bridge.protocols.asked import Json

_PARAMETERS: dict[str, Json] = {
    "wait": {**NUMBER, "minimum": 0, "description": "Seconds to wait for its end, at most 300."},
    "after": {**TEXT, "description": "The last id of the page before."},
    "limit": {**whole(1, 100), "description": "Rows of a page; of files up to 10,000."},
    "order": {**words("asc", "desc"), "description": "By creation."},
    "purpose": {**TEXT, "description": "Only files of this purpose."},
}
#: Of a piece of a stream; the pieces are the family's own.
_STREAMS: dict[str, Json] = {EVENTS: obj({"data": TEXT}), LINES: OBJECT}
_MEANINGS = {
    200: "Answered", 202: "Accepted, because the header `Prefer: respond-async` asked for it", 400: "It cannot be done as it was asked",
    401: "No token, or a wrong one", 403: "Not from there", 404: "There is no such thing", 409: "Its state does not allow it",
    413: "More than the gateway reads", 429: "Too many wait, or an agent loops", 500: "A fault of the gateway",
    502: "The answer broke off", 503: "The engine or the queue does not answer", 504: "It took too long",
}  # fmt: skip


def document(version: str, operations: Sequence[ApiOperation] = OPERATIONS) -> Json:
    """The whole document. `version`: of the gateway."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    schemas: Json = {**ASKED, **TOLD, "OpenApi": obj({"openapi": TEXT, "info": OBJECT, "paths": OBJECT})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Qwen Bridge", "version": version, "summary": "OpenAI's, Anthropic's and Ollama's API on one port"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }  # fmt: skip


def _operation(told: ApiOperation) -> Json:
    found: Json = {"summary": told.summary, "operationId": _id_of(told), "responses": _responses(told)}
    parameters = [_parameter(name, "path", TEXT) for name in re.findall(r"\{(\w+)\}", told.path)]
    parameters += [_parameter(name, "query", _PARAMETERS[name]) for name in told.query]
    if parameters:
        found["parameters"] = parameters
    if told.takes:
        found["requestBody"] = {"required": True, "content": {told.takes_as: {"schema": ref(told.takes)}}}
    return found


def _responses(told: ApiOperation) -> Json:
    content: Json = {JSON: {"schema": ref(told.gives)}} if told.gives else {}
    good: Json = {**content, **{kind: {"schema": _STREAMS.get(kind, TEXT)} for kind in told.also}}
    later = {JSON: {"schema": ref("Response")}}
    error = {JSON: {"schema": ref(told.family.value)}}
    answers = {
        str(status): {"description": _MEANINGS[status], "content": later if status == 202 else good}
        for status in told.statuses
    }
    errors = {str(status): {"description": _MEANINGS[status], "content": error} for status in sorted(told.errors)}
    return {**answers, **errors}


def _parameter(name: str, place: str, schema: Json) -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema}


def _id_of(told: ApiOperation) -> str:
    words_ = [word for word in re.split(r"[^a-zA-Z0-9]+", told.path) if word]
    return "_".join((told.method.lower(), *(words_ or ["root"])))
