"""Every refusal in every family's own shape, with its status: what a client's own error classes make of it."""

from __future__ import annotations

import httpx
import openai
import pytest
from anthropic.types import ErrorResponse
from openai.types.shared import ErrorObject

from bridge.gateway.reply import refused
from bridge.protocols import ollama, responses
from bridge.protocols.anthropic import Messages
from bridge.protocols.asked import WireFormat
from bridge.protocols.infill import Infill
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.openai_completions import Completions
from bridge.protocols.refusal import ApiRefusal, RefusalKind
from tests.gateway.judged import judged

#: {kind: (status, OpenAI's type and code, Anthropic's type)}.
KINDS: dict[RefusalKind, tuple[int, str, str | None, str]] = {
    RefusalKind.BAD_REQUEST: (400, "invalid_request_error", None, "invalid_request_error"),
    RefusalKind.CONTEXT_EXCEEDED: (400, "invalid_request_error", "context_length_exceeded", "invalid_request_error"),
    RefusalKind.UNAUTHORIZED: (401, "invalid_request_error", "invalid_api_key", "authentication_error"),
    RefusalKind.FORBIDDEN: (403, "invalid_request_error", "forbidden", "permission_error"),
    RefusalKind.NOT_FOUND: (404, "invalid_request_error", "not_found", "not_found_error"),
    RefusalKind.WRONG_METHOD: (405, "invalid_request_error", "method_not_allowed", "invalid_request_error"),
    RefusalKind.CONFLICT: (409, "invalid_request_error", "conflict", "invalid_request_error"),
    RefusalKind.TOO_LARGE: (413, "invalid_request_error", "request_too_large", "request_too_large"),
    RefusalKind.SECRET: (400, "invalid_request_error", "secret_found", "invalid_request_error"),
    RefusalKind.LINE_FULL: (429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"),
    RefusalKind.RATE_LIMITED: (429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"),
    RefusalKind.UNAVAILABLE: (503, "server_error", "engine_unavailable", "overloaded_error"),
    RefusalKind.BROKEN_OFF: (502, "server_error", "answer_broke_off", "api_error"),
    RefusalKind.TIMED_OUT: (504, "server_error", "timeout", "timeout_error"),
    RefusalKind.INTERNAL: (500, "server_error", "internal_error", "api_error"),
}
#: Anthropic's documentation has it for 413; the union of errors in its client has it not.
_NOT_IN_THE_CLIENT = {"request_too_large"}
OPENAI: dict[str, WireFormat] = {
    "chat": ChatCompletions(), "completions": Completions(), "responses": responses.Responses(), "infill": Infill(),
}  # fmt: skip
OLLAMA: dict[str, WireFormat] = {"chat": ollama.Chat(), "generate": ollama.Generate()}


def _refusal(kind: RefusalKind) -> ApiRefusal:
    sizes = {"tokens": 9000, "window": 8192} if kind is RefusalKind.CONTEXT_EXCEEDED else {}
    return ApiRefusal(kind=kind, message="so it is", param="model", **sizes)


def test_the_table_has_every_kind() -> None:
    assert set(KINDS) == set(RefusalKind)


@pytest.mark.parametrize("kind", KINDS)
def test_openais_family(kind: RefusalKind) -> None:
    status, type_, code, _ = KINDS[kind]
    for wire in OPENAI.values():
        reply = refused(wire, _refusal(kind))
        error = judged(ErrorObject, httpx.Response(200, content=reply.body).json()["error"], ours=())
        assert (reply.status_code, error.type, error.code) == (status, type_, code)
        if kind is RefusalKind.CONTEXT_EXCEEDED:
            assert "8192" in error.message
            assert "9000" in error.message


@pytest.mark.parametrize("kind", KINDS)
def test_anthropics_family(kind: RefusalKind) -> None:
    status, _, _, type_ = KINDS[kind]
    reply = refused(Messages(), _refusal(kind))
    body = httpx.Response(200, content=reply.body).json()
    if type_ not in _NOT_IN_THE_CLIENT:
        judged(ErrorResponse, body, ours=())
    assert (reply.status_code, body["type"], body["error"]["type"]) == (status, "error", type_)
    if kind is RefusalKind.CONTEXT_EXCEEDED:
        assert body["error"]["message"] == "prompt is too long: 9000 tokens > 8192 maximum"


@pytest.mark.parametrize("kind", KINDS)
def test_ollamas_family(kind: RefusalKind) -> None:
    for wire in OLLAMA.values():
        reply = refused(wire, _refusal(kind))
        body = httpx.Response(200, content=reply.body).json()
        assert (reply.status_code, list(body)) == (KINDS[kind][0], ["error"])
        assert isinstance(body["error"], str)


@pytest.mark.parametrize(("kind", "code"), [
    (RefusalKind.LINE_FULL, "rate_limit_exceeded"),
    (RefusalKind.BAD_REQUEST, "invalid_prompt"),
    (RefusalKind.BROKEN_OFF, "server_error"),
    (RefusalKind.CONTEXT_EXCEEDED, "context_length_exceeded"),  # not in the client's list, but Codex compacts by it
])  # fmt: skip
def test_a_response_that_fails_has_a_code_that_its_client_knows(kind: RefusalKind, code: str) -> None:
    assert responses.failure(_refusal(kind))["code"] == code


#: The client's own classes, by status.
_CLASSES = {
    400: ("BadRequestError",), 401: ("AuthenticationError",), 403: ("PermissionDeniedError",), 404: ("NotFoundError",),
    409: ("ConflictError",), 413: ("APIStatusError", "RequestTooLargeError"), 429: ("RateLimitError",), 405: ("APIStatusError",),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_openais_client_raises_its_own_class(kind: RefusalKind) -> None:
    request = httpx.Request("POST", "http://x")

    def answer(wire: WireFormat) -> httpx.MockTransport:
        reply = refused(wire, _refusal(kind))
        return httpx.MockTransport(
            lambda _: httpx.Response(reply.status_code, content=reply.body, headers=reply.headers, request=request)
        )

    theirs = openai.OpenAI(api_key="x", max_retries=0, http_client=httpx.Client(transport=answer(ChatCompletions())))
    with pytest.raises(openai.APIStatusError) as raised:
        theirs.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert (raised.value.code, raised.value.type) == (KINDS[kind][2], KINDS[kind][1])
    names = _CLASSES.get(KINDS[kind][0], ("InternalServerError",))
    assert type(raised.value).__name__ in names
