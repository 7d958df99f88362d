"""Untrusted text as HTML: the only way by which a prompt, an answer, a path or a message gets into the page.

Everything is escaped for both text and quoted attributes; hidden characters (see `bridge.core.text`) become marks; what is
long is cut, and says so. Nothing in here makes a link.
"""

from __future__ import annotations

from html import escape

from bridge.core.text import flat, parts, plain


def text(value: object) -> str:
    """A text as HTML text, whole."""
    return "".join(f'<i class="u">{piece}</i>' if hidden else escape(piece) for piece, hidden in parts(str(value)))


def attribute(value: object) -> str:
    """A text for between the double quotes of an attribute."""
    return escape(plain(str(value)))


def line(value: object, limit: int) -> str:
    """A text as HTML text on one line, cut at so many characters."""
    return text(flat(str(value), limit))


def cut(value: str, limit: int, how: str) -> tuple[str, str]:
    """(the first `limit` characters, a note in HTML of what is missing and how to see it; empty if nothing is)."""
    if len(value) <= limit:
        return value, ""
    missing = f"{len(value) - limit:,} of {len(value):,} characters are not shown here"
    return value[:limit], f'<p class="cut">{missing}: <code>{text(how)}</code></p>'
