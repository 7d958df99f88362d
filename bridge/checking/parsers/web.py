"""HTML tags and CSS brackets: what a browser would silently mend, and a reader would call broken."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bridge.checking.parsers.base import Fault, Parsed, fault

_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "!doctype",
    ]
)
#: Elements whose end tag may be left out (https://html.spec.whatwg.org/multipage/syntax.html#optional-tags).
_OPTIONAL = frozenset(
    [
        "html",
        "head",
        "body",
        "li",
        "dt",
        "dd",
        "p",
        "rt",
        "rp",
        "optgroup",
        "option",
        "colgroup",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
    ]
)
_TEMPLATE = re.compile(r"\{%|\{\{[#/^>]|<%|<\?php|<\?=|@(?:if|foreach|for|section)\b|\{#")


class _Tags(HTMLParser):
    """Keeps the elements that are open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, int, int]] = []
        self.faults: list[Fault] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        del attrs
        if tag not in _VOID:
            line, column = self.getpos()
            self.open.append((tag, line, column + 1))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<x/>` is taken as closed, as frameworks and SVG mean it."""

    def handle_endtag(self, tag: str) -> None:
        """An element ends: those inside it that may be left open end with it."""
        line, column = self.getpos()
        if tag in _VOID or tag == "p":
            names = [name for name, *_ in self.open]
            if tag == "p" and "p" in names:
                del self.open[len(names) - 1 - names[::-1].index("p") :]
            return
        names = [name for name, *_ in self.open]
        if tag not in names:
            self.faults.append(fault(line, column + 1, "html-end-tag", f"</{tag}> ends nothing that is open"))
            return
        while self.open:
            name, at, column_at = self.open.pop()
            if name == tag:
                return
            if name not in _OPTIONAL:
                self.faults.append(fault(at, column_at, "html-unclosed", f"<{name}> is not closed before </{tag}>"))


def check_html(code: str) -> Parsed:
    """HTML: every end tag has a start, every element that must be closed is."""
    tags = _Tags()
    tags.feed(code)
    rest = tags.rawdata
    tags.close()
    faults = tags.faults
    faults += [
        fault(at, column, "html-unclosed", f"<{name}> is never closed")
        for name, at, column in tags.open
        if name not in _OPTIONAL
    ]
    if rest.lstrip().startswith("<") and re.match(r"<[!/a-zA-Z]", rest.lstrip()) and ">" not in rest:
        faults.append(fault(code.count("\n") + 1, 1, "html-cut", "ends within a tag"))
    if _TEMPLATE.search(code):
        for one in faults:
            one["advice"] = True  # a template may open in one branch and close in another
    return {"faults": sorted(faults, key=lambda f: (f["line"], f["column"]))[:20]}


_CSS_TOKEN = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|\Z))|(?P<line>(?:^|(?<=[\s;{}]))//[^\n]*)|(?P<url>url\(\s*[^\"'\s)][^)\n]*\))|"
    r"(?P<string>\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?)|(?P<open>[{(\[])|(?P<close>[})\]])",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_PAIRS = {"}": "{", ")": "(", "]": "["}


def check_css(code: str) -> Parsed:
    """CSS, SCSS and Less: comments and strings end, brackets pair, and no sentence stands between rules."""
    stack: list[re.Match[str]] = []
    for token in _CSS_TOKEN.finditer(code):
        text = token[0]
        if token["comment"] and not (text.endswith("*/") and len(text) > 3):
            return {"faults": [_at(code, token.start(), "css-comment", "a comment is never closed")]}
        if token["string"] and (len(text) < 2 or text[-1] != text[0]):
            return {"faults": [_at(code, token.start(), "css-string", "a string is never closed")]}
        if token["open"]:
            stack.append(token)
        elif token["close"]:
            if not stack or stack[-1][0] != _PAIRS[text]:
                return {"faults": [_at(code, token.start(), "css-bracket", f"{text} closes nothing")]}
            stack.pop()
    if stack:
        return {"faults": [_at(code, stack[-1].start(), "css-bracket", f"{stack[-1][0]} is never closed")]}
    return {"faults": _loose_text(code)}


def _at(code: str, offset: int, rule: str, message: str) -> Fault:
    return fault(code.count("\n", 0, offset) + 1, offset - code.rfind("\n", 0, offset), rule, message)


def _loose_text(code: str) -> list[Fault]:
    """Text between rules that begins none: up to `{` a selector, up to `;` an at-rule, a variable or a mixin."""
    bare = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), code, flags=re.DOTALL)
    bare = re.sub(r"(?m)(^|[\s;{}])//[^\n]*", r"\1", bare)
    if bare.strip() and not re.search(r"[{;@]", bare):
        return [fault(1, 1, "css-text", "holds no rule")]
    if tag := re.search(r"(?m)^\s*</?[a-zA-Z][\w-]*[\s>/]", bare):
        return [_at(bare, tag.start(), "css-text", "a tag is no rule")]
    depth = 0
    for number, text in enumerate(bare.split("\n"), 1):
        words = text.strip()
        if depth == 0 and re.fullmatch(r"[A-Z][\w' ,-]+ [\w' ,-]+[.!?]", words):
            return [fault(number, 1, "css-text", "a sentence outside of every rule")]
        depth += text.count("{") - text.count("}")
    return []
