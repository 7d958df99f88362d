"""Code as HTML: numbered lines, coloured, with each finding below its line.

Pygments tells the kinds of words; the HTML is made here, so that every character of an answer goes through `ink`. Lexers
come from a fixed table, by the language that extraction found, and never see more than `CODE_CHARS`: some of their regular
expressions are slow on text that was made for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Generic, Keyword, Literal, Name, Number, String, Token
from pygments.util import ClassNotFound

from bridge.report import ink

#: Longest code that is shown of one file; longest line that is coloured; most findings below one file.
CODE_CHARS, LINE_CHARS, FINDINGS = 24_000, 2_000, 60

#: {language: lexer}, where the names differ; no other language is looked up by a name from an answer.
_LEXERS: Mapping[str, str] = {
    "cpp": "cpp", "c": "c", "csharp": "csharp", "fsharp": "fsharp", "vb": "vbnet", "objc": "objective-c",
    "jsonc": "json", "commonlisp": "common-lisp", "elisp": "emacs-lisp", "jsx": "javascript", "tsx": "typescript",
    "batch": "bat", "hcl": "terraform", "asm": "nasm", "dockerfile": "docker", "proto": "protobuf", "latex": "tex",
    "gomod": "go", "wat": "wast", "vue": "html", "svelte": "html", "astro": "html", "pascal": "pascal",
} | {
    name: name
    for name in ["python", "javascript", "typescript", "json", "yaml", "toml", "xml", "html", "css", "scss", "less", "sass", "sql", "bash", "console", "powershell", "go", "rust", "java", "kotlin", "scala", "groovy", "swift", "dart", "php", "ruby", "perl", "lua", "r", "julia", "matlab", "haskell", "ocaml", "elm", "elixir", "erlang", "clojure", "scheme", "racket", "fortran", "cobol", "ada", "d", "nim", "zig", "crystal", "haxe", "tcl", "awk", "vim", "verilog", "vhdl", "solidity", "glsl", "hlsl", "cuda", "graphql", "thrift", "nix", "make", "cmake", "ini", "nginx", "markdown", "rst", "diff", "prolog", "smalltalk", "jinja", "pug", "haml", "http"]
}  # fmt: skip

#: {kind of word: class in the page's style sheet}; a kind that is not here is that of its parent.
_INK: Mapping[Any, str] = {
    Token: "", Comment: "c", Comment.Preproc: "k", Keyword: "k", Keyword.Constant: "m", Keyword.Type: "t", Name: "",
    Name.Function: "f", Name.Class: "t", Name.Builtin: "t", Name.Decorator: "f", Name.Tag: "k", Name.Attribute: "f",
    Name.Exception: "t", Literal: "m", String: "s", Number: "m", Generic.Deleted: "d", Generic.Inserted: "s",
    Generic.Heading: "k",
}  # fmt: skip


@dataclass
class Allowance:
    """How many characters of the page may still be coloured: colour triples the size, and takes time."""

    chars: int = 3_000_000

    def take(self, chars: int) -> bool:
        """Whether so many more may be; they count if so."""
        granted = chars <= self.chars
        self.chars -= chars if granted else 0
        return granted


def listing(code: str, language: str | None, findings: Sequence[Mapping[str, Any]], allowance: Allowance) -> str:
    """The code as HTML. `findings`: its diagnostics as in docs/handover.md, lines from 0."""
    lines = _lines(code, language, allowance)
    below: dict[int, list[str]] = {}
    for finding in findings[:FINDINGS]:
        at = min(_line_of(finding), len(lines) - 1)
        below.setdefault(at, []).append(remark(finding))
    rows = (f'<span class="l">{html}\n</span>{"".join(below.get(n, ()))}' for n, html in enumerate(lines))
    more = len(findings) - FINDINGS
    rest = f'<p class="cut">{more} more findings are not shown here</p>' if more > 0 else ""
    return f'<pre class="code" dir="ltr"><code>{"".join(rows)}</code></pre>{rest}'


def remark(finding: Mapping[str, Any]) -> str:
    """One finding as a line of its own."""
    grade = "bad" if finding.get("blocking") else "mild"
    rule = " ".join(str(part) for part in (finding.get("source"), finding.get("code")) if part)
    return (
        f'<span class="remark {grade}"><b>{ink.line(rule, 60)}</b> {ink.line(finding.get("message", ""), 400)}</span>'
    )


def _line_of(finding: Mapping[str, Any]) -> int:
    try:
        return max(0, int(finding["range"]["start"]["line"]))
    except (KeyError, TypeError, ValueError):
        return 0


def _lines(code: str, language: str | None, allowance: Allowance) -> list[str]:
    """Each line as HTML, without its line end."""
    lines = [""]
    for kind, piece in _words(code, language, allowance):
        css = _ink(kind)
        for n, part in enumerate(piece.split("\n")):
            if n:
                lines.append("")
            if part:
                html = ink.text(part)
                lines[-1] += f'<span class="{css}">{html}</span>' if css and part.strip() else html
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # the code ends with a line end
    return lines


def _words(code: str, language: str | None, allowance: Allowance) -> Iterable[tuple[Any, str]]:
    """The code in pieces of one kind; one piece of no kind if it is not to be coloured. Together they are the code."""
    plain = [(Token, code)]
    name = _LEXERS.get(language or "")
    if name is None or max(map(len, code.split("\n"))) > LINE_CHARS or not allowance.take(len(code)):
        return plain
    try:
        found = [(kind, piece) for _, kind, piece in get_lexer_by_name(name).get_tokens_unprocessed(code)]
    except (ClassNotFound, RecursionError):
        return plain
    return found if "".join(piece for _, piece in found) == code else plain


def _ink(kind: Any) -> str:
    while kind not in _INK:
        kind = kind.parent
    return _INK[kind]
