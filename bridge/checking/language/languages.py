"""Languages: their names, aliases, extensions, interpreters and how they write comments.

One table; everything that asks "which language is this word, file name or shebang?" asks here. The names are those that
code fences use most, in lower case. Sources: github-linguist's languages.yml for extensions, the labels that Qwen
models wrote in real answers for aliases.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Language:
    """One row of the table."""

    name: str
    display: str
    extensions: tuple[str, ...] = ()  #: without the dot; the first is the one to write
    aliases: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()  #: program names of a shebang
    file_names: tuple[str, ...] = ()  #: whole names, in lower case


def _row(name: str, display: str, extensions: str, aliases: str = "", programs: str = "", files: str = "") -> Language:
    return Language(
        name=name,
        display=display,
        extensions=tuple(extensions.split()),
        aliases=tuple(aliases.split()),
        interpreters=tuple(programs.split()),
        file_names=tuple(files.split()),
    )


_ROWS = (
    _row("python", "Python", "py pyi pyw", "py python3 python2 py3 ipython pycon gyp",
         "python python3 python2 pypy pypy3"),
    _row("javascript", "JavaScript", "js mjs cjs", "js node nodejs ecmascript es6 mjs", "node nodejs"),
    _row("jsx", "JSX", "jsx", "react javascriptreact"),
    _row("typescript", "TypeScript", "ts mts cts", "ts angular deno", "deno ts-node tsx bun"),
    _row("tsx", "TSX", "tsx", "typescriptreact"),
    _row("json", "JSON", "json webmanifest geojson ipynb", "application/json", "", ".prettierrc .eslintrc .babelrc"),
    _row("jsonc", "JSON with comments", "jsonc json5 code-workspace", "json5 hjson", "", "tsconfig.json jsconfig.json"),
    _row("yaml", "YAML", "yaml yml", "yml docker-compose", "", ".clang-format"),
    _row("toml", "TOML", "toml", "ini-toml", "", "pipfile cargo.lock poetry.lock"),
    _row("xml", "XML", "xml xsd xsl xslt svg csproj plist xaml wsdl rss pom", "xsd svg xslt"),
    _row("html", "HTML", "html htm xhtml", "html5 htm xhtml"),
    _row("css", "CSS", "css", "css3"),
    _row("scss", "SCSS", "scss", ""),
    _row("less", "Less", "less", ""),
    _row("sass", "Sass", "sass", ""),
    _row("sql", "SQL", "sql ddl dml psql",
         "postgres postgresql mysql sqlite sqlite3 tsql t-sql plsql pl/sql plpgsql mariadb bigquery"),
    _row("bash", "Shell", "sh bash zsh ksh bats", "sh shell shellscript zsh ksh dash shell-script",
         "bash sh zsh dash ksh ash",
         ".bashrc .profile .bash_profile .zshrc"),
    _row("console", "Console session", "", "shell-session shellsession terminal cmdline session"),
    _row("powershell", "PowerShell", "ps1 psm1 psd1", "ps pwsh ps1 posh", "pwsh powershell"),
    _row("batch", "Batch", "bat cmd", "bat cmd dos"),
    _row("go", "Go", "go", "golang"),
    _row("gomod", "Go module file", "mod", "go.mod", "", "go.mod"),
    _row("rust", "Rust", "rs", "rs"),
    _row("java", "Java", "java", "java17 java8"),
    _row("kotlin", "Kotlin", "kt kts", "kt kts"),
    _row("scala", "Scala", "scala sc", "sc scala3"),
    _row("groovy", "Groovy", "groovy gradle gvy", "gradle", "groovy", "jenkinsfile"),
    _row("c", "C", "c h", "h c99 c11 ansi-c"),
    _row("cpp", "C++", "cpp cc cxx hpp hh hxx ino", "c++ cc cxx hpp c++11 c++14 c++17 c++20 arduino"),
    _row("csharp", "C#", "cs csx", "c# cs dotnet c-sharp"),
    _row("fsharp", "F#", "fs fsx fsi", "f# fs f-sharp"),
    _row("vb", "Visual Basic", "vb vbs bas", "visual-basic visualbasic vbnet vb.net vba vbscript basic"),
    _row("objc", "Objective-C", "m mm", "objective-c objectivec obj-c"),
    _row("swift", "Swift", "swift", ""),
    _row("dart", "Dart", "dart", "flutter"),
    _row("php", "PHP", "php phtml php5", "php5 php7 php8 laravel", "php"),
    _row("ruby", "Ruby", "rb rake gemspec", "rb rails irb", "ruby jruby", "gemfile rakefile vagrantfile podfile"),
    _row("perl", "Perl", "pl pm t", "pl perl5", "perl"),
    _row("lua", "Lua", "lua", "luau", "lua luajit"),
    _row("r", "R", "r rmd", "rlang rscript", "Rscript"),
    _row("julia", "Julia", "jl", "jl", "julia"),
    _row("matlab", "MATLAB", "mat mlx", "octave"),
    _row("haskell", "Haskell", "hs lhs", "hs", "runhaskell"),
    _row("ocaml", "OCaml", "ml mli", "ml"),
    _row("elm", "Elm", "elm", ""),
    _row("elixir", "Elixir", "ex exs", "ex exs", "elixir"),
    _row("erlang", "Erlang", "erl hrl", "erl", "escript"),
    _row("clojure", "Clojure", "clj cljs cljc edn", "clj cljs"),
    _row("commonlisp", "Common Lisp", "lisp lsp cl", "common-lisp lisp common_lisp cl", "sbcl"),
    _row("elisp", "Emacs Lisp", "el", "emacs-lisp emacslisp emacs_lisp"),
    _row("scheme", "Scheme", "scm ss sld", "scm guile chicken"),
    _row("racket", "Racket", "rkt", "rkt"),
    _row("fortran", "Fortran", "f90 f95 f03 f08 f for f77", "f90 fortran90 f95"),
    _row("pascal", "Pascal", "pas pp dpr lpr", "delphi objectpascal freepascal"),
    _row("cobol", "COBOL", "cob cbl cpy", ""),
    _row("ada", "Ada", "adb ads ada", ""),
    _row("d", "D", "d", "dlang"),
    _row("nim", "Nim", "nim nims", ""),
    _row("zig", "Zig", "zig", ""),
    _row("v", "V", "vsh", "vlang"),
    _row("crystal", "Crystal", "cr", ""),
    _row("haxe", "Haxe", "hx", ""),
    _row("coffeescript", "CoffeeScript", "coffee litcoffee", "coffee coffee-script", "coffee", "cakefile"),
    _row("tcl", "Tcl", "tcl tk", "", "tclsh wish"),
    _row("awk", "AWK", "awk", "gawk mawk", "awk gawk mawk"),
    _row("sed", "sed", "sed", "", "sed"),
    _row("vim", "Vim script", "vim vimrc", "viml vimscript vim-script", "", ".vimrc"),
    _row("asm", "Assembly", "asm s nasm", "assembly nasm x86asm armasm gas"),
    _row("verilog", "Verilog", "v sv svh", "systemverilog sv"),
    _row("vhdl", "VHDL", "vhd vhdl", ""),
    _row("solidity", "Solidity", "sol", "sol"),
    _row("glsl", "GLSL", "glsl vert frag", ""),
    _row("hlsl", "HLSL", "hlsl fx", ""),
    _row("wgsl", "WGSL", "wgsl", ""),
    _row("cuda", "CUDA", "cu cuh", ""),
    _row("wat", "WebAssembly text", "wat wast", "wasm"),
    _row("vue", "Vue", "vue", "vuejs"),
    _row("svelte", "Svelte", "svelte", ""),
    _row("astro", "Astro", "astro", ""),
    _row("graphql", "GraphQL", "graphql gql", "gql"),
    _row("proto", "Protocol Buffers", "proto", "protobuf protobuf3"),
    _row("thrift", "Thrift", "thrift", ""),
    _row("prisma", "Prisma", "prisma", ""),
    _row("hcl", "HCL", "hcl tf tfvars", "terraform tf"),
    _row("nix", "Nix", "nix", ""),
    _row("dockerfile", "Dockerfile", "dockerfile", "docker containerfile", "", "dockerfile containerfile"),
    _row("make", "Makefile", "mk mak make", "makefile gnumake", "make", "makefile gnumakefile"),
    _row("cmake", "CMake", "cmake", "", "", "cmakelists.txt"),
    _row("starlark", "Starlark", "bzl star", "bazel", "", "build build.bazel workspace"),
    _row("meson", "Meson", "meson", "", "", "meson.build"),
    _row("ini", "INI", "ini cfg conf properties desktop service env",
         "cfg conf dotenv env properties systemd editorconfig",
         "", ".env .editorconfig .gitconfig .npmrc setup.cfg .env.example .env.local"),
    _row("nginx", "nginx", "nginx", "nginxconf", "", "nginx.conf"),
    _row("gitignore", "ignore list", "gitignore dockerignore", "ignore", "",
         ".gitignore .dockerignore .npmignore .eslintignore"),
    _row("markdown", "Markdown", "md markdown mdx", "md mdx mkd gfm"),
    _row("rst", "reStructuredText", "rst", "restructuredtext"),
    _row("latex", "LaTeX", "tex sty cls bib", "tex bibtex"),
    _row("csv", "CSV", "csv tsv", "tsv"),
    _row("diff", "Diff", "diff patch", "patch udiff"),
    _row("regex", "Regular expression", "", "regexp"),
    _row("mermaid", "Mermaid", "mmd", ""),
    _row("dot", "Graphviz", "dot gv", "graphviz"),
    _row("prolog", "Prolog", "prolog pro", "", "swipl"),
    _row("smalltalk", "Smalltalk", "st", ""),
    _row("apex", "Apex", "apex trigger", ""),
    _row("abap", "ABAP", "abap", ""),
    _row("sas", "SAS", "sas", ""),
    _row("stata", "Stata", "do ado", ""),
    _row("gdscript", "GDScript", "gd", "godot"),
    _row("agda", "Agda", "agda", ""),
    _row("jinja", "Jinja", "j2 jinja jinja2", "jinja2 django"),
    _row("handlebars", "Handlebars", "hbs handlebars", "hbs mustache"),
    _row("ejs", "EJS", "ejs", ""),
    _row("erb", "ERB", "erb", ""),
    _row("pug", "Pug", "pug", "jade"),
    _row("haml", "HAML", "haml", ""),
    _row("http", "HTTP", "http", "rest"),
    _row("text", "Text", "txt log out text",
         "plaintext plain txt output none stdout stdin input log raw nohighlight ascii result"),
)  # fmt: skip

#: Every language that has a name here, by name.
LANGUAGES: dict[str, Language] = {row.name: row for row in _ROWS}

_BY_WORD = {word: row.name for row in reversed(_ROWS) for word in (*row.extensions, *row.aliases)}
_BY_WORD |= {alias: row.name for row in _ROWS for alias in row.aliases} | {row.name: row.name for row in _ROWS}
_BY_EXTENSION = {extension: row.name for row in reversed(_ROWS) for extension in row.extensions}
_BY_FILE = {name: row.name for row in _ROWS for name in row.file_names}
_BY_PROGRAM = {program: row.name for row in _ROWS for program in row.interpreters}

#: Languages that hold values, not programs.
DATA = frozenset({"json", "jsonc", "yaml", "toml", "xml", "csv", "ini"})
#: Languages of plain text.
TEXT = frozenset({"text"})
#: Files in which nothing can be wrong that a parser would see.
PLAIN = frozenset({"gitignore", "text", "markdown", "rst"})
#: Labels whose blocks may hold other blocks.
DOCUMENT = frozenset({"markdown", "rst"})
#: Languages that somebody may type into a terminal.
TERMINAL = frozenset({"bash", "console", "powershell", "batch"})

#: Languages whose text is often put under each other's label.
_FAMILIES = (
    frozenset({"javascript", "jsx", "typescript", "tsx"}),
    frozenset({"c", "cpp", "cuda", "objc"}),
    frozenset({"css", "scss", "less"}),
    frozenset({"json", "jsonc"}),
    frozenset({"html", "vue", "svelte", "jinja", "handlebars", "ejs", "php"}),
    frozenset({"bash", "console"}),
    frozenset({"scheme", "racket", "commonlisp", "elisp"}),
)


def related(a: str | None, b: str | None) -> bool:
    """Whether two languages are the same or dialects of one another."""
    return a == b or any(a in family and b in family for family in _FAMILIES)


def by_label(word: str) -> str | None:
    """The language that a fence's label names; None for an unknown word.

    A label may be written `{.python}`, `language-python`, `lang-js` or `Visual Basic`.
    """
    clean = word.strip().lower().strip("{}[]().,:;")
    clean = re.sub(r"^(?:language|lang|highlight)[-:=]", "", clean).lstrip(".")
    return _BY_WORD.get(clean) or _BY_WORD.get(clean.replace(" ", "-")) or _BY_WORD.get(clean.replace(" ", ""))


def by_path(path: str) -> str | None:
    """The language that a path's file name or extension names."""
    name = path.rsplit("/", 1)[-1].lower()
    if name in _BY_FILE:
        return _BY_FILE[name]
    stem, dot, extension = name.rpartition(".")
    if not dot:
        return None
    if stem in ("dockerfile", "makefile"):
        return _BY_FILE[stem]
    return _BY_EXTENSION.get(extension)


_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*)?([A-Za-z][\w+-]*?)[\d.]*(?:\s|$)")


def by_shebang(code: str) -> str | None:
    """The language that the first line names: `#!…`, `<?php`, `<?xml`, `<!DOCTYPE html>`."""
    first = code.lstrip("\ufeff \t\r\n").partition("\n")[0].strip()
    if match := _SHEBANG.match(first):
        return _BY_PROGRAM.get(match[1])
    lower = first.lower()
    if lower.startswith("<?php"):
        return "php"
    if lower.startswith("<?xml"):
        return "xml"
    return "html" if lower.startswith(("<!doctype html", "<html")) else None


def extension(language: str | None) -> str:
    """The extension to store a block under, without the dot; `txt` for what has none."""
    row = LANGUAGES.get(language or "")
    return row.extensions[0] if row and row.extensions else "txt"


def display(language: str | None) -> str:
    """The language's name as people write it."""
    row = LANGUAGES.get(language or "")
    return row.display if row else (language or "text")


_NAMED = re.compile(
    r"(?<![\w.+#-])(python3?|javascript|typescript|c\+\+|c#|f#|golang|java|kotlin|scala|rust|ruby|php|perl|swift|bash|"
    r"powershell|sql|html|css|haskell|elixir|erlang|julia|lua|dart|groovy|fortran|pascal|tcl|racket|scheme|"
    r"coffeescript|common lisp|emacs lisp|elisp|vimscript|visual basic|awk|clojure|ocaml|matlab|solidity|zig|nim|"
    r"typescriptreact|tsx|jsx|yaml|toml|json|xml|shell(?= script)|(?-i:Go)(?= (?:code|function|program|lang))|"
    r"(?-i:[CR])(?= (?:code|function|program|script)))(?![\w+#-])",
    re.IGNORECASE,
)


def named_in(prompt: str) -> list[str]:
    """Languages that a prompt names: labels of its fences first, then words of its text, each once."""
    found = [by_label(m[1]) for m in re.finditer(r"(?m)^\s*(?:`{3,}|~{3,})\s*([\w+#.-]+)\s*$", prompt)]
    found += [by_label(m[1]) for m in _NAMED.finditer(prompt[:20_000])]
    return list(dict.fromkeys(name for name in found if name and name not in TEXT))
