"""Text that cannot mislead: what a reader would not see, or what would move other text, is shown by its number.

For everything that a model, a tool or another person wrote, before it goes to a page or a terminal. What counts: control
characters but tab and line feed; direction marks, embeddings, overrides and isolates (https://trojansource.codes); zero-width
and other invisible characters; Unicode's own line ends; tags; lone surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HIDDEN = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff])"
)


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces as (piece, hidden); a hidden character is a piece of its own, as `U+202E`."""
    for number, piece in enumerate(_HIDDEN.split(text)):
        if piece:
            yield (f"U+{ord(piece):04X}", True) if number % 2 else (piece, False)


def plain(text: str) -> str:
    """The text with its hidden characters as `<U+202E>`."""
    return "".join(f"<{piece}>" if hidden else piece for piece, hidden in parts(text))


def flat(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters: of a longer one the beginning and an ellipsis."""
    start = text[: 4 * limit]  # a text of megabytes is not to be split into words
    words = " ".join(start.split())
    whole = len(words) <= limit and len(start) == len(text)
    return words if whole else words[: max(0, limit - 1)] + "…"


def line(text: str, limit: int) -> str:
    """The same with its hidden characters made visible; these may make it longer, but never longer than `limit`."""
    return flat(plain(flat(text, limit)), limit)
