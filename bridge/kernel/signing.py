"""Signed results: whoever has the queue's key signs the record, so that whoever else has it can tell who answered.

A signature is `<id of the key>:<HMAC-SHA256>`, in hexadecimal, over the record without it, laid out as `signed_bytes` says. The
answer is in it by its digest. Pure; where a kernel has its key from, queue_key.py says.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from .grammar import sealed

#: The name of the Colab secret, and of the environment variable.
KEY_NAME = "BRIDGE_QUEUE_KEY"
#: A key as text: 32 random bytes in URL-safe base64, behind a beginning that says what it is.
KEY = re.compile(r"qbk_[A-Za-z0-9_-]{43}")
#: What is signed of a record; anything else in it may be added or lost on the way.
_FIELDS = (
    "schema", "job", "attempt", "status", "finish_reason", "model", "model_digest", "prompt_sha256", "answer_sha256",
    "answer_chars", "finished_at", "usage", "timing_s", "worker", "error", "tool_calls",
)  # fmt: skip


def key_id(key: str) -> str:
    """What a key is called where it may be seen: 8 hexadecimal digits that follow from it."""
    return hashlib.sha256(b"bridge key id\0" + key.encode()).hexdigest()[:8]


def signed_bytes(record: Mapping[str, Any]) -> bytes:
    """What of a sealed record is signed: its known fields as JSON, names sorted, no spaces, ASCII; seconds with three places."""
    said = {name: record.get(name) for name in _FIELDS}
    seconds = said["timing_s"] if isinstance(said["timing_s"], dict) else {}
    said["timing_s"] = {name: f"{value:.3f}" for name, value in seconds.items()}
    return json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def signature(record: Mapping[str, Any], key: str) -> str:
    """The signature of a sealed record."""
    return f"{key_id(key)}:{hmac.new(key.encode(), signed_bytes(record), hashlib.sha256).hexdigest()}"


def signed(record: Mapping[str, Any], text: str, key: str | None) -> dict[str, Any]:
    """The record of a result with its signature; without a key, as it is."""
    return {**record, "signature": signature(sealed(record, text), key)} if key else dict(record)


def is_signed_by(record: Mapping[str, Any], key: str) -> bool:
    """Whether a sealed record's signature is of this key."""
    return hmac.compare_digest(str(record.get("signature")).encode("utf-8", "replace"), signature(record, key).encode())
