"""Vectors of texts, for every family that asks for them."""

from __future__ import annotations

import struct
from base64 import b64encode
from dataclasses import dataclass

from bridge.gateway.live import Live
from bridge.kernel.error_kind import estimate_tokens
from bridge.protocols.asked import Json
from bridge.protocols.refusal import RefusedAsk

#: Texts of one request, as OpenAI has it.
MOST_TEXTS = 2048


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The vectors of a request's texts."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    texts: tuple[str, ...]

    def as_openai(self, *, base64: bool = False) -> Json:
        """OpenAI's shape, and the flat list that some callers want."""
        written = [_packed(vector) if base64 else list(vector) for vector in self.vectors]
        tokens = sum(estimate_tokens(text) for text in self.texts)
        return {
            "object": "list",
            "data": [{"object": "embedding", "index": n, "embedding": vector} for n, vector in enumerate(written)],
            "model": self.model,
            "embeddings": [] if base64 else written,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }


def _packed(vector: tuple[float, ...]) -> str:
    """32-bit floats, little-endian, in base64: what openai-python asks for unasked."""
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def embed(live: Live, given: object, model: object, *, private: bool) -> Embedded:
    """One vector for a text or for each of a list. Raises RefusedAsk."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise RefusedAsk.bad("input must be a text or a list of texts, none of them empty", "input")
    if len(texts) > MOST_TEXTS:
        raise RefusedAsk.bad(f"input has {len(texts)} texts; at most {MOST_TEXTS} go into one request", "input")
    if model is not None and not isinstance(model, str):
        raise RefusedAsk.bad("model must be a text", "model")
    chosen = await live.chosen(model)
    if private:
        live.backend.require_private(chosen.name)
    async with live.residency.using(chosen.name):
        vectors = await live.in_thread(lambda: live.backend.engine.embed(texts, chosen.name))
    return Embedded(model=chosen.name, vectors=vectors, texts=tuple(texts))
