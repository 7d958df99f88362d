"""Anthropic's messages API as an engine: asked and read as OpenAI's are, with its own words on the wire.

Wire: https://docs.anthropic.com/en/api/messages; `bridge.protocols.anthropic_call` translates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import requests

from bridge.core.errors import NotSupported
from bridge.engines.base import Capabilities
from bridge.engines.json_api import JsonApi
from bridge.engines.openai import OpenAIEngine
from bridge.kernel.stop import Stop
from bridge.protocols.anthropic_call import as_chunk, write_body

#: The version of the API that is meant, in a header of every request.
API_VERSION = "2023-06-01"
_CAN = Capabilities(tools=True, tool_choice=True, images=True)


class _ApiKey(requests.auth.AuthBase):
    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["anthropic-version"] = API_VERSION
        if self._key:
            prepared.headers["x-api-key"] = self._key
        return prepared


class _MessagesApi(JsonApi):
    """Takes OpenAI's bodies and gives OpenAI's chunks."""

    def events(
        self, path: str, body: Mapping[str, Any], stop: Stop, timeout_s: float | None
    ) -> Iterator[dict[str, Any]]:
        """See `JsonApi.events`."""
        for event in super().events(path, write_body(body), stop, timeout_s):
            if (chunk := as_chunk(event)) is not None:
                yield chunk


class AnthropicEngine(OpenAIEngine):
    """One API, by its key. `base_url` up to and with the version, as `https://api.anthropic.com/v1`."""

    path = "/messages"

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        name: str = "anthropic",
        silence_s: float = 300.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(base_url, name=name, can=_CAN)
        self._api = _MessagesApi(base_url, api_key, silence_s=silence_s, now=now, auth=_ApiKey(api_key))

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """See `Engine.embed`."""
        raise NotSupported(f"{self._api.base} has no embeddings: {len(texts)} texts for {model}")
