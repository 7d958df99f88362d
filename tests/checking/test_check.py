from __future__ import annotations

import shutil

import pytest

from bridge.checking import BlockStatus, FindingKind, Level, Role, Toolchain, Verdict, examine
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.values import Severity, fingerprint
from bridge.sandbox.folder import Toolbox
from tests.support.toolchains import can_judge


def fenced(label: str, code: str) -> str:
    return f"```{label}\n{code}\n```\n"


WRONG = [
    ("python", "def f(:\n    return 1\n    # x", FindingKind.SYNTAX),  # a syntax error
    ("python", "def f(x):\n    y = x + 1\n    return z", FindingKind.UNDEFINED),  # a name that nothing defines
    ("javascript", "function f( {\n  return 1;\n}\n", FindingKind.SYNTAX),
    ("javascript", "const a = 1;\na = 2;\nconsole.log(a);", FindingKind.TYPE),  # cannot work
    ("typescript", "function f(a: string: number {\n  return 1;\n}", FindingKind.SYNTAX),
    ("tsx", "export function A() {\n  return <div><p></div>;\n}", FindingKind.SYNTAX),
    ("json", '{"a": 1,\n "b": [1, 2}\n', FindingKind.SYNTAX),
    ("yaml", "a:\n  - b\n - c: [1\n", FindingKind.SYNTAX),
    ("toml", "[a]\nb = \n", FindingKind.SYNTAX),
    ("xml", "<?xml version='1.0'?>\n<a><b></a>\n", FindingKind.SYNTAX),
    ("html", "<!DOCTYPE html>\n<html><body><div><p>x</p></body></html>\n", FindingKind.SYNTAX),
    ("css", "p {\n  color: red;\n\nb { margin: 0; }\n", FindingKind.SYNTAX),
    ("sql", "SELECT FROM WHERE;\nSELECT 1 FROM (;\n", FindingKind.SYNTAX),
    ("bash", "if true; then\n  echo 1\n# no fi\n", FindingKind.SYNTAX),
    ("ruby", "def f(x)\n  if x > 1 then (\n  x\nend\n", FindingKind.SYNTAX),
    ("go", "package main\n\nfunc main() {\n\tx := (1\n}\n", FindingKind.SYNTAX),
    ("rust", "fn main() {\n    let x = (1;\n}\n", FindingKind.SYNTAX),
    ("java", "class A {\n  int f() {\n    return (1;\n  }\n}\n", FindingKind.SYNTAX),
    ("c", "#include <stdio.h>\nint main(void) {\n  return (0;\n}\n", FindingKind.SYNTAX),
    ("cpp", "#include <vector>\nint main() {\n  return (0;\n}\n", FindingKind.SYNTAX),
    ("kotlin", "fun main() {\n    val x = (1\n}\n", FindingKind.SYNTAX),
]


@pytest.mark.parametrize(("label", "code", "kind"), WRONG)
def test_what_is_wrong_is_found_and_blocks(toolchain: Toolchain, label: str, code: str, kind: FindingKind) -> None:
    report = examine(fenced(label, code), finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS, report.checks
    assert kind in {d.kind for d in report.blocking}
    assert report.level in (Level.LINTER, Level.TREESITTER)


RIGHT = [
    ("python", "import os\n\n\ndef f(x: int) -> str:\n    return os.sep * x"),
    ("javascript", "const f = async (x) => {\n  const r = await fetch(x);\n  return r.json();\n};\nexport default f;"),
    # JSX under a plain label
    ("js", "const A = () => <div className='a'>{1}</div>;\nexport default A;\nconsole.log(A);"),
    ("js", "interface A { a: string }\nconst b: A = { a: 'x' };\nconsole.log(b);"),  # TypeScript under a plain label
    ("ts", "const a = <T,>(x: T): T => x;\nexport const b = a<number>(1);\nexport default b;"),
    ("json", '{\n  // a comment, as configuration files have\n  "a": 1,\n}'),
    ("jsonc", '{"a": 1}'),
    ("yaml", "a:\n  - b\n  - c: [1, 2]\n"),
    ("toml", '[a]\nb = "c"\n'),
    ("html", "<!DOCTYPE html>\n<html><head><title>x</title></head><body><p>a<p>b<br><img src=x></body></html>"),
    ("scss", "$a: 1px;\n.b { &:hover { margin: $a; } } // note\n"),
    ("sql", "CREATE TABLE a (id SERIAL PRIMARY KEY, b TEXT NOT NULL);\nSELECT b FROM a WHERE id = 1;"),
    ("sql", "SELECT TOP 5 [a b] FROM dbo.t;\nGO\n"),  # another dialect
    ("bash", "set -e\nfor f in *; do\n  echo \"$f\"\ndone"),
    ("go", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(1)\n}"),
    ("c", "#include <stdio.h>\n\nint main(void) {\n  printf(\"x\\n\");\n  return 0;\n}"),
    ("java", "import java.util.List;\n\npublic class A {\n  List<String> f() {\n    return List.of(\"a\");\n  }\n}"),
    ("rust", "pub fn f(x: &str) -> usize {\n    x.len()\n}\n\npub struct A;"),
    ("lua", "local function f(x)\n  return x + 1\nend\nprint(f(1))"),
    ("elixir", "defmodule A do\n  def f(x), do: x + 1\nend\n"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "code"), RIGHT)
def test_what_is_right_is_clean(toolchain: Toolchain, label: str, code: str) -> None:
    if not can_judge(label):
        pytest.skip(f"nothing here can call {label} clean")
    report = examine(fenced(label, code), finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN, report.checks


PIECES = [
    ("java", "public int f(int x) {\n    return x + 1;\n}", ""),  # a method without its class
    ("java", "    int y = x + 1;\n    return y;\n  }\n}", ""),  # a body that closes what the prompt opened
    ("csharp", "    int y = x + 1;\n    return y;\n}\n}", ""),
    ("cpp", "    int y = x + 1;\n    return y;\n}", "```cpp\nint f(int x) {\n```"),  # the prompt has the head
    ("javascript", "constructor(props) {\n  super(props);\n  this.a = 1;\n}", ""),
    ("javascript", "function f(a) {\n  ...\n  return a;\n}", ""),  # an ellipsis
    ("python", "    result = []\n    for x in y:\n        result.append(x)\n    return result", ""),
    ("python", "!pip install numpy\nimport numpy\nprint(numpy)", ""),  # a notebook's magic
    ("python", ">>> x = 1\n>>> print(x)\n>>> x + 1", ""),  # a session
    ("json", '"scripts": {\n  "test": "jest"\n}', ""),  # a part of a file
    ("css", "color: red;\nmargin: 0;\npadding: 0;", ""),
    ("scheme", "  (if (= x 0)\n  1\n  2))", "Write `(define (f x)`"),
]


@pytest.mark.parametrize(("label", "code", "prompt"), PIECES)
def test_a_piece_of_code_is_not_an_error(toolchain: Toolchain, label: str, code: str, prompt: str) -> None:
    report = examine(fenced(label, code), prompt=prompt, finish_reason="stop", toolchain=toolchain)
    assert report.verdict in (Verdict.CLEAN, Verdict.UNCHECKED), report.checks
    assert not report.blocking
    assert report.blocks[0].role is Role.FRAGMENT or label in ("csharp", "css")  # nobody here can say


def test_a_wrong_label_is_not_an_error_and_is_said(toolchain: Toolchain) -> None:
    code = "import os\n\n\ndef f(self):\n    for x in range(3):\n        print(os.sep, x)\n    return None"
    report = examine(fenced("yaml", code), finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN
    assert "python" in report.checks[0].note


def test_an_untrusted_grammar_gives_advice_and_the_file_stays_unchecked(toolchain: Toolchain) -> None:
    report = examine(
        fenced("fsharp", "let f x =\n    match x with\n    | 1 -> (\n    | _ -> 2"),
        finish_reason="stop",
        toolchain=toolchain,
    )
    assert report.verdict is Verdict.UNCHECKED
    assert report.diagnostics
    assert not report.blocking
    clean = examine(
        fenced("cobol", "IDENTIFICATION DIVISION.\nPROGRAM-ID. A.\nPROCEDURE DIVISION.\nSTOP RUN."),
        finish_reason="stop",
        toolchain=toolchain,
    )
    assert clean.verdict is Verdict.UNCHECKED


def test_a_language_that_nobody_knows_is_unchecked(toolchain: Toolchain) -> None:
    report = examine(
        fenced("frobnicate", "frob the nicate\nthen nicate\nthe frob"), finish_reason="stop", toolchain=toolchain
    )
    assert (report.verdict, report.level) == (Verdict.UNCHECKED, Level.NONE)


@pytest.mark.parametrize("finish_reason", ["length", None])
def test_a_cut_answer_is_incomplete_whatever_else_it_is(toolchain: Toolchain, finish_reason: str | None) -> None:
    report = examine("```python\ndef f(:\n    return (\n", finish_reason=finish_reason, toolchain=toolchain)
    assert report.verdict is Verdict.INCOMPLETE
    assert report.diagnostics[0].kind is FindingKind.INCOMPLETE


def test_a_forgotten_fence_is_linted_and_called_cut_only_if_it_does_not_parse(toolchain: Toolchain) -> None:
    assert examine("```python\nx = 1\nprint(x)\n", finish_reason="stop", toolchain=toolchain).verdict is Verdict.CLEAN
    assert (
        examine("```python\nx = (1,\nprint(x\n", finish_reason="stop", toolchain=toolchain).verdict
        is Verdict.INCOMPLETE
    )


def test_an_answer_without_code_has_none(toolchain: Toolchain) -> None:
    assert examine("There is nothing to do here.", toolchain=toolchain).verdict is Verdict.NO_CODE
    assert examine("", toolchain=toolchain).verdict is Verdict.NO_CODE


def test_a_name_from_the_prompt_or_another_block_is_defined(toolchain: Toolchain) -> None:
    helper = fenced("python", "def helper(x):\n    y = x + 1\n    z = y + 1\n    return z")
    assert (
        examine(
            helper + fenced("python", "def g(x):\n    y = helper(x)\n    z = y + 1\n    return z"),
            finish_reason="stop",
            toolchain=toolchain,
        ).verdict
        is Verdict.CLEAN
    )
    prompt = "Given\n```python\ndef helper(x): ...\n```\nwrite g."
    assert (
        examine(
            fenced("python", "def g(x):\n    y = helper(x)\n    return y"),
            prompt=prompt,
            finish_reason="stop",
            toolchain=toolchain,
        ).verdict
        is Verdict.CLEAN
    )


def test_an_older_version_of_a_file_does_not_count(toolchain: Toolchain) -> None:
    answer = "a.py\n```python\ndef f(:\n    pass\n    x\n```\nFixed:\n\na.py\n```python\ndef f():\n    pass\n```\n"
    report = examine(answer, finish_reason="stop", toolchain=toolchain)
    assert (report.verdict, report.checks[0].status) == (Verdict.CLEAN, BlockStatus.SKIPPED)


def test_files_of_one_answer_find_each_other(toolchain: Toolchain) -> None:
    answer = (
        'a.h\n```c\nint helper(int x);\n```\n\nb.c\n```c\n#include "a.h"\n\nint f(int x) {\n'
        "  return helper(x);\n}\n```\n"
    )
    report = examine(answer, finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN, report.checks


def test_a_missing_header_is_a_dependency_and_no_error(toolchain: Toolchain) -> None:
    report = examine(
        fenced("c", "#include <no/such/header.h>\nint f(void) {\n  return thing(other);\n}"),
        finish_reason="stop",
        toolchain=toolchain,
    )
    assert report.verdict is Verdict.CLEAN
    assert FindingKind.DEPENDENCY in {d.kind for d in report.diagnostics}


def test_without_any_tool_nothing_is_called_clean() -> None:
    with Toolchain(toolbox=Toolbox(()), checkers=tuple(c for c in CHECKERS if type(c).__name__ == "Command")) as bare:
        report = examine(fenced("python", "x = 1\nprint(x)"), finish_reason="stop", toolchain=bare)
    assert (report.verdict, report.level) == (Verdict.UNCHECKED, Level.NONE)


def test_without_ruff_the_interpreters_own_parser_judges() -> None:
    with Toolchain(toolbox=Toolbox(())) as bare:
        report = examine(fenced("python", "def f(:\n    x\n    y"), finish_reason="stop", toolchain=bare)
        assert (report.verdict, report.checks[0].tools) == (Verdict.ERRORS, ("python",))


def test_extracting_alone_says_unchecked() -> None:
    assert examine(fenced("python", "x = 1"), check=False).verdict is Verdict.UNCHECKED


def test_diagnostics_have_the_shape_of_the_language_server_protocol(toolchain: Toolchain) -> None:
    report = examine(
        "Text.\n\n" + fenced("python", "def f(x):\n    y = x\n    return zz"), finish_reason="stop", toolchain=toolchain
    )
    found = next(d for d in report.diagnostics if d.kind is FindingKind.UNDEFINED)
    assert (found.range.start.line, found.range.start.character, found.severity) == (2, 11, Severity.ERROR)
    assert report.blocks[0].code_start == 4
    assert report.to_json()["checks"][0]["diagnostics"][-1]["blocking"] is True


def test_a_fingerprint_survives_moved_lines_and_other_names() -> None:
    assert fingerprint("t", "c", "name 'a' at 3", "x  = 1") == fingerprint("t", "c", "name 'b' at 9", " x = 1")
    assert fingerprint("t", "c", "name 'a'", "x = 1") != fingerprint("t", "c", "name 'a'", "x = 2")


def test_jsx_is_not_called_broken_where_only_node_is_there() -> None:
    without = tuple(c for c in CHECKERS if c.name not in ("oxlint", "biome", "eslint"))
    with Toolchain(checkers=without) as toolchain:
        jsx = examine(
            fenced("js", "export const A = () => {\n  return <div className='a' />;\n};\n"), toolchain=toolchain
        )
        assert jsx.verdict is not Verdict.ERRORS, jsx.checks
        broken = examine(fenced("js", "function f( {\n  return 1;\n}\n"), toolchain=toolchain)
        assert broken.verdict is Verdict.ERRORS, broken.checks


def test_c_that_is_right_has_no_finding_at_all(toolchain: Toolchain) -> None:
    report = examine(
        fenced("c", '#include <stdio.h>\n\nint main(void) {\n  puts("a");\n  return 0;\n}\n'), toolchain=toolchain
    )
    assert [d.message for check in report.checks for d in check.diagnostics] == []


def test_a_missing_package_that_nothing_uses_excuses_no_error_in_java(toolchain: Toolchain) -> None:
    if not shutil.which("javac"):
        pytest.skip("javac is not installed")
    code = "import org.nowhere.*;\n\nclass A {\n    int f(long x) {\n        int y = x;\n        return y;\n    }\n}\n"
    report = examine(f"```java\n{code}```\n", finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS
    used = code.replace("int y = x;", "int y = new Thing(x).value();")
    assert examine(f"```java\n{used}```\n", finish_reason="stop", toolchain=toolchain).verdict is Verdict.CLEAN
    misspelt = used.replace("return y;", "return z;")
    assert examine(f"```java\n{misspelt}```\n", finish_reason="stop", toolchain=toolchain).verdict is Verdict.ERRORS
