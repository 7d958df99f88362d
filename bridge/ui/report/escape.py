"""Untrusted text as HTML: the only way by which a prompt, an answer, a path or a message gets into the page.

HTML is a type here, `Markup`: a template escapes each plain text that is put into it, so nothing can be forgotten, and mypy
tells a text from a piece of the page. These functions do more than escape: hidden characters (see `bridge.core.text`) become
marks; what is long is cut, and says so. Nothing in here makes a link.
"""

from __future__ import annotations

from markupsafe import Markup, escape

from bridge.core.text import HIDDEN, flat, parts, plain

_MARK = Markup('<i class="u">{}</i>')


def text(value: object) -> Markup:
    """A text as HTML text, whole."""
    shown = str(value)
    if not HIDDEN.search(shown):
        return escape(shown)
    return Markup("").join(_MARK.format(piece) if hidden else piece for piece, hidden in parts(shown))


def attribute(value: object) -> Markup:
    """A text for between the double quotes of an attribute."""
    return escape(plain(str(value)))


def line(value: object, limit: int) -> Markup:
    """A text as HTML text on one line, cut at so many characters."""
    return text(flat(str(value), limit))


def cut(value: str, limit: int, how: str) -> tuple[str, Markup]:
    """(the first `limit` characters, a note in HTML of what is missing and how to see it; empty if nothing is)."""
    if len(value) <= limit:
        return value, Markup("")
    missing = f"{len(value) - limit:,} of {len(value):,} characters are not shown here"
    return value[:limit], Markup('<p class="cut">{}: <code>{}</code></p>').format(missing, text(how))
