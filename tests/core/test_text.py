"""One sanitiser: whichever door a text comes out of, no hidden character is left in it, and none is silently lost."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

import pytest

from bridge.core import text
from bridge.ui.report import escape

#: Format characters that are drawn, such as the Arabic number sign: they hide nothing.
_DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
#: What Unicode calls a control, a format character, a surrogate or a line end of its own; and letters without a shape.
HIDDEN = [
    c for c in map(chr, range(0x110000))
    if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\t\n" and ord(c) not in _DRAWN
] + list("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\U000e0100\U000e01ef")  # fmt: skip
#: Those that count as white space, so that a text on one line has a space in their place.
_SPACES = set("\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")

DOORS: dict[str, Callable[[str], str]] = {
    "a terminal": text.plain,
    "a line of a terminal": lambda t: text.line(t, 100),
    "a finding": text.tool_message,
    "a page": lambda t: str(escape.text(t)),
    "an attribute of a page": lambda t: str(escape.attribute(t)),
    "a line of a page": lambda t: str(escape.line(t, 100)),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_shows_each_hidden_character_by_its_number(door: str):
    one_line = "line" in door or door == "a finding"
    for c in HIDDEN:
        shown = DOORS[door](f"a{c}b")

        assert c not in shown, hex(ord(c))
        assert f"U+{ord(c):04X}" in shown or (one_line and c in _SPACES and shown == "a b"), hex(ord(c))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("visible", ["naïve — “quoted” 你好 🙂 Здравствуй ١٢٣ עברית é", "tab\tin a line"])
def test_what_a_reader_sees_anyway_stays_as_it_is(door: str, visible: str):
    assert DOORS[door](visible).split() == visible.split()


def test_json_escapes_what_is_hidden_and_reads_back_the_same():
    everything = "".join(HIDDEN) + 'naïve 你好 🙂 "quoted" \\ \t\n'

    shown = text.as_json({everything: [everything, 1, None]}, indent=1)

    assert not set(HIDDEN) & set(shown)
    assert "naïve 你好 🙂" in shown
    assert shown.encode()  # a lone surrogate is escaped, so UTF-8 can hold it
    assert json.loads(shown) == {_joined(everything): [_joined(everything), 1, None]}


def _joined(lone: str) -> str:
    """The text as any JSON reader gives it: two surrogates that happen to stand side by side are one character."""
    return lone.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def test_a_tools_own_colours_are_dropped_from_its_message():
    assert text.tool_message("a\x1b[31mb\x1b[0m\n c```\x1b]0;title\x07") == "ab c```"
    assert text.tool_message("a\x1b") == "a<U+001B>"
    assert len(text.tool_message("x" * 1000)) == 300


@pytest.mark.parametrize(
    ("given", "limit", "says"),
    [
        ("a b", 10, "a b"),
        ("a\n\tb", 10, "a b"),
        ("abcdef", 5, "abcd…"),
        ("x" + " " * 100 + "y", 10, "x…"),  # what is left out is told, also if it is far behind
        ("a\u202eb", 20, "a<U+202E>b"),
        ("\u202e" * 10, 20, "<U+202E><U+202E><U+…"),
        ("", 5, ""),
    ],
)
def test_a_text_on_one_line_is_never_too_long_and_says_that_it_was_cut(given: str, limit: int, says: str):
    assert text.line(given, limit) == says
