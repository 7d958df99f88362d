"""What the headers of a request say: its keys, whether an answer may come later, whether it is private. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def keys_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that a caller brought: a bearer, as OpenAI's clients send it, then `x-api-key`, as Anthropic's do.

    `headers`: by names in lower case.
    """
    kind, _, value = headers.get("authorization", "").partition(" ")
    bearer = value.strip() if kind.lower() == "bearer" else ""
    return tuple(key for key in (bearer, headers.get("x-api-key", "")) if key)


def wants_later(prefer: Sequence[str]) -> bool:
    """Whether the client opted in to an answer that comes later, by one of its `Prefer` headers (RFC 7240)."""
    return any("respond-async" in value.lower() for value in prefer)


def is_private(headers: Mapping[str, str]) -> bool:
    """Whether the request is to stay out of the queue and of what is stored."""
    return headers.get("x-bridge-private", "").lower() in ("1", "true")
