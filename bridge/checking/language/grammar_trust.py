"""How far a tree-sitter grammar can be trusted, language by language. Data.

`SHARES` are false alarms on programs that are known to work, in per cent of programs, as measured with
tree-sitter-language-pack 0.13.0: 1,019 sample programs in 55 languages, 466 samples of a language detector's corpus
(facts, section 2.1), and canonical solutions in 40 languages (benchmarks/results_report.py). The grammars that have a wheel of
their own (parsers/grammars.py) make the same trees. An error that a grammar
finds blocks only where that share is at most `LIMIT_PERCENT`. A language whose share is not known is in `UNMEASURED`:
its errors are advice, and a file in it stays unchecked.
"""

from __future__ import annotations

LIMIT_PERCENT = 2.0

#: language → (grammar in the pack, false alarms in per cent)
SHARES: dict[str, tuple[str, float]] = {
    "agda": ("agda", 50.0),
    "asm": ("asm", 100.0),
    "bash": ("bash", 12.0),
    "c": ("c", 0.0),
    "clojure": ("clojure", 0.0),
    "cobol": ("cobol", 100.0),
    "commonlisp": ("commonlisp", 0.0),
    "cpp": ("cpp", 0.0),
    "csharp": ("csharp", 3.0),
    "dart": ("dart", 0.0),
    "elixir": ("elixir", 0.0),
    "elm": ("elm", 100.0),
    "erlang": ("erlang", 0.0),
    "fortran": ("fortran", 86.0),
    "fsharp": ("fsharp", 30.0),
    "glsl": ("glsl", 35.0),
    "go": ("go", 0.0),
    "groovy": ("groovy", 100.0),
    "haskell": ("haskell", 0.0),
    "haxe": ("haxe", 75.0),
    "hlsl": ("hlsl", 60.0),
    "html": ("html", 25.0),
    "java": ("java", 0.0),
    "javascript": ("javascript", 0.0),
    "jsx": ("javascript", 0.0),
    "julia": ("julia", 0.0),
    "kotlin": ("kotlin", 0.0),
    "lua": ("lua", 0.0),
    "make": ("make", 11.0),
    "matlab": ("matlab", 0.0),
    "nim": ("nim", 0.0),
    "ocaml": ("ocaml", 0.0),
    "pascal": ("pascal", 29.0),
    "perl": ("perl", 0.0),
    "php": ("php", 0.0),
    "powershell": ("powershell", 24.0),
    "python": ("python", 0.6),
    "r": ("r", 0.0),
    "racket": ("racket", 0.0),
    "ruby": ("ruby", 0.0),
    "rust": ("rust", 0.0),
    "scala": ("scala", 0.0),
    "scheme": ("scheme", 0.0),
    "sql": ("sql", 92.0),
    "swift": ("swift", 0.0),
    "tcl": ("tcl", 41.0),
    "tsx": ("tsx", 0.0),
    "typescript": ("typescript", 0.0),
    "verilog": ("verilog", 38.0),
    "wat": ("wat", 83.0),
    "zig": ("zig", 0.0),
}

#: Languages whose own parser always decides: their grammar is never believed, whatever its share.
NEVER = frozenset({"bash", "json", "jsonc", "php", "python", "sql", "yaml"})

#: Grammars that accept nearly any text, so that a clean parse says nothing.
BLIND = frozenset({"latex", "markdown", "rst", "html", "xml", "vue", "csv", "text", "regex"})

#: language → grammar, for languages without a measured share.
UNMEASURED: dict[str, str] = {
    "objc": "objc",
    "d": "d",
    "ada": "ada",
    "apex": "apex",
    "astro": "astro",
    "cmake": "cmake",
    "css": "css",
    "cuda": "cuda",
    "dockerfile": "dockerfile",
    "elisp": "elisp",
    "gdscript": "gdscript",
    "gitignore": "gitignore",
    "gomod": "gomod",
    "graphql": "graphql",
    "hcl": "hcl",
    "ini": "ini",
    "latex": "latex",
    "less": "css",
    "mermaid": "mermaid",
    "meson": "meson",
    "nix": "nix",
    "prisma": "prisma",
    "proto": "proto",
    "rst": "rst",
    "scss": "scss",
    "solidity": "solidity",
    "starlark": "starlark",
    "svelte": "svelte",
    "thrift": "thrift",
    "toml": "toml",
    "v": "v",
    "vhdl": "vhdl",
    "vim": "vim",
    "vue": "vue",
    "wgsl": "wgsl",
    "xml": "xml",
    "yaml": "yaml",
}

#: Further grammars of the pack, under their own names.
UNMEASURED |= {
    name: name
    for name in (
        "actionscript", "beancount", "bibtex", "bicep", "bitbake", "bsl", "cairo", "capnp", "clarity", "fennel",
        "firrtl", "fish",
        "func", "gleam", "gn", "gosum", "hack", "hare", "heex", "janet", "jsonnet", "kconfig", "kdl",
        "linkerscript", "llvm",
        "luau", "magik", "netlinx", "ninja", "nqc", "odin", "org", "pem", "pgn", "po", "pony", "properties", "puppet",
        "purescript", "qmljs", "rego", "ron", "smali", "smithy", "sparql", "squirrel", "tablegen", "twig", "typst",
        "udev",
        "uxntal", "xcompose", "yuck",
    )
}  # fmt: skip


def grammar(language: str) -> str | None:
    """The pack's name for a language; an unknown language is asked for by its own name."""
    if language in SHARES:
        return SHARES[language][0]
    return UNMEASURED.get(language, language)


def trust(language: str) -> float:
    """How often an error that the grammar finds is one, 0 to 1; 0 where nobody has measured it."""
    return 1 - SHARES[language][1] / 100 if language in SHARES else 0.0


def may_block(language: str) -> bool:
    """Whether an error that the grammar finds may make a verdict `errors`."""
    return language in SHARES and SHARES[language][1] <= LIMIT_PERCENT and language not in NEVER
