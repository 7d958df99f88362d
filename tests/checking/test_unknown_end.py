"""Answers of which nobody knows how they ended, as those that a person pasted."""

from __future__ import annotations

import pytest

from bridge.checking import Toolchain, Verdict, examine

CUT = [
    # (pasted text, language asked for)
    ("def f(x):\n    pairs = [\n        (1, 2),\n        (3, 4),\n", "python"),  # a list that is never closed
    ('def f(x):\n    """Adds one.\n\n    Examples:\n', "python"),  # a docstring
    ("function f(x) {\n  const a = x + 1;\n  if (a > 2) {\n    return a;\n  }\n", "javascript"),
    ("export function f(x: number): string {\n  return `${x}: ${x + 1}\n", "typescript"),
    ("#include <vector>\n\nint f(std::vector<int> v) {\n    int n = 0;\n    for (int x : v) {\n        n += x;\n", "cpp"),
    ("package main\n\nfunc main() {\n\tx := []int{1, 2}\n\tprintln(x)\n", "go"),
    ("f() {\n  for x in 1 2; do\n    echo \"$x\"\n  done\n", "bash"),
]  # fmt: skip


@pytest.mark.parametrize("finish_reason", [None, "unknown", "something_new"])
@pytest.mark.parametrize(("answer", "lang"), CUT)
def test_a_pasted_answer_that_ends_with_something_open_is_incomplete(
    toolchain: Toolchain, answer: str, lang: str, finish_reason: str | None
) -> None:
    report = examine(answer, lang=lang, finish_reason=finish_reason, toolchain=toolchain)
    assert (report.verdict, report.why) == (Verdict.INCOMPLETE, "open bracket"), report.checks


WHOLE = [
    ("def f(x):\n    return {'a': '(', \"b\": \"[\"}  # (\n\n\nprint(f(1) // 2)\n", "python"),
    ("const re = /[({]/g;\nconst f = (x) => {\n  return x.replace(re, `(${x}`); // {\n};\nexport default f;\n", "javascript"),
    ("f() {\n  case $1 in\n    a) echo \"{\" ;;\n    b) echo ${#1} ;;\n  esac\n}\nf a\n", "bash"),
    ("#include <cstdio>\nint main() {\n  std::puts(\"{(\");\n  char c = '{';\n  return c; /* ( */\n}\n", "cpp"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "lang"), WHOLE)
def test_brackets_in_literals_and_comments_open_nothing(toolchain: Toolchain, answer: str, lang: str) -> None:
    report = examine(answer, lang=lang, toolchain=toolchain)
    assert report.complete, report.blocks


@pytest.mark.parametrize("finish_reason", ["length", "content_filter", "repetition"])
def test_an_answer_that_was_stopped_is_incomplete_though_it_looks_whole(
    toolchain: Toolchain, finish_reason: str
) -> None:
    report = examine("```python\nx = 1\nprint(x)\n```\n", finish_reason=finish_reason, toolchain=toolchain)
    assert report.verdict is Verdict.INCOMPLETE


def test_an_answer_that_the_engine_ended_is_judged_by_its_code(toolchain: Toolchain) -> None:
    report = examine(CUT[0][0], lang="python", finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS


def test_a_pasted_body_that_leaves_the_prompts_function_open_is_not_taken_for_whole(toolchain: Toolchain) -> None:
    prompt = "Complete this:\n```js\nfunction count(s) {\n```\n"
    body = "  let n = 0;\n  for (const _ of s) {\n    n += 1;\n  }\n"
    assert examine(body, prompt=prompt, lang="js", toolchain=toolchain).verdict is not Verdict.CLEAN
    assert examine(body + "  return n;\n}\n", prompt=prompt, lang="js", toolchain=toolchain).verdict is Verdict.CLEAN


def test_pasted_code_is_taken_whole_though_its_comments_read_like_text(toolchain: Toolchain) -> None:
    code = (
        '"""Counts the words of a text, as people count them.\n\nA word is what stands between two blanks.\n"""\n\n\n'
        'def words(text):\n    """Gives the number of words.\n\n    The text may be empty; then it has none.\n    """\n'
        "    # Nothing is counted twice here.\n    return len(text.split())\n"
    )
    report = examine(code, lang="python", toolchain=toolchain)
    assert (report.verdict, [b.code for b in report.blocks]) == (Verdict.CLEAN, [code])
