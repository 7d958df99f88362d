"""Every way to get no answer, as openai-python and anthropic tell their users: the class, the status, the code."""

from __future__ import annotations

import anthropic
import openai
import pytest

from bridge.core import errors
from bridge.core.errors import EngineError
from tests.gateway.conftest import Served

#: (what the engine raises, class of openai-python, status, code, anthropic's type of error)
_ENGINE: list[tuple[EngineError, type[openai.APIStatusError], int, str | None, str]] = [
    (errors.BadRequest("no"), openai.BadRequestError, 400, None, "invalid_request_error"),
    (errors.NotSupported("no"), openai.BadRequestError, 400, "unsupported_value", "invalid_request_error"),
    (errors.ContextExceeded("no", over_by=9), openai.BadRequestError, 400, "context_length_exceeded", "invalid_request_error"),
    (errors.Refused("no"), openai.BadRequestError, 400, "content_filter", "invalid_request_error"),
    (errors.ModelMissing("no"), openai.NotFoundError, 404, "model_not_found", "not_found_error"),
    (errors.RateLimited("no", retry_after_s=7), openai.RateLimitError, 429, "rate_limit_exceeded", "rate_limit_error"),
    (errors.Overloaded("no"), openai.RateLimitError, 429, "rate_limit_exceeded", "rate_limit_error"),
    (errors.StreamInterrupted("no"), openai.InternalServerError, 502, "answer_broke_off", "api_error"),
    (errors.IncompleteAnswer("no"), openai.InternalServerError, 502, "answer_broke_off", "api_error"),
    (errors.EngineDown("no"), openai.InternalServerError, 503, "engine_unavailable", "overloaded_error"),
    (errors.OutOfMemory("no"), openai.InternalServerError, 503, "engine_unavailable", "overloaded_error"),
]  # fmt: skip
_IDS = [type(row[0]).__name__ for row in _ENGINE]
_HI = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(("raised", "kind", "status", "code", "_anthropic"), _ENGINE, ids=_IDS)
@pytest.mark.parametrize("stream", [False, True])
def test_openai_python_raises_what_fits(
    client: openai.OpenAI, served: Served, raised: EngineError, kind: type[openai.APIStatusError], status: int, code: str | None,
    _anthropic: str, stream: bool,
) -> None:  # fmt: skip
    served.engine.enqueue(raised)
    with pytest.raises(kind) as error:
        client.chat.completions.create(model="scripted", messages=_HI, stream=stream)
    assert (error.value.status_code, error.value.code) == (status, code)


@pytest.mark.parametrize(("raised", "_kind", "status", "_code", "name"), _ENGINE, ids=_IDS)
def test_anthropic_raises_what_fits(
    served: Served, raised: EngineError, _kind: object, status: int, _code: object, name: str
) -> None:
    served.engine.enqueue(raised)
    with (
        anthropic.Anthropic(base_url=served.url, api_key="x", max_retries=0) as client,
        pytest.raises(anthropic.APIStatusError) as error,
    ):
        client.messages.create(model="scripted", max_tokens=9, messages=_HI)
    assert error.value.status_code == status
    assert error.value.body == {
        "type": "error",
        "error": {"type": name, "message": error.value.body["error"]["message"]},
    }  # type: ignore[index]


@pytest.mark.parametrize(("wait_s", "told", "again"), [(7, "7", None), (200, "200", "false")])
def test_a_client_is_told_when_to_come_again_and_whether_it_is_worth_it(
    client: openai.OpenAI, served: Served, wait_s: float, told: str, again: str | None
) -> None:
    served.engine.enqueue(errors.RateLimited("no", retry_after_s=wait_s))
    with pytest.raises(openai.RateLimitError) as error:
        client.chat.completions.create(model="scripted", messages=_HI)
    assert error.value.response.headers["retry-after"] == told
    assert error.value.response.headers.get("x-should-retry") == again


#: (body of a chat, the field that is to blame)
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": "hi"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": _HI, "n": 99}, "n"),
        ({"messages": _HI, "stream": "yes"}, "stream"),
        ({"messages": _HI, "temperature": "warm"}, "temperature"),
        ({"messages": _HI, "logprobs": True}, "logprobs"),
        ({"messages": _HI, "truncation": "some"}, "truncation"),
        ({"messages": _HI, "bridge": 1}, "bridge"),
        ({"messages": _HI, "tools": {}}, "tools"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(client: openai.OpenAI, body: dict[str, object], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.post("/chat/completions", body=body, cast_to=object)
    assert error.value.param == param
