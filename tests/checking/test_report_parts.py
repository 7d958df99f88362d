"""SARIF, quality signals, languages, guesses and trust."""

from __future__ import annotations

import json
import sys

import pytest

from bridge.checking import Signal, Toolchain, examine, extract
from bridge.checking.language import detect as scorer
from bridge.checking.language import grammar_trust, languages
from bridge.checking.parsers import grammars
from bridge.checking.quality import signals
from bridge.checking.sarif import to_sarif


def test_sarif_points_into_the_block_and_into_the_answer(toolchain: Toolchain) -> None:
    answer = (
        "Intro.\n\nsrc/a.py\n```python\ndef f(x):\n    return z\n\n\nprint(f)\n```\n\n```js\n"
        "const a = 1;\na = 2;\nconsole.log(a);\n```\n"
    )
    log = to_sarif(examine(answer, finish_reason="stop", toolchain=toolchain), job="01J")
    assert (log["version"], log["$schema"].rpartition("/")[2]) == ("2.1.0", "sarif-schema-2.1.0.json")
    runs = {run["tool"]["driver"]["name"]: run for run in log["runs"]}
    assert set(runs) == {"ruff", "oxlint"}
    (result,) = runs["ruff"]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("src/a.py", 2)
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 6
    assert runs["ruff"]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "F821"
    assert len(result["partialFingerprints"]["bridge/v1"]) == 16
    assert place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
    nameless = runs["oxlint"]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert nameless == {"uri": "files/block-2.js"}
    assert result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "answer.md"
    json.dumps(log)


def test_a_clean_report_is_a_log_with_one_empty_run(toolchain: Toolchain) -> None:
    log = to_sarif(examine("```python\nx = 1\nprint(x)\n```", finish_reason="stop", toolchain=toolchain))
    assert [run["results"] for run in log["runs"]] == [[]]


@pytest.mark.parametrize(
    ("answer", "prompt", "signal"),
    [
        ("Ok.", "", Signal.TOO_SHORT),
        (
            "You should think about it in terms of recursion, which is a well known technique.",
            "Write a function that sorts.",
            Signal.NO_CODE,
        ),
        ("I'm sorry, but I can't help with that request.", "Write a script.", Signal.REFUSAL),
        ('{"error": "model not found"}', "", Signal.ERROR_TEXT),
        ("```python\ndef f():\n    pass\n```", "", Signal.PLACEHOLDER),
        ("```python\ndef f():\n    # TODO: write this\n    return 1\n```", "", Signal.PLACEHOLDER),
        ("```js\nfunction f() {\n  // ... rest of the code remains the same\n}\n```", "", Signal.PLACEHOLDER),
        ("```js\nfunction f() {\n  // your code here\n}\n```", "", Signal.PLACEHOLDER),
        ("```js\nthrow new Error('not implemented')\n```", "", Signal.PLACEHOLDER),
        ("```rust\nfn f() {\n    todo!()\n}\n```", "", Signal.PLACEHOLDER),
        ("```python\n" + "assert f(1) == 2\n" * 30 + "```", "", Signal.REPETITION),
    ],
)
def test_signals_are_facts_about_an_answer(answer: str, prompt: str, signal: Signal) -> None:
    assert signal in {q.signal for q in signals(answer, extract(answer), prompt=prompt)}


@pytest.mark.parametrize(
    "answer",
    [
        "Here is the function:\n\n```python\ndef f(x):\n    if x:\n        pass\n    return 'error: sorry'\n```\n",
        "```js\n// the other numbers\nconst a = 1;\n```\nI cannot stress enough how simple that is.",
    ],
)
def test_an_ordinary_answer_gives_no_signal(answer: str) -> None:
    assert signals(answer, extract(answer), prompt="Write a function.") == ()


@pytest.mark.parametrize(
    ("word", "language"),
    [
        ("py", "python"),
        ("C++", "cpp"),
        ("c#", "csharp"),
        ("Visual Basic", "vb"),
        ("{.js}", "javascript"),
        ("language-ts", "typescript"),
        ("yml", "yaml"),
        ("wibble", None),
    ],
)
def test_labels_are_known_by_their_aliases(word: str, language: str | None) -> None:
    assert languages.by_label(word) == language


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/b.tsx", "tsx"),
        ("Dockerfile", "dockerfile"),
        ("Dockerfile.dev", "dockerfile"),
        ("tsconfig.json", "jsonc"),
        ("x.unknown", None),
        (".env", "ini"),
    ],
)
def test_paths_name_languages(path: str, language: str | None) -> None:
    assert languages.by_path(path) == language


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "import os\n\ndef main():\n    for x in range(3):\n        print(x)"),
        ("javascript", "const a = require('fs');\nfunction f(x) {\n  console.log(x === 1);\n}"),
        ("typescript", "interface A {\n  b: string;\n}\nexport const f = (a: A): number => a.b.length;"),
        ("java", "public class A {\n  public static void main(String[] args) {\n    System.out.println(1);\n  }\n}"),
        ("csharp", "using System;\nclass A {\n  static void Main() {\n    Console.WriteLine(1);\n  }\n}"),
        ("cpp", "#include <iostream>\nusing namespace std;\nint main() {\n  cout << 1;\n}"),
        ("go", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tx := 1\n\tfmt.Println(x)\n}"),
        ("rust", "use std::io;\nfn main() {\n    let mut x = 1;\n    println!(\"{}\", x);\n}"),
        ("ruby", "def f(x)\n  puts x\nend\n[1].each do |y|\n  f(y)\nend"),
        ("sql", "SELECT a, b FROM t WHERE c = 1 GROUP BY a;"),
        ("bash", "#!/bin/bash\nif [ -f x ]; then\n  echo \"$1\"\nfi"),
        ("html", "<!DOCTYPE html>\n<html>\n<body><p>x</p></body>\n</html>"),
        ("css", ".a {\n  color: red;\n  margin: 0 auto;\n}"),
        ("haskell", "f :: Int -> Int\nf x = x + 1\n\nmain = putStrLn \"x\""),
        ("elixir", "defmodule A do\n  def f(x), do: IO.puts(x)\nend"),
        ("dockerfile", "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install x\nCMD [\"python\"]"),
    ],
)  # fmt: skip
def test_a_program_gives_its_language_away(language: str, code: str) -> None:
    found = scorer.detect(code)
    assert found is not None
    assert found.language == language


def test_prose_gives_nothing_away() -> None:
    text = "This is a sentence about the weather. It is nice today.\nTomorrow it will rain, they say."
    assert scorer.detect(text) is None
    assert scorer.code_share(text.split("\n")) == 0


def test_only_grammars_with_few_measured_false_alarms_may_block() -> None:
    assert grammar_trust.may_block("rust")
    assert grammar_trust.may_block("java")
    assert not any(
        grammar_trust.may_block(name)
        for name in ("python", "sql", "bash", "yaml", "json", "php", "csharp", "cobol", "fsharp", "css", "unheard-of")
    )
    assert len(grammar_trust.SHARES) + len(grammar_trust.UNMEASURED) >= 90
    assert not grammar_trust.SHARES.keys() & grammar_trust.UNMEASURED.keys()


def test_every_grammar_of_the_table_is_in_the_pack() -> None:
    pack = pytest.importorskip("tree_sitter_language_pack")
    for name in (*grammar_trust.SHARES, *grammar_trust.UNMEASURED):
        assert pack.get_parser(grammar_trust.grammar(name)) is not None, name


def test_the_path_that_was_asked_for_is_the_path_of_the_finding(toolchain: Toolchain) -> None:
    answer = "```python\ndef f(x):\n    return z\n```\n"

    log = to_sarif(
        examine(answer, finish_reason="stop", out="src/my file.py", toolchain=toolchain), out="src/my file.py"
    )

    assert [
        run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for run in log["runs"]
    ] == ["src/my%20file.py"]


def test_a_grammar_with_a_wheel_of_its_own_reads_as_the_packs_does() -> None:
    """So a verdict does not hang on whether the pack is installed: whole texts, and texts that were cut or lack a bracket."""
    pack = pytest.importorskip("tree_sitter_language_pack")
    for name, text in PROGRAMS.items():
        found = grammars.find(name)
        assert isinstance(found, grammars.Grammar), name
        for code in (text, text[: len(text) // 2], text.replace(")", "", 1), text.replace("{", "", 1)):
            theirs = pack.get_parser(name).parse(code.encode()).root_node
            assert found.parser.parse(code.encode()).root_node.has_error == theirs.has_error, (name, code)
    assert PROGRAMS.keys() == grammars.WHEELS.keys()


def test_without_the_pack_a_rare_language_is_told_which_extra_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter_language_pack", None)
    grammars.find.cache_clear()
    try:
        assert grammars.find("kotlin") == grammars.Absent(package="tree-sitter-language-pack==0.13.0", extra="grammars")
        assert isinstance(grammars.find("typescript"), grammars.Grammar)
    finally:
        monkeypatch.undo()
        grammars.find.cache_clear()


PROGRAMS = {
    "bash": '#!/bin/bash\nset -e\nfor f in *.txt; do if [[ -f $f ]]; then echo "${f%.txt}" | tr a-z A-Z; fi; done\n',
    "php": "<?php\nfinal class A { public function f(int ...$x): ?int { return match (true) { $x === [] => null, default => $x[0] }; } }\n",
    "python": "def f(x: int, /, *, y=None):\n    match x:\n        case [a, *_] if a:\n            return {**y, 'a': a}\n    return (n := x)\n",
    "c": '#include <stdio.h>\nint main(void) { for (int i = 0; i < 3; i++) { printf("%d", i); } return 0; }\n',
    "cpp": "#include <vector>\ntemplate <class T> T sum(const std::vector<T>& v) { T s{}; for (auto x : v) { s += x; } return s; }\n",
    "go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfor i := range 3 {\n\t\tfmt.Println(i)\n\t}\n}\n',
    "java": "class A { record P(int x) {} static int f(P p) { return switch (p.x()) { case 1 -> 2; default -> 0; }; } }\n",
    "javascript": "export const f = async ({ a, ...rest }) => { const r = await fetch(`/x/${a}`); return r?.ok ?? rest; };\n",
    "lua": "local function f(t)\n  for k, v in pairs(t) do print(k, v) end\n  return { n = #t }\nend\n",
    "rust": "fn f<T: Clone>(v: &[T]) -> Option<T> { match v { [x, ..] => Some(x.clone()), [] => None } }\n",
    "tsx": "export const A = ({ n }: { n: number }) => <ul>{[n].map((x) => <li key={x}>{x}</li>)}</ul>;\n",
    "typescript": "interface P<T> { x: T }\nexport function f<T extends string>(p: P<T>): T | null { return p.x satisfies T ?? null; }\n",
}
