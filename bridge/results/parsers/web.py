"""HTML tags and CSS brackets: what a browser would silently mend, and a reader would call broken."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bridge.results.parsers.base import Fault, Parsed, fault

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr !doctype".split())
#: Elements whose end tag may be left out (https://html.spec.whatwg.org/multipage/syntax.html#optional-tags).
_OPTIONAL = frozenset(
    "html head body li dt dd p rt rp optgroup option colgroup caption thead tbody tfoot tr td th".split()
)
_TEMPLATE = re.compile(r"\{%|\{\{[#/^>]|<%|<\?php|<\?=|@(?:if|foreach|for|section)\b|\{#")
#: Elements of SVG and MathML may close themselves, and so may those of frameworks (a dash or a capital in the name).
_FOREIGN = frozenset(
    "svg path circle rect line g polygon polyline ellipse use defs stop image text math".split()
)


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
        """`<x/>`: ends at once where that is allowed; elsewhere a browser reads it as a start."""
        del attrs
        if tag in _VOID or tag in _FOREIGN or "-" in tag or "." in tag or self.get_starttag_text():
            return

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
                self.faults.append(
                    fault(at, column_at, "html-unclosed", f"<{name}> is not closed before </{tag}>")
                )


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


def check_css(code: str) -> Parsed:
    """CSS, SCSS and Less: comments and strings end, brackets pair, and a declaration is one."""
    faults: list[Fault] = []
    stack: list[tuple[str, int, int]] = []
    line, start = 1, 0
    at = 0
    while at < len(code):
        char = code[at]
        column = at - start + 1
        if char == "\n":
            line, start = line + 1, at + 1
        elif code.startswith("/*", at):
            end = code.find("*/", at + 2)
            if end < 0:
                faults.append(fault(line, column, "css-comment", "a comment is never closed"))
                break
            line += code.count("\n", at, end)
            start = code.rfind("\n", 0, end) + 1
            at = end + 1
        elif code.startswith("//", at) and (at == 0 or code[at - 1] in " \t\n;{}"):
            at = code.find("\n", at) - 1
            if at < 0:
                break
        elif code[at : at + 4].lower() == "url(" and code[at + 4 : at + 5] not in "\"'":
            end = code.find(")", at)
            at = end if end > 0 else at
        elif char in "\"'":
            match = re.compile(r"(?:\\.|[^\\\n])*?" + char, re.DOTALL).match(code, at + 1)
            if not match:
                faults.append(fault(line, column, "css-string", "a string is never closed"))
                break
            at = match.end() - 1
        elif char in "{([":
            stack.append((char, line, column))
        elif char in "})]":
            if not stack or stack[-1][0] != {"}": "{", ")": "(", "]": "["}[char]:
                faults.append(fault(line, column, "css-bracket", f"{char} closes nothing"))
                break
            stack.pop()
        at += 1
    else:
        faults += [
            fault(at_line, at_column, "css-bracket", f"{char} is never closed")
            for char, at_line, at_column in stack[-1:]
        ]
    if not faults:
        faults += _loose_text(code)
    return {"faults": faults}


def _loose_text(code: str) -> list[Fault]:
    """Text between rules that begins none: up to `{` a selector, up to `;` an at-rule, a variable or a mixin."""
    bare = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), code, flags=re.DOTALL)
    bare = re.sub(r"(?m)(^|[\s;{}])//[^\n]*", r"\1", bare)
    depth = 0
    for number, text in enumerate(bare.split("\n"), 1):
        words = text.strip()
        if depth == 0 and re.fullmatch(r"[A-Z][\w' ,-]+ [\w' ,-]+[.!?]", words):
            return [fault(number, 1, "css-text", "a sentence outside of every rule")]
        depth += text.count("{") - text.count("}")
    return []
