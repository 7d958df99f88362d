"""What clients send, as JSON Schema; fields that are not named are ignored."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.gateway.openapi.shapes import (
    ANY,
    FLAG,
    OBJECT,
    TEXT,
    either,
    many,
    number,
    obj,
    ref,
    some,
    whole,
    words,
)
from bridge.protocols.asked import Json
from bridge.protocols.openai_batch import ENDPOINTS
from bridge.protocols.openai_request import MOST_ANSWERS

_SAMPLING: Json = {
    "temperature": some(number(0, 2)),
    "top_p": some(number(0, 1)),
    "seed": some({"type": "integer"}),
    "stop": some(either(TEXT, many(TEXT))),
}
_OURS: Json = {
    "truncation": some(words("auto", "disabled")),
    "bridge": some(obj({}, private=FLAG, truncation=words("auto", "disabled"))),
}
_STREAM: Json = {"stream": some(FLAG), "stream_options": some(obj({}, include_usage=FLAG))}
_LENGTH: Json = some(whole(1))
_FORMAT = some(obj({"type": words("text", "json_object", "json_schema")}, json_schema=OBJECT))
_PARTS = many(obj({"type": TEXT}))
_CONTENT = either(TEXT, _PARTS)

ASKED: Mapping[str, Json] = {
    "ChatMessage": obj(
        {"role": words("system", "developer", "user", "assistant", "tool", "function")},
        content=some(_CONTENT), name=TEXT, tool_calls=some(many(OBJECT)), tool_call_id=TEXT, function_call=some(OBJECT),
    ),
    "ChatCompletionRequest": obj(
        {"messages": many(ref("ChatMessage"), least=1)},
        model=some(TEXT), **_SAMPLING, **_STREAM, **_OURS, n=some(whole(1, MOST_ANSWERS)),
        max_tokens=_LENGTH, max_completion_tokens=_LENGTH, tools=some(many(OBJECT)), tool_choice=ANY,
        parallel_tool_calls=some(FLAG), functions=some(many(OBJECT)), function_call=ANY, response_format=_FORMAT,
        logprobs=some({"const": False}), top_logprobs=some({"const": 0}),
    ),
    "CompletionRequest": obj(
        {"prompt": either(TEXT, {**many(TEXT, least=1), "maxItems": 1})},
        model=some(TEXT), **_SAMPLING, **_STREAM, **_OURS, n=some(whole(1, MOST_ANSWERS)), max_tokens=_LENGTH,
        suffix=some(TEXT), language=some({"type": "string", "pattern": "\\S"}), logprobs=some({"const": 0}),
    ),
    "ResponseRequest": obj(
        {"input": either(TEXT, many(OBJECT, least=1))},
        model=some(TEXT), **_SAMPLING, **_OURS, stream=some(FLAG), background=some(FLAG), store=some(FLAG),
        instructions=some(TEXT), max_output_tokens=_LENGTH, previous_response_id=some(TEXT), metadata=some(OBJECT),
        tools=some(many(OBJECT)), tool_choice=ANY, parallel_tool_calls=some(FLAG), text=some(obj({}, format=some(OBJECT))),
    ),
    "EmbeddingRequest": obj(
        {"input": either({"type": "string", "minLength": 1}, many({"type": "string", "minLength": 1}, least=1))},
        model=some(TEXT), encoding_format=some(words("float", "base64")),
    ),
    "FileUpload": obj(
        {"file": {"type": "string", "format": "binary"}, "purpose": TEXT},
        **{"expires_after[anchor]": words("created_at"), "expires_after[seconds]": whole(3600, 2_592_000)},
    ),
    "BatchRequest": obj(
        {"input_file_id": TEXT, "endpoint": words(*ENDPOINTS), "completion_window": words("24h")},
        metadata=some({"type": "object", "maxProperties": 16, "additionalProperties": {"type": "string", "maxLength": 512}}),
        output_expires_after=some(obj({"anchor": words("created_at"), "seconds": whole(3600, 2_592_000)})),
    ),
    "DownloadRequest": obj({}, model_name=TEXT, model=TEXT, quantization=some(TEXT), stream=FLAG),
    "ModelRequest": obj({}, model_name=TEXT, model=TEXT, quantization=some(TEXT)),
    "MessagesRequest": obj(
        {"messages": many(obj({"role": words("user", "assistant", "system"), "content": _CONTENT}), least=1)},
        model=some(TEXT), max_tokens=_LENGTH, system=some(_CONTENT), **_OURS, stream=some(FLAG),
        temperature=some(number(0, 2)), top_p=some(number(0, 1)), stop_sequences=some(many(TEXT)),
        tools=some(many(OBJECT)), tool_choice=some(obj({"type": words("auto", "any", "tool", "none")}, name=TEXT)),
    ),
    "OllamaOptions": obj(
        {}, **_SAMPLING, num_ctx=some(whole(1)), num_predict=some({"type": "integer"})
    ),
    "OllamaChatRequest": obj(
        {},
        model=some(TEXT), messages=many(obj({"role": TEXT}, content=some(TEXT), images=some(many(TEXT)))), stream=some(FLAG),
        options=some(ref("OllamaOptions")), format=some(either(TEXT, OBJECT)), tools=some(many(OBJECT)), keep_alive=ANY, **_OURS,
    ),
    "OllamaGenerateRequest": obj(
        {},
        model=some(TEXT), prompt=some(TEXT), system=some(TEXT), suffix=some(TEXT), images=some(many(TEXT)), stream=some(FLAG),
        options=some(ref("OllamaOptions")), format=some(either(TEXT, OBJECT)), keep_alive=ANY, **_OURS,
    ),
    "OllamaEmbedRequest": obj({}, model=some(TEXT), input=either(TEXT, many(TEXT)), prompt=TEXT),
    "OllamaModelRequest": obj({}, model=TEXT, name=TEXT, stream=some(FLAG)),
    "InfillRequest": obj(
        {},
        model=some(TEXT), input_prefix=some(TEXT), input_suffix=some(TEXT), prompt=some(TEXT), stream=some(FLAG), **_SAMPLING,
        input_extra=some(many(obj({}, filename=TEXT, text=TEXT))), n_predict=some({"type": "integer"}),
    ),
    "TokenizeRequest": obj({}, model=some(TEXT), content=TEXT, prompt=TEXT, messages=many(ref("ChatMessage")), tools=some(many(OBJECT))),
}  # fmt: skip
