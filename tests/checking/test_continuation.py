from __future__ import annotations

import pytest

from bridge.checking import BlockStatus, Role, Toolchain, Verdict, examine

JAVA_HEAD = """import java.util.*;
class Problem {
    // The number of words.
    public static long words(ArrayList<String> texts) {
"""
CPP_HEAD = """#include <vector>
#include <string>
// The longest text.
std::string longest(std::vector<std::string> texts) {
"""
PYTHON_HEAD = '''from typing import List


def total(numbers: List[int]) -> int:
    """The sum."""
'''
JS_HEAD = "// Counts.\nfunction count(s) {\n"
BASH_HEAD = "#!/bin/bash\n# $1 is a list\ncount() {\n"


def prompt(label: str, head: str) -> str:
    return f"Complete this and return the code:\n```{label}\n{head}```\n"


def fenced(label: str, code: str) -> str:
    return f"```{label}\n{code}\n```\n"


CONTINUES = [
    ("java", JAVA_HEAD, "        return texts.size();\n    }\n}"),  # a body that closes what the prompt opened
    ("java", JAVA_HEAD, "        return texts.size();"),  # one that leaves the closing to the prompt
    ("java", JAVA_HEAD, "public static long words(ArrayList<String> texts) {\n    return texts.size();\n}"),  # no class
    ("cpp", CPP_HEAD, "    std::string best;\n    for (auto& t : texts) if (t.size() > best.size()) best = t;\n    return best;\n}"),
    ("cpp", CPP_HEAD, "std::string longest(std::vector<std::string> texts) {\n    return texts[0];\n}"),  # no include
    ("python", PYTHON_HEAD, "    result = 0\n    for number in numbers:\n        result += number\n    return result"),
    ("python", PYTHON_HEAD, "def total(numbers: List[int]) -> int:\n    return sum(numbers)"),  # no import
    ("js", JS_HEAD, "  let n = 0;\n  for (const _ of s) n += 1;\n  return n;\n}"),
    ("bash", BASH_HEAD, "    local words=($1)\n    echo ${#words[@]}\n}"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "head", "code"), CONTINUES)
def test_code_that_only_continues_the_prompt_is_named_so_and_judged_with_it(
    toolchain: Toolchain, label: str, head: str, code: str
) -> None:
    report = examine(fenced(label, code), prompt=prompt(label, head), finish_reason="stop", toolchain=toolchain)
    assert (report.verdict, report.blocks[0].role) == (Verdict.CLEAN, Role.CONTINUATION), report.checks
    joined = report.blocks[0].joined
    assert joined
    alone = examine(fenced(label, joined), finish_reason="stop", toolchain=toolchain)
    assert (alone.verdict, alone.blocks[0].role) == (Verdict.CLEAN, Role.FILE), (joined, alone.checks)


@pytest.mark.parametrize(
    ("label", "head", "code"),
    [
        ("python", PYTHON_HEAD, "def total(numbers: list[int]) -> int:\n    return sum(numbers)"),
        ("js", JS_HEAD, "function count(s) {\n  return s.length;\n}"),
        ("java", JAVA_HEAD, "import java.util.*;\n\nclass Problem {\n  static long words(ArrayList<String> t) {\n    return t.size();\n  }\n}"),
    ],
)  # fmt: skip
def test_code_that_stands_alone_is_a_file(toolchain: Toolchain, label: str, head: str, code: str) -> None:
    report = examine(fenced(label, code), prompt=prompt(label, head), finish_reason="stop", toolchain=toolchain)
    assert (report.verdict, report.blocks[0].role) == (Verdict.CLEAN, Role.FILE), report.checks


BROKEN = [
    ("python", "", "    result = 0\n    for number in numbers:\n        result += number\n    return result"),
    ("java", "", "        return texts.size();\n    }\n}"),
    ("js", "", "  let n = 0;\n  for (const _ of s) n += 1;\n  return n;\n}"),
    ("cpp", "", "    int n = 0;\n    return n;\n}"),
    # the prompt has code, but it is whole: nothing continues it
    ("python", "def total(numbers):\n    return 0\n", "    result = sum(numbers)\n    return result"),
    ("js", "function count(s) {\n  return 0;\n}\n", "  let n = 0;\n  for (const _ of s) n += 1;\n  return n;\n}"),
    # the body of another function after one that is whole, whose own first line is gone
    ("python", PYTHON_HEAD, "def total(numbers):\n    return sum(numbers)\n\n    result = 0\n  return result"),
    # what it closes is not what was opened
    ("js", JS_HEAD, "  let n = 0;\n  return n;\n}}"),
]


@pytest.mark.parametrize(("label", "head", "code"), BROKEN)
def test_a_file_that_lost_its_first_line_is_no_continuation(
    toolchain: Toolchain, label: str, head: str, code: str
) -> None:
    asked = prompt(label, head) if head else f"Write a function in {label}."
    report = examine(fenced(label, code), prompt=asked, finish_reason="stop", toolchain=toolchain)
    assert report.blocks[0].role is not Role.CONTINUATION
    assert report.verdict is not Verdict.CLEAN, report.checks


def test_a_continuation_is_judged_joined_and_findings_stand_in_its_own_lines(toolchain: Toolchain) -> None:
    answer = fenced("python", "    result = 0\n    for number in numbers:\n        result += numbr\n    return result")
    report = examine(answer, prompt=prompt("python", PYTHON_HEAD), finish_reason="stop", toolchain=toolchain)
    assert report.checks[0].status is BlockStatus.ERRORS
    assert [d.range.start.line for d in report.blocking] == [2]


def test_pieces_alone_are_not_clean(toolchain: Toolchain) -> None:
    answer = fenced("java", "public int one() {\n    return 1;\n}")
    report = examine(answer, prompt="Write a method in Java.", finish_reason="stop", toolchain=toolchain)
    assert (report.verdict, report.blocks[0].role) == (Verdict.UNCHECKED, Role.FRAGMENT)


def test_an_example_beside_the_function_that_was_asked_for_is_no_continuation(toolchain: Toolchain) -> None:
    answer = (
        fenced("js", "function count(s) {\n  return s.length;\n}")
        + "Use it:\n"
        + fenced("js", "console.log(count('a'));")
    )
    report = examine(answer, prompt=prompt("js", JS_HEAD), finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN
    assert Role.CONTINUATION not in {b.role for b in report.blocks}


def test_the_body_of_a_function_whose_signature_stands_in_the_prompt_is_no_error(toolchain: Toolchain) -> None:
    prompt_text = "Write a Go function `func Twice(n int) int` that doubles a number."
    report = examine(fenced("go", "return 2 * n\n}"), prompt=prompt_text, finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.UNCHECKED, report.checks
