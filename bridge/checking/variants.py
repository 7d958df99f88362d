"""Ways to complete a piece of code, tried before a syntax error is believed. Pure.

Most blocks that do not parse are not wrong: they are a body without its function, a method without its class, or code
with an ellipsis in it (facts, section 0, point 6). A way is offered only if the text looks like the piece that it
completes, because a way that closes any gap would also hide real errors.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.checking.language import languages


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way: the completed text, its language, and what was done to it."""

    language: str
    code: str
    note: str
    whole: bool = False  #: the block stands alone after all: only its label was wrong


#: (prefix, suffix) that a balanced piece may stand in.
_AROUND: dict[str, tuple[tuple[str, str], ...]] = {
    "javascript": (
        ("async function _w() {", "}"),
        ("class _W extends Object {", "}"),
        ("({", "})"),
        ("(", ")"),
        ("async function* _w() { switch (0) {", "} }"),
    ),
    "typescript": (
        ("async function _w() {", "}"),
        ("class _W extends Object {", "}"),
        ("({", "})"),
        ("interface _W {", "}"),
        ("(", ")"),
    ),
    "java": (("class _W {", "}"), ("class _W { void w() {", "} }")),
    "csharp": (("class _W {", "}"), ("class _W { void w() {", "} }")),
    "c": (("void _w() {", "}"), ("struct _w {", "};")),
    "cpp": (("void _w() {", "}"), ("struct _w {", "};")),
    "go": (("package p\n", ""), ("package p\nfunc _w() {", "}")),
    "rust": (("fn _w() {", "}"), ("impl _W {", "}"), ("struct _W {", "}")),
    "kotlin": (("fun _w() {", "}"), ("class _W {", "}")),
    "scala": (("object _W {", "}"),),
    "swift": (("func _w() {", "}"), ("class _W {", "}")),
    "dart": (("void _w() {", "}"), ("class _W {", "}")),
    "php": (("function _w() {", "}"), ("class _W {", "}")),
    "python": (("async def _w(self):\n", ""), ("(", ")"), ("{", "}")),
    "bash": (("_w() {", "\n}"),),
    "css": (("_w {", "}"),),
    "json": (("{", "}"), ("[", "]")),
    "ruby": (("def _w\n", "\nend"), ("class W\n", "\nend")),
    "lua": (("function _w()\n", "\nend"), ("return {", "}")),
    "julia": (("function _w()\n", "\nend"),),
    "elixir": (("defmodule W do\n", "\nend"), ("def w do\n", "\nend")),
    "perl": (("sub _w {", "}"),),
    "r": (("w <- function() {", "}"),),
    "groovy": (("class W {", "}"),),
    "erlang": (("w() ->\n", ""),),
    "haskell": (("w = do\n", ""),),
    "yaml": (("", ""),),
}
_AROUND["jsx"] = (*_AROUND["javascript"], ("<>", "</>"))
_AROUND["tsx"] = (*_AROUND["typescript"], ("<>", "</>"))
_AROUND["scss"] = _AROUND["less"] = _AROUND["css"]
_AROUND["zig"] = (("fn w() void {", "}"),)

#: What opens the blocks that a body closes at its end without having opened them, innermost last.
_OPENERS: dict[str, tuple[str, ...]] = {
    "javascript": ("class _W {", "async w() {"),
    "typescript": ("class _W {", "async w() {"),
    "java": ("class _W {", "void w() {"),
    "csharp": ("class _W {", "void w() {"),
    "php": ("class _W {", "function w() {"),
    "kotlin": ("class _W {", "fun w() {"),
    "swift": ("class _W {", "func w() {"),
    "scala": ("object _W {", "def w() = {"),
    "dart": ("class _W {", "void w() {"),
    "groovy": ("class _W {", "def w() {"),
    "c": ("void w() {",),
    "cpp": ("struct _W {", "void w() {"),
    "rust": ("impl _W {", "fn w() {"),
    "go": ("package p\nfunc w() {",),
    "perl": ("sub w {",),
    "r": ("w <- function() {",),
    "bash": ("w() {",),
    "ruby": ("class W\n", "def w\n"),
    "lua": ("function w()\n",),
    "julia": ("function w()\n",),
    "elixir": ("defmodule W do\n", "def w do\n"),
    "tcl": ("proc w {} {",),
    "powershell": ("function w {",),
}
_OPENERS["jsx"], _OPENERS["tsx"] = _OPENERS["javascript"], _OPENERS["typescript"]
_LISPS = frozenset({"commonlisp", "elisp", "scheme", "racket", "clojure"})
_DEFINITION = re.compile(
    r"^(?:export |default |public |private |protected |static |abstract |final |async |pub |#include|@)*"
    r"(?:#include|using |import |package |namespace |class |interface |enum |struct |impl |trait |function\b"
    r"|func |fn |fun |def |sub |proc |"
    r"module |defmodule |object |program |from |use |const \w+ = (?:async )?(?:\(|function)|\(def|\(ns |<\?php"
    r"|#!|require)"
)


def is_body(code: str) -> bool:
    """Whether a text begins inside of something: indented, with a statement, or with a brace, not with a definition."""
    first = next(
        (
            line
            for line in code.split("\n")
            if line.strip() and not re.match(r"\s*(?://|#(?!include|!)|/?\*|--|\"\"\")", line)
        ),
        "",
    )
    if not first:
        return False
    return first[0] in " \t{" or not _DEFINITION.match(first)


def variants(language: str, code: str, heads: Sequence[str] = (), *, within: bool = True) -> Iterator[Variant]:
    """The ways to try, likeliest first; at most about fifteen.

    Args:
        language: the block's.
        code: its text.
        heads: code that the prompt gave.
        within: whether the text may end something that it did not begin, because the prompt has code or is not known.
    """
    dedented = textwrap.dedent(code)
    if dedented != code:
        yield Variant(language=language, code=dedented, note="dedented")
    if language in ("javascript", "jsx", "typescript"):
        yield Variant(language="tsx", code=code, note="is TypeScript with JSX", whole=True)
        if language != "typescript":
            yield Variant(language="typescript", code=code, note="is TypeScript", whole=True)
    if re.search(r"&(?:lt|gt|amp|quot);", code):
        yield Variant(language=language, code=html.unescape(code), note="HTML-escaped", whole=True)
    if elided := _without_ellipses(language, code):
        yield Variant(language=language, code=elided, note="without its ellipses")
    if language in _LISPS and heads and (open_ends := _open_ends(language, code)):
        yield Variant(language=language, code="(w " * open_ends + code, note="with the prompt's beginning")
    for text in (dedented, elided):
        if text:
            yield from _wrapped(language, text, within=within)


_MARK = re.compile(
    r"^(\s*)(?:\.\.\.|…|\[\.\.\.\]|<\.\.\.>|\(\.\.\.\)|\{\s*(?:/\*)?\s*\.\.\.\s*(?:\*/)?\s*\})[\w\s.,;…'-]{0,60}$"
)


def _without_ellipses(language: str, code: str) -> str | None:
    """The text without lines that only say that something is left out; None if it has none."""
    lines = code.split("\n")
    kept = []
    for line in lines:
        text = line
        if _MARK.match(line) and language != "python":
            text = ""
        elif language == "python":
            text = re.sub(r"^(\s*)(?:[!%]\s*\w.*|\$ .*)$", r"\1pass", line)
            text = re.sub(r"^(?:>>> |\.\.\. ?)", "", text)
            text = re.sub(r"^(\s*)(?:…|\[\.\.\.\])\s*$", r"\1...", text)
        else:
            text = re.sub(r"(\(|\{|\[|, *)\s*\.\.\.\s*(\)|\}|\])", r"\1\2", text)
            text = re.sub(r"=\s*\.\.\.\s*;", "= 0;", text)
        kept.append(text)
    return "\n".join(kept) if kept != lines else None


def _wrapped(language: str, code: str, *, within: bool) -> Iterator[Variant]:
    """A body in what it may stand in; one that closes more than it opens only if it may end something."""
    open_ends = _open_ends(language, code)
    if not is_body(code) or (open_ends and not within):
        return
    stripped = code.lstrip()
    if language in _LISPS and open_ends:
        yield Variant(language=language, code="(w " * open_ends + code, note="a body")
    if open_ends and language in _OPENERS:
        openers = _OPENERS[language]
        if open_ends <= len(openers):
            prefix = " ".join(openers[len(openers) - open_ends :])
            yield Variant(language=language, code=prefix + code, note="a body")
        return
    if stripped.startswith("{") and language in _OPENERS:
        head = " ".join(_OPENERS[language])
        yield Variant(
            language=language,
            code=head.rstrip("{ ") + " " + code + "}" * (len(_OPENERS[language]) - 1),
            note="a body",
        )
    for prefix, suffix in _AROUND.get(language, ()):
        if prefix == "<>" and not stripped.startswith("<"):
            continue
        if prefix in ("(", "{", "[") and language == "python" and "=" not in stripped[:40] and ":" not in stripped[:40]:
            continue
        body = textwrap.indent(code, "    ") if prefix.endswith((":\n", "do\n")) else code
        yield Variant(language=language, code=prefix + body.rstrip("\n") + "\n" + suffix, note="inside something")


_NOISE = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`[^`]*`|//[^\n]*|/\*.*?\*/|(?m:(?:^|\s)#[^\n{]*)", re.DOTALL
)
_WORD_BLOCKS = {
    "ruby": (
        r"^\s*(?:def|class|module|if|unless|while|until|case|begin|for)\b|\bdo\b(?:\s*\|[^|]*\|)?\s*$|=\s*(?:if"
        r"|case|begin)\b",
        r"^\s*end\b",
    ),
    "lua": (r"\b(?:function|then|do|repeat)\b", r"\b(?:end|until|elseif)\b"),
    "julia": (
        r"^\s*(?:function|if|for|while|struct|mutable struct|begin|let|try|module|macro)\b|\bdo\b",
        r"^\s*end\b",
    ),
    "elixir": (r"\bdo\s*$|\bfn\b", r"\bend\b"),
}


def without_noise(code: str) -> str:
    """A text without its string literals and comments."""
    return _NOISE.sub(" ", code)


def _open_ends(language: str, code: str) -> int:
    """How many blocks a text closes that it did not open."""
    bare = without_noise(code)
    if language in _WORD_BLOCKS:
        opens, closes = (re.compile(pattern, re.MULTILINE) for pattern in _WORD_BLOCKS[language])
        return max(0, len(closes.findall(bare)) - len(opens.findall(bare)))
    opening, closing = ("(", ")") if language in _LISPS else ("{", "}")
    if language in _LISPS:
        bare = re.sub(r"\"(?:\\.|[^\"\\])*\"|;[^\n]*|#\\.", " ", code)
    depth = least = 0
    for char in bare:
        depth += (char == opening) - (char == closing)
        least = min(least, depth)
    return -least if depth == least else 0


_INLINE = re.compile(
    r"`([^`]{8,600})`|'((?:def|function|func|fn|int|String|List|void|double|bool|static|public)\b[^'\n]{8,300})'",
    re.DOTALL,
)


def prompt_heads(prompt: str, language: str) -> tuple[str, ...]:
    """Beginnings of code in a prompt that an answer may continue: its fences, signatures in backticks, or all of it."""
    text = prompt[:50_000]
    fenced = re.findall(r"(?ms)^[ \t]*```[^\n`]*\n(.*?)^[ \t]*```", text)
    inline = [a or b for a, b in _INLINE.findall(re.sub(r"(?ms)^[ \t]*```.*?^[ \t]*```", "", text))]
    shaped = [span for span in inline if re.search(r"[({:=]|->|\bdef\b|\bend\b", span)]
    found = [head for head in (*fenced, *shaped) if head.strip()]
    if (
        not found
        and language in languages.LANGUAGES
        and re.match(r"\s*(?:def |class |import |from |#include|function |func |public |<\?php|using )", text)
    ):
        found = [text]
    return tuple(found)
