"""Code as HTML: numbered lines, coloured, with each finding below its line. Pure.

The HTML is made here, so that every character of an answer goes through `escape`; Pygments only says where which kind of word
is (`colour`). Lexers come from a fixed table, by the language that extraction found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from markupsafe import Markup

from bridge.checking.values import Diagnostic
from bridge.ui.report import escape
from bridge.ui.report.colour import Colours

_LINE = Markup('<span class="l">{}\n</span>{}')
_CLOSED = Markup("</span>")
#: Longest code that is shown of one file; most findings below one file.
CODE_CHARS, FINDINGS = 24_000, 60

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


def piece(code: str, language: str | None) -> tuple[str, str] | None:
    """What is to be asked about this code, as (lexer, code); None if there is no lexer for it."""
    lexer = _LEXERS.get(language or "")
    return (lexer, code) if lexer and code else None


def listing(code: str, language: str | None, findings: Sequence[Diagnostic], colours: Colours) -> Markup:
    """The code as HTML. `findings`: its diagnostics."""
    asked = piece(code, language)
    lines = _lines(code, colours.get(asked, [("", len(code))]) if asked else [("", len(code))])
    below: dict[int, list[Markup]] = {}
    for finding in findings[:FINDINGS]:
        at = min(finding.range.start.line, len(lines) - 1)
        below.setdefault(at, []).append(remark(finding))
    rows = (_LINE.format(html, Markup("").join(below.get(n, ()))) for n, html in enumerate(lines))
    more = len(findings) - FINDINGS
    rest = Markup('<p class="cut">{} more findings are not shown here</p>').format(more) if more > 0 else ""
    return Markup('<pre class="code" dir="ltr"><code>{}</code></pre>{}').format(Markup("").join(rows), rest)


def remark(finding: Diagnostic) -> Markup:
    """One finding as a line of its own."""
    grade = "bad" if finding.blocking else "mild"
    rule = f"{finding.source} {finding.code}".rstrip()
    return Markup('<span class="remark {}"><b>{}</b> {}</span>').format(
        grade, escape.line(rule, 60), escape.line(finding.message, 400)
    )


def _lines(code: str, runs: Iterable[tuple[str, int]]) -> list[Markup]:
    """Each line as HTML, without its line end."""
    lines: list[list[Markup]] = [[]]
    at = 0
    for css, length in runs:
        for n, part in enumerate(code[at : at + length].split("\n")):
            if n:
                lines.append([])
            if part:
                html = escape.text(part)
                lines[-1] += (_opened(css), html, _CLOSED) if css and part.strip() else (html,)
        at += length
    if len(lines) > 1 and not lines[-1]:
        lines.pop()  # the code ends with a line end
    return [Markup("").join(line) for line in lines]


@cache
def _opened(css: str) -> Markup:
    return Markup('<span class="{}">').format(css)
