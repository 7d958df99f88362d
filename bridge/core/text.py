"""Text from outside made safe to show: what a reader would not see, or what would move other text, is shown by its number.

For everything that a model, a tool or another person wrote, before it goes to a page, a terminal or a finding. Hidden are
control characters but tab and line feed; direction marks, embeddings, overrides and isolates (https://trojansource.codes);
zero-width and other invisible characters; Unicode's own line ends; tags; lone surrogates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

HIDDEN = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff])"
)
#: What moves a cursor, colours text or names a window (ECMA-48): the start of a sequence up to its end.
ESCAPE_SEQUENCE = r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|\[[0-?]*[ -/]*[@-~]|[@-Z\\^_])"
_SEQUENCE = re.compile(ESCAPE_SEQUENCE)


def parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces as (piece, hidden); a hidden character is a piece of its own, as `U+202E`."""
    for number, piece in enumerate(HIDDEN.split(text)):
        if piece:
            yield (f"U+{ord(piece):04X}", True) if number % 2 else (piece, False)


def plain(text: str) -> str:
    """The text with its hidden characters as `<U+202E>`."""
    return HIDDEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


def flat(text: str, limit: int) -> str:
    """The text on one line, at most `limit` characters: of a longer one the beginning and an ellipsis."""
    start = text[: 4 * limit]  # a text of megabytes is not to be split into words
    words = " ".join(start.split())
    whole = len(words) <= limit and len(start) == len(text)
    return words if whole else words[: max(0, limit - 1)] + "…"


def line(text: str, limit: int) -> str:
    """The same with its hidden characters made visible; these may make it longer, but never longer than `limit`."""
    return flat(plain(flat(text, limit)), limit)


def tool_message(text: str, limit: int = 300) -> str:
    """What a linter or compiler said, on one line: the colours that it gave itself are gone, hidden characters visible."""
    return line(_SEQUENCE.sub("", text), limit)


def counted(number: int, noun: str) -> str:
    """A number of things, with a plural `s` where it is not one."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def with_article(noun: str) -> str:
    """A noun behind "a" or "an"."""
    return f"{'an' if noun[0] in 'aAeEiIoOxX' else 'a'} {noun}"


def as_json(value: object, *, indent: int | None = None) -> str:
    """A value of JSON types as JSON text that can be written in UTF-8 and shown: hidden characters are `\\u202e`."""
    return HIDDEN.sub(_escaped, json.dumps(value, ensure_ascii=False, indent=indent))


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1] if found[0] != "\x7f" else "\\u007f"
