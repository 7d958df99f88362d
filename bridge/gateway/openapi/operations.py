"""Every path and method of the gateway: what it takes, what it gives, how it fails. One table; a test holds it against the app's routes.

A new route needs its line here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

JSON = "application/json"
EVENTS = "text/event-stream"
LINES = "application/x-ndjson"
BYTES = "application/octet-stream"
PLAIN = "text/plain"
FORM = "multipart/form-data"


class ErrorFamily(Enum):
    """Whose shape the errors of a path have; the value is the name of their schema."""

    OPENAI = "OpenAIError"
    ANTHROPIC = "AnthropicError"
    OLLAMA = "OllamaError"


@dataclass(frozen=True, kw_only=True)
class ApiOperation:
    """One method of one path."""

    method: str
    path: str  #: as the route has it, without converters
    summary: str
    takes: str | None = None  #: the schema of its body
    takes_as: str = JSON
    gives: str | None = None  #: the schema of its answer in JSON
    also: tuple[str, ...] = ()  #: content types beside that, or instead of it
    statuses: tuple[int, ...] = (200,)  #: of answers
    errors: tuple[int, ...] = ()
    query: tuple[str, ...] = ()  #: names of `PARAMETERS`
    family: ErrorFamily = ErrorFamily.OPENAI


#: Of any path: no token, a foreign page, a fault of ours.
_ANY = (401, 403, 500)
_LOOK = (*_ANY, 400, 404)
#: Of paths that only list what the engine has.
_LIST = (*_ANY, 503)
_BODY = (*_ANY, 400, 413, 504)
#: Of paths behind which an engine works.
_ENGINE = (*_BODY, 404, 429, 502, 503)


def _post(path: str, summary: str, takes: str, gives: str, *also: str, family: ErrorFamily = ErrorFamily.OPENAI,
          statuses: tuple[int, ...] = (200,), errors: Sequence[int] = _ENGINE) -> ApiOperation:  # fmt: skip
    return ApiOperation(
        method="POST", path=path, summary=summary, takes=takes, gives=gives, also=also, family=family, statuses=statuses, errors=tuple(errors)
    )  # fmt: skip


def _get(path: str, summary: str, gives: str | None, *also: str, family: ErrorFamily = ErrorFamily.OPENAI,
         query: tuple[str, ...] = (), errors: Sequence[int] = _LOOK) -> ApiOperation:  # fmt: skip
    return ApiOperation(
        method="GET", path=path, summary=summary, gives=gives, also=also, family=family, query=query, errors=tuple(errors)
    )  # fmt: skip


_LATER = (200, 202)
_OLLAMA, _ANTHROPIC = ErrorFamily.OLLAMA, ErrorFamily.ANTHROPIC
_ANSWERS = (
    _post("/v1/chat/completions", "Answer a chat", "ChatCompletionRequest", "ChatCompletion", EVENTS, statuses=_LATER),
    _post("/v1/completions", "Complete a text, or fill in its middle", "CompletionRequest", "Completion", EVENTS, statuses=_LATER),
    _post("/v1/responses", "Answer, now or later", "ResponseRequest", "Response", EVENTS, statuses=_LATER),
    _post("/v1/messages", "Answer a conversation", "MessagesRequest", "AnthropicMessage", EVENTS, statuses=_LATER, family=_ANTHROPIC),
    _post("/api/chat", "Answer a chat", "OllamaChatRequest", "OllamaChat", LINES, statuses=_LATER, family=_OLLAMA),
    _post("/api/generate", "Complete a text", "OllamaGenerateRequest", "OllamaGenerate", LINES, statuses=_LATER, family=_OLLAMA),
    _post("/infill", "Fill in the middle", "InfillRequest", "Infill", EVENTS, statuses=_LATER),
    _post("/v1/embeddings", "Vectors of texts", "EmbeddingRequest", "Embeddings"),
    _post("/api/embed", "Vectors of texts", "OllamaEmbedRequest", "OllamaEmbed", family=_OLLAMA),
    _post("/api/embeddings", "The vector of a text", "OllamaEmbedRequest", "OllamaEmbed", family=_OLLAMA),
)  # fmt: skip
_COUNTS = (
    _post("/v1/responses/input_tokens", "Count tokens", "ResponseRequest", "TokenCount"),
    _post("/v1/chat/completions/input_tokens", "Count tokens", "ChatCompletionRequest", "TokenCount"),
    _post("/v1/messages/count_tokens", "Count tokens", "MessagesRequest", "TokenCount", family=_ANTHROPIC),
    _post("/tokenize", "Count the tokens of a text or a chat", "TokenizeRequest", "Tokenized"),
)
_ONE_RESPONSE = (*_LOOK, 409, 503)
_RESPONSES = (
    _get("/v1/responses/{id}", "A response as it stands", "Response", query=("wait",), errors=_ONE_RESPONSE),
    ApiOperation(method="DELETE", path="/v1/responses/{id}", summary="Forget a response", gives="Deleted", errors=_ONE_RESPONSE),
    ApiOperation(method="POST", path="/v1/responses/{id}/cancel", summary="Take a response back", gives="Response", errors=_ONE_RESPONSE),
)  # fmt: skip
_FILES = (
    ApiOperation(
        method="POST", path="/v1/files", summary="Upload a file", takes="FileUpload", takes_as=FORM, gives="File", errors=_BODY
    ),
    _get("/v1/files", "List files", "FileList", query=("after", "limit", "order", "purpose")),
    _get("/v1/files/{id}", "Facts of a file", "File"),
    ApiOperation(method="DELETE", path="/v1/files/{id}", summary="Delete a file", gives="Deleted", errors=_LOOK),
    _get("/v1/files/{id}/content", "The bytes of a file", None, BYTES),
    _post("/v1/batches", "Make a batch of a file", "BatchRequest", "Batch", errors=(*_BODY, 404)),
    _get("/v1/batches", "List batches, the newest first", "BatchList", query=("after", "limit")),
    _get("/v1/batches/{id}", "A batch as it stands", "Batch"),
    ApiOperation(method="POST", path="/v1/batches/{id}/cancel", summary="Cancel a batch", gives="Batch", errors=(*_LOOK, 409)),
)  # fmt: skip
_MODELS = (
    _get("/v1/models", "List models", "OpenAIModels", errors=_LIST),
    _get("/models", "List models", "ModelList", errors=_LIST),
    _get("/v1/models/{name}", "One model", "Model", errors=(*_LIST, 404)),
    ApiOperation(
        method="DELETE",
        path="/v1/models/{name}",
        summary="Remove a model from the disk",
        gives="Deleted",
        errors=(*_ENGINE, 404, 409),
    ),
    ApiOperation(
        method="DELETE",
        path="/api/delete",
        summary="Remove a model from the disk",
        takes="OllamaModelRequest",
        family=_OLLAMA,
        errors=(*_ENGINE, 409),
    ),
    _post("/models/download", "Fetch a model", "DownloadRequest", "Progress", EVENTS),
    _post("/models/load", "Load a model", "ModelRequest", "ModelState"),
    _post("/models/unload", "Take a model out of memory", "ModelRequest", "ModelState", errors=(*_ENGINE, 409)),
    _post("/api/show", "What a model can do", "OllamaModelRequest", "OllamaShow", family=_OLLAMA),
    _post("/api/pull", "Fetch a model", "OllamaModelRequest", "OllamaStatus", LINES, family=_OLLAMA),
    _get("/api/tags", "List models", "OllamaTags", family=_OLLAMA, errors=_LIST),
    _get("/api/ps", "List models in memory", "OllamaTags", family=_OLLAMA, errors=_LIST),
    _get("/api/version", "The version of Ollama whose API this is", "OllamaVersion", family=_OLLAMA, errors=_ANY),
)
_STATE = (
    _get("/", "A sign of life", None, PLAIN, errors=_ANY),
    ApiOperation(method="HEAD", path="/", summary="A sign of life", errors=_ANY),
    _get("/health", "Whether the gateway lives, and what is loaded", "Health", errors=_ANY),
    _get("/metrics", "Counts for Prometheus", None, PLAIN, errors=_ANY),
    _get("/openapi.json", "This document", "OpenApi", errors=_ANY),
)
#: The same without `/v1`, because half of all base addresses lack it.
_SHORT = ("/chat/completions", "/completions", "/embeddings", "/responses")


def _short(operation: ApiOperation) -> ApiOperation:
    return replace(operation, path=operation.path.removeprefix("/v1"))


OPERATIONS: tuple[ApiOperation, ...] = (
    *_ANSWERS,
    *(_short(operation) for operation in _ANSWERS if operation.path.removeprefix("/v1") in _SHORT and operation.path.startswith("/v1")),
    *_COUNTS,
    *_RESPONSES,
    *_FILES,
    *_MODELS,
    *_STATE,
)  # fmt: skip
