"""What the gateway answers, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.gateway.openapi.shapes import ANY, COUNT, FLAG, NUMBER, OBJECT, TEXT, either, many, obj, ref, some, words
from bridge.protocols.asked import Json
from bridge.protocols.openai_batch import BatchStatus
from bridge.protocols.responses import ResponseStatus

_MOMENT = some(COUNT)
_PAGE: Json = {"object": words("list"), "first_id": some(TEXT), "last_id": some(TEXT), "has_more": FLAG}
_USAGE = obj({"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT})
_LONG_USAGE = obj({"input_tokens": COUNT, "output_tokens": COUNT, "total_tokens": COUNT})
_FINISH = words("stop", "length", "tool_calls", "function_call", "content_filter")
_MESSAGE = obj(
    {"role": words("assistant"), "content": some(TEXT)}, tool_calls=many(OBJECT), function_call=OBJECT, refusal=ANY
)
_OLLAMA_END: Json = {"model": TEXT, "created_at": TEXT, "done": FLAG}

TOLD: Mapping[str, Json] = {
    "OpenAIError": obj({"error": obj({"message": TEXT, "type": TEXT, "param": some(TEXT), "code": some(TEXT)})}),
    "AnthropicError": obj({"type": words("error"), "error": obj({"type": TEXT, "message": TEXT})}),
    "OllamaError": obj({"error": TEXT}),
    "BridgeNote": {**OBJECT, "description": "What was done to the request: another model, turns that were cut, its job."},
    "ChatCompletion": obj(
        {
            "id": TEXT, "object": words("chat.completion"), "created": COUNT, "model": TEXT, "usage": _USAGE,
            "choices": many(obj({"index": COUNT, "message": _MESSAGE, "finish_reason": _FINISH}), least=1),
        },
        function_call=some(OBJECT), bridge=ref("BridgeNote"),
    ),
    "Completion": obj(
        {
            "id": TEXT, "object": words("text_completion"), "created": COUNT, "model": TEXT, "usage": _USAGE,
            "choices": many(obj({"index": COUNT, "text": TEXT, "finish_reason": _FINISH}), least=1),
        },
        bridge=ref("BridgeNote"),
    ),
    "Response": obj(
        {
            "id": TEXT, "object": words("response"), "created_at": COUNT, "model": TEXT, "output": many(OBJECT),
            "status": words(*(status.value for status in ResponseStatus)), "background": FLAG, "error": some(OBJECT),
            "incomplete_details": some(OBJECT), "usage": some(_LONG_USAGE),
        },
        bridge=ref("BridgeNote"),
    ),
    "Embeddings": obj(
        {
            "object": words("list"), "model": TEXT, "usage": obj({"prompt_tokens": COUNT, "total_tokens": COUNT}),
            "data": many(obj({"object": words("embedding"), "index": COUNT, "embedding": either(TEXT, many(NUMBER))})),
            "embeddings": many(many(NUMBER)),
        }
    ),
    "TokenCount": obj({"input_tokens": COUNT}, object=TEXT),
    "Tokenized": obj({"count": COUNT, "max_model_len": COUNT, "model": TEXT, "counted": words("exact", "estimate")}),
    "File": obj(
        {"id": TEXT, "object": words("file"), "bytes": COUNT, "created_at": COUNT, "filename": TEXT, "purpose": TEXT, "status": TEXT},
        expires_at=_MOMENT,
    ),
    "FileList": obj({**_PAGE, "data": many(ref("File"))}),
    "Deleted": obj({"id": TEXT, "object": TEXT, "deleted": FLAG}),
    "Batch": obj(
        {
            "id": TEXT, "object": words("batch"), "endpoint": TEXT, "input_file_id": TEXT, "completion_window": TEXT,
            "status": words(*(status.value for status in BatchStatus)), "created_at": COUNT,
            "request_counts": obj({"total": COUNT, "completed": COUNT, "failed": COUNT}),
        },
        output_file_id=some(TEXT), error_file_id=some(TEXT), errors=some(obj({"object": TEXT, "data": many(OBJECT)})),
        metadata=some(OBJECT), model=some(TEXT), usage=_LONG_USAGE, expires_at=_MOMENT, in_progress_at=_MOMENT, finalizing_at=_MOMENT,
        completed_at=_MOMENT, failed_at=_MOMENT, expired_at=_MOMENT, cancelling_at=_MOMENT, cancelled_at=_MOMENT,
    ),
    "BatchList": obj({**_PAGE, "data": many(ref("Batch"))}),
    "Model": obj({"id": TEXT, "object": words("model"), "created": COUNT, "owned_by": TEXT}, status=words("loaded", "unloaded"), context_length=COUNT),
    "OpenAIModels": obj({"object": words("list"), "data": many(ref("Model"))}),
    "ModelList": obj({"models": many(ref("Model"))}),
    "Progress": obj({"status": TEXT, "progress": NUMBER}, model=TEXT, completed=COUNT, total=COUNT, error=OBJECT),
    "ModelState": obj({"model": TEXT, "status": words("loaded", "unloaded")}),
    "AnthropicMessage": obj(
        {
            "id": TEXT, "type": words("message"), "role": words("assistant"), "model": TEXT, "content": many(obj({"type": TEXT})),
            "stop_reason": words("end_turn", "max_tokens", "tool_use", "refusal"), "stop_sequence": some(TEXT),
            "usage": obj({"input_tokens": COUNT, "output_tokens": COUNT}),
        },
        bridge=ref("BridgeNote"),
    ),
    "OllamaChat": obj({**_OLLAMA_END, "message": obj({"role": TEXT, "content": TEXT})}, done_reason=TEXT, bridge=ref("BridgeNote")),
    "OllamaGenerate": obj({**_OLLAMA_END, "response": TEXT}, done_reason=TEXT, bridge=ref("BridgeNote")),
    "OllamaEmbed": either(obj({"model": TEXT, "embeddings": many(many(NUMBER))}), obj({"embedding": many(NUMBER)})),
    "OllamaTags": obj({"models": many(obj({"name": TEXT, "model": TEXT}))}),
    "OllamaShow": obj({"details": OBJECT, "model_info": OBJECT, "capabilities": many(TEXT)}),
    "OllamaVersion": obj({"version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"}}),
    "OllamaStatus": obj({"status": TEXT}),
    "Infill": obj({"content": TEXT, "stop": FLAG}, model=TEXT, tokens_evaluated=COUNT, tokens_predicted=COUNT),
    "Health": obj(
        {
            "status": words("ok", "degraded"), "model_loaded": FLAG, "memory_usage": some(COUNT), "models_loaded": many(TEXT),
            "engines": many(OBJECT), "line": OBJECT,
        }
    ),
}  # fmt: skip
