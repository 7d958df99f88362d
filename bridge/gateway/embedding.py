"""Vectors of texts, for every family that asks for them."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.gateway.live import Live
from bridge.protocols.refusal import RefusedAsk

#: Texts of one request, as OpenAI has it.
MOST_TEXTS = 2048


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The vectors of a request's texts."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    texts: tuple[str, ...]


async def embed(live: Live, given: object, model: object) -> Embedded:
    """One vector for a text or for each of a list. Raises RefusedAsk."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise RefusedAsk.bad("input must be a text or a list of texts, none of them empty", "input")
    if len(texts) > MOST_TEXTS:
        raise RefusedAsk.bad(f"input has {len(texts)} texts; at most {MOST_TEXTS} go into one request", "input")
    if model is not None and not isinstance(model, str):
        raise RefusedAsk.bad("model must be a text", "model")
    chosen = await live.chosen(model)
    vectors = await live.in_thread(lambda: live.backend.engine.embed(texts, chosen.name))
    return Embedded(model=chosen.name, vectors=vectors, texts=tuple(texts))
