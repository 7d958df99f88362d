"""Any API that speaks OpenAI's chat completions: vLLM, llama.cpp's server, Groq, Gemini's compatible endpoint, and others.

Wire: https://platform.openai.com/docs/api-reference/chat, streaming as server-sent events.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bridge.core.chat import ChatReply, FinishReason
from bridge.core.errors import (
    BadRequest,
    EngineDown,
    EngineError,
    IncompleteAnswer,
    ModelMissing,
    NotSupported,
    Refused,
    StreamInterrupted,
)
from bridge.core.options import LONGEST_ANSWER, longest_answer
from bridge.core.text import counted
from bridge.engines.base import (
    Answer,
    Capabilities,
    EngineModel,
    Health,
    OnProgress,
    OnToken,
    Request,
    Stop,
    ignore_progress,
    ignore_token,
)
from bridge.engines.json_api import JsonApi
from bridge.kernel.ollama_answer import ALL_SPENT
from bridge.protocols.openai import ChatError, read_embeddings, write_messages, write_request
from bridge.protocols.openai_stream import ReplyReader

#: What such an API has for some model; which one, only the API knows, and says so by refusing. Of a `suffix` many take no
#: notice and say nothing, so it is not sent.
_TRIED = Capabilities(tools=True, tool_choice=True, json_schema=True, images=True, embeddings=True)


def stream_answer(
    api: JsonApi,
    path: str,
    body: Mapping[str, Any],
    request: Request,
    on_token: OnToken,
    stop: Stop | None,
    *,
    calls_in_text: Collection[str] = (),
    at_least: int = LONGEST_ANSWER,
) -> Answer:
    """The answer to a request that is put into `body`, streamed. See `Engine.answer`; `calls_in_text` as for `ReplyReader`.

    `at_least`: see `longest_answer`.
    """
    asked = {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **request.sampling(),
        **body,
    }
    began = time.monotonic()
    first_s: float | None = None
    longest = longest_answer(request.max_tokens, at_least)
    reader = ReplyReader(request.model, calls_in_text=calls_in_text, longest=longest)
    try:
        for event in api.events(path, asked, stop or Stop(), request.timeout_s):
            piece = _read(reader, event)
            if piece:
                first_s = first_s or time.monotonic() - began
                on_token(piece)
            if reader.is_full:
                break
        reply = _whole(reader)
    except EngineError as error:
        error.partial = reader.text
        raise
    total_s = time.monotonic() - began
    timing = {"total": total_s, "prompt": first_s or total_s, "answer": total_s - (first_s or total_s)}
    return Answer(**vars(reply), model=reader.model, usage=reader.usage, timing_s=timing)


def _read(reader: ReplyReader, event: Mapping[str, Any]) -> str:
    try:
        return reader.feed(event)
    except (ValueError, TypeError, AttributeError) as error:
        raise StreamInterrupted(f"the answer broke off (an event of another shape: {error})") from None


def _whole(reader: ReplyReader) -> ChatReply:
    if not reader.finish_word:
        raise IncompleteAnswer("the stream ended without a finish reason")
    try:
        reply = reader.reply()
    except ChatError as error:
        raise IncompleteAnswer(str(error)) from None
    if reply.finish_reason is FinishReason.CONTENT_FILTER:
        raise Refused("the API's content filter ended the answer")
    if not reply.text and not reply.tool_calls:
        if reply.finish_reason is FinishReason.LENGTH:  # asked again, it would spend them again
            raise BadRequest(ALL_SPENT)
        raise IncompleteAnswer("the model answered with nothing")
    return reply


def embed_texts(api: JsonApi, path: str, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
    """One vector for each text. See `Engine.embed`."""
    try:
        vectors = read_embeddings(api.post(path, {"model": model, "input": list(texts), "encoding_format": "float"}))
    except ChatError as error:
        raise IncompleteAnswer(f"{api.base}{path}: {error}") from None
    if len(vectors) != len(texts):
        raise IncompleteAnswer(f"{len(texts)} texts were sent, {len(vectors)} vectors came back")
    return vectors


class OpenAIEngine:
    """One API, with or without a key."""

    path = "/chat/completions"

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        name: str = "openai",
        connect_s: float = 10.0,
        silence_s: float = 300.0,
        use_environment: bool = True,
        longest_answer: int = LONGEST_ANSWER,
        can: Capabilities = _TRIED,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url` up to and with the version, as `https://api.groq.com/openai/v1`.

        `use_environment`: proxies and certificates as `requests` reads them from the environment. `longest_answer`:
        characters that any answer may have. `can`: what is tried.
        """
        self.name, self._can = name, can
        self._longest_answer = longest_answer
        self._api = JsonApi(
            base_url, api_key, connect_s=connect_s, silence_s=silence_s, use_environment=use_environment, now=now
        )

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """See `Engine.answer`."""
        request.check()
        self._can.require(request, request.model)
        body = {**write_request(request), "messages": write_messages(request.messages)}
        body.pop("prompt", None)
        return stream_answer(self._api, self.path, body, request, on_token, stop, at_least=self._longest_answer)

    def models(self) -> tuple[EngineModel, ...]:
        """See `Engine.models`."""
        try:
            return tuple(EngineModel(name=str(row["id"])) for row in self._api.get("/models")["data"])
        except (KeyError, TypeError):
            raise EngineDown(f"{self._api.base}/models does not answer like an OpenAI-compatible API") from None

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """See `Engine.pull`; an API has its models or it has not."""
        if model not in {found.name for found in self.models()}:
            raise ModelMissing(f"{self._api.base} has no model {model!r}, and models cannot be pulled there")
        on_progress("success", 0, 0)

    def capabilities(self, model: str) -> Capabilities:  # noqa: ARG002  # an API does not tell
        """See `Engine.capabilities`: what is tried; a model that lacks it is refused by the API."""
        return self._can

    def count_tokens(self, request: Request) -> int:
        """See `Engine.count_tokens`: such an API has no way to ask."""
        raise NotSupported(f"{self._api.base} cannot count the tokens of a prompt for {request.model}")

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`."""
        return embed_texts(self._api, "/embeddings", texts, model)

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        """See `Engine.load`: the API sees to that."""

    def unload(self, model: str) -> None:
        """See `Engine.unload`: the API sees to that."""

    def remove(self, model: str) -> None:
        """See `Engine.remove`: the API's models are its own."""
        raise NotSupported(f"{model} belongs to the API: it cannot be removed from here")

    def health(self) -> Health:
        """See `Engine.health`."""
        try:
            found = self.models()
        except EngineError as error:
            return Health(ok=False, detail=str(error))
        return Health(
            ok=True,
            detail=f"{counted(len(found), 'model')} at {self._api.base}",
            loaded=tuple(model.name for model in found),
        )

    def close(self) -> None:
        """Close idle connections."""
        self._api.close()
