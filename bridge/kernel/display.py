"""The display form of a text: Markdown in which nothing of an answer can execute or load, and from which the text comes back.

A notebook shows what its own kernel made as trusted: HTML in it runs, images in it are fetched, maths in it may carry
links. So what stands as `text/markdown` is not the answer but this form of it. Renderers of Markdown disagree on what is
code and what is a link; nothing here depends on which of them is right, because no character that could begin a tag, a
reference, an image or maths is left outside a code block that all of them see alike:

    outside code   <  &  become &lt; and &amp;; brackets, `@`, backticks and control characters become references (&#91;);
                   `$` and backslashes become elements of their own, because maths is looked for in the finished page
    inline code    <code>, with every mark in it as a reference
    a fence        stays as it is where it is plain: backticks at the margin, a language that is known and only
                   highlighted, closed, and nothing in it that could close it; a blank line is put before it
    other fences   <pre>, on one line, with every mark in it as a reference
    links          stay if they are [words](http://... or https://...) and no image
    the footer     a last line that no text can make: it says how the run went, and is no part of the text

Headings, lists, tables, quotes and emphasis stay Markdown. Pure; linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .grammar import RESULT_HEAD

_DISPLAY_HEAD = "<!-- bridge-display "
_COMMENT_END = " -->"

#: What a plain fence may name: languages that no front end renders as anything but code (mermaid, math and their like are not here).
_PLAIN_NAMES = (
    "ada asm awk bash bat batch c c++ clojure cmake cpp cs csharp csh css csv dart diff dockerfile elixir erlang fish fortran "
    "go golang graphql groovy haskell hcl hs html http ini java javascript jl js json jsonc jsx julia kotlin kt less lisp lua "
    "make makefile markdown matlab md nginx nim objc objective-c ocaml pascal perl php plaintext powershell prolog "
    "properties proto protobuf ps1 py python python3 r rb rs ruby rust sass scala scheme scss sh shell sql svelte swift "
    "tcl terraform text tf toml ts tsx txt typescript v vb verilog vhdl vim vue xml yaml yml zig zsh"
)
_PLAIN_LANGUAGES = frozenset(_PLAIN_NAMES.split())

#: A line that opens a fence, for any renderer: whatever stands before it, and whatever it names.
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^\n]*)\Z")
_PLAIN_FENCE = re.compile(r"(`{3,})([\w+#-]*)\Z", re.ASCII)
#: Not in a plain fence: what may close it, and what may be read as the end of a line.
_NEVER_PLAIN = re.compile("```|~~~|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

#: Everything outside fences that is not left as it is, the first that fits. No part can match long and then fail often.
_SPECIAL = re.compile(
    r"(?P<kept>\\[*_#+\-.>|~](?!~))"
    r"|(?P<apart>[\\$])"
    r"|(?<!`)(?P<ticks>``?)(?!`)(?P<code>(?:[^`\n]|(?<=[^`])`(?=[^`])){1,4000}?)(?<!`)(?P=ticks)(?!`)"
    r"|(?<![!\]])(?P<link>\[[^\[\]()<>&$`\\@|!\n\r]{1,400}\]\(https?://[A-Za-z0-9._/?#=%+,;:-]{1,2000}\))"
    r"|(?P<less><)|(?P<and>&)|(?<=[Ww]{3})(?P<dot>\.)"
    "|(?P<single>[`\\[\\]@]|~{3,}|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]|\r(?!\n))"
)
_MARK = re.compile("[^A-Za-z0-9 \x80-\U0010ffff]|[\x80-\x9f\u2028\u2029]")

_OURS = re.compile(
    r"<span>&#(?P<apart>\d{1,6});</span>"
    r"|<code(?P<more> ?)>(?P<code>[^<]*)</code>"
    r'|<pre data-open="(?P<open>[^"]*)" data-close="(?P<close>[^"]*)"><code>(?P<block>[^<]*)</code></pre>'
    r"|&(?P<name>lt|amp);|&#(?P<number>\d{1,6});"
)
#: What the last line begins with, if it is a footer. Outside a fence no text keeps its "<", and no text ends within one.
_FOOTER = '\n\n<sub data-bridge="footer">'
_REFERENCE = re.compile(r"&#(\d{1,6});")
_SHOWN_FENCE = re.compile(r"(`{3,})( {0,3})([\w+#-]+)\Z", re.ASCII)


def to_display(text: str) -> str:
    """The display form of an answer, of a whole result or of a part of one that is still coming."""
    if text.startswith(RESULT_HEAD):
        line, end, answer = text[len(RESULT_HEAD) :].partition("\n")
        return f"{_DISPLAY_HEAD}{_marks(line)}{_COMMENT_END}{end}{_shown(answer)}" if end else _shown(text)
    return _shown(text)


def from_display(shown: str) -> str:
    """The text whose display form this is: `from_display(to_display(text)) == text`, for every text."""
    shown = _without_footer(shown)
    if is_display(shown):
        line, _, answer = shown[len(_DISPLAY_HEAD) :].partition("\n")
        return f"{RESULT_HEAD}{_unmarked(line.removesuffix(_COMMENT_END))}\n{_hidden(answer)}"
    return _hidden(shown)


def with_footer(shown: str, words: str) -> str:
    """A display form with a quiet line below it; `from_display` leaves it out."""
    return f"{shown}{_FOOTER}{_SPECIAL.sub(_neutral, ' '.join(words.split()))}</sub>"


def _without_footer(shown: str) -> str:
    body, found, footer = shown.rpartition(_FOOTER)
    return body if found and "\n" not in footer else shown


def is_display(text: str) -> bool:
    """Whether a text claims to be the display form of a result."""
    return text.startswith(_DISPLAY_HEAD)


def _shown(text: str) -> str:
    parts: list[str] = []
    lines = text.split("\n")
    prose: list[str] = []
    at = 0
    while at < len(lines):
        opened = _FENCE.match(lines[at])
        if opened is None or (opened[1][0] == "`" and "`" in opened[2]):
            prose.append(lines[at])
            at += 1
            continue
        if prose:
            parts.append(_SPECIAL.sub(_neutral, "\n".join(prose)))
            prose.clear()
        end = _closing(lines, at, opened[1])
        parts += _fence(lines[at], lines[at + 1 : end], lines[end] if end < len(lines) else None)
        at = end + 1
    if prose:
        parts.append(_SPECIAL.sub(_neutral, "\n".join(prose)))
    return "\n".join(parts)


def _closing(lines: list[str], opened: int, marks: str) -> int:
    """The line that closes a fence, or the number of lines."""
    for at in range(opened + 1, len(lines)):
        line = lines[at].strip(" \t\r")
        if line.startswith(marks) and not line.strip(marks[0]):
            return at
    return len(lines)


def _fence(first: str, code: list[str], last: str | None) -> Iterator[str]:
    plain = _PLAIN_FENCE.match(first)
    if (
        plain
        and last in (plain[1], None)
        and (not plain[2] or plain[2].lower() in _PLAIN_LANGUAGES)
        and not _NEVER_PLAIN.search("\n".join(code))
    ):
        # Spaces before the language: one says that none was named, two that the fence was open to the end.
        yield ""
        yield f"{plain[1]}{'' if plain[2] else ' '}{'' if last else '  '}{plain[2] or 'text'}"
        yield from code
        yield plain[1]
        return
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    inside = "".join(_marks(line + "\n") for line in code)
    opened, closed = _marks(first[len(indent) :]), _marks(last or "")
    yield f'{indent}<pre data-open="{opened}" data-close="{closed}"><code>{inside}</code></pre>'


def _neutral(match: re.Match[str]) -> str:
    found = match[0]
    kind = match.lastgroup
    if kind in ("kept", "link"):
        return found
    if kind == "apart":
        return f"<span>&#{ord(found)};</span>"
    if kind == "code":
        return f"<code{' ' * (len(match['ticks']) - 1)}>{_marks(match['code'])}</code>"
    if kind == "less":
        return "&lt;"
    return "&amp;" if kind == "and" else "".join(f"&#{ord(mark)};" for mark in found)


def _marks(text: str) -> str:
    """A text in which everything but letters, digits and spaces is a character reference."""
    return _MARK.sub(lambda match: f"&#{ord(match[0])};", text)


def _unmarked(text: str) -> str:
    return _REFERENCE.sub(lambda match: chr(int(match[1])), text)


def _hidden(shown: str) -> str:
    """The reverse of `_shown`."""
    parts: list[str] = []
    prose: list[str] = []
    lines = shown.split("\n")
    at = 0
    while at < len(lines):
        opened = _SHOWN_FENCE.match(lines[at])
        if opened is None:
            prose.append(lines[at])
            at += 1
            continue
        end = _index(lines, opened[1], at + 1)
        parts += [_OURS.sub(_original, line) for line in prose[:-1]]  # less the blank line before the fence
        prose.clear()
        unnamed, unclosed = len(opened[2]) & 1, len(opened[2]) & 2
        parts.append(opened[1] + ("" if unnamed else opened[3]))
        parts += lines[at + 1 : end]
        parts += [] if unclosed else [opened[1]]
        at = end + 1
    return "\n".join([*parts, *(_OURS.sub(_original, line) for line in prose)])


def _index(lines: list[str], line: str, start: int) -> int:
    try:
        return lines.index(line, start)
    except ValueError:
        return len(lines)


def _original(match: re.Match[str]) -> str:
    if match["apart"] or match["number"]:
        return chr(int(match["apart"] or match["number"]))
    if match["name"]:
        return "<" if match["name"] == "lt" else "&"
    if match["code"] is not None:
        ticks = "`" * (1 + len(match["more"]))
        return ticks + _unmarked(match["code"]) + ticks
    code = _unmarked(match["block"])
    body = "\n" + code[:-1] if code else ""
    closed = "\n" + _unmarked(match["close"]) if match["close"] else ""
    return _unmarked(match["open"]) + body + closed
