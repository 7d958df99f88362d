"""Code that parses and yet ends too early is a signal, and is asked about; code that is whole gives none."""

from __future__ import annotations

import pytest

from bridge.checking import Signal, Toolchain, Verdict, examine
from bridge.checking.faults import faults
from bridge.checking.unfinished.early_end import early_end

ENDS_EARLY = [
    ("def f(x) -> int:\n    y = x + 1\n", "declared to return int"),
    ("def f(x):\n    y = x + 1\n", "a value for y that nothing uses"),
    ("def f(x):\n    if x < 0:\n        return 0\n    y = 1\n    y = y + x\n", "returns a value, but not at its end"),
    ("def f(n):\n    r = 1\n    for i in range(n):\n        r *= i\n", "builds a value and does not return it"),
    (
        "def f(n):\n    if n < 0:\n        return 0\n    r = 1\n    for i in range(n):\n        r *= i\n",
        "not at its end",
    ),
    ("def f(x):\n    if x == 1:\n        return 'a'\n    elif x == 2:\n        return 'b'\n", "not at its end"),
    ("def f(l):\n    for n in l:\n        if n < 0:\n            return True\n", "not at its end"),
    ('def f(x):\n    """Gives x."""\n', "a description and no body"),
    ("def f(x):\n    return x\n\n    # Then the second half\n", "ends with a comment"),
    ("def f(x):\n    return x\n\n# Test cases\n", "ends with a heading"),
    ("def f(x):\n    return x\n\n# Example usage:\ntext = 'a'\n", "a value for text that nothing uses"),
    ("n = int(input())\ntotal = n * 2\n", "reads its input and writes nothing"),  # and no other block does
    ("# Only\n# comments\n", "nothing but comments"),
]


@pytest.mark.parametrize(("code", "evidence"), ENDS_EARLY)
def test_python_that_stops_short_of_what_it_is_for_is_seen(code: str, evidence: str) -> None:
    found = early_end("python", code)
    assert found is not None
    assert evidence in found.evidence


WHOLE = [
    "def f(x):\n    return x\n",
    "def f(x) -> int | None:\n    if x:\n        return 1\n",
    "def f(items):\n    items.append(1)\n",  # changes what it was given
    "class A:\n    def __init__(self):\n        self.x = 1\n",
    "def f(x) -> int:\n    while True:\n        if x:\n            return 1\n",
    "def f(x) -> int:\n    try:\n        return int(x)\n    except ValueError:\n        raise\n",
    "def f(x) -> int:\n    with open(x) as text:\n        return len(text.read())\n",
    "def f(x):\n    if x < 0:\n        raise ValueError(x)\n",
    "def f(x):\n    def g():\n        return x\n\n    return g\n",
    "def f():\n    yield 1\n",
    "from abc import ABC, abstractmethod\n\n\nclass A(ABC):\n    @abstractmethod\n    def f(self) -> int:\n        pass\n",
    "def f(x):\n    global y\n    y = x\n",
    "print(1)\n# Output: 1\n",
    "DEBUG = True\nNAME = 'a'\n",
    "def f(x) -> int:\n    match x:\n        case 1:\n            return 1\n        case _:\n            return 2\n",
    "import sys\n\n\ndef main():\n    n = int(input())\n    print(n)\n\n\nmain()\n",
]


@pytest.mark.parametrize("code", WHOLE)
def test_python_that_is_whole_gives_no_sign(code: str) -> None:
    assert early_end("python", code) is None


def test_a_function_that_the_prompts_tests_call_and_nobody_writes_is_missed() -> None:
    prompt = "Write a function.\nassert add_up([1, 2]) == 3\n"
    found = early_end("python", "def helper(x):\n    return x\n", prompt=prompt)
    assert found is not None
    assert "add_up is asked for" in found.evidence
    assert early_end("python", "def add_up(x):\n    return sum(x)\n", prompt=prompt) is None


def test_what_ends_too_early_is_clean_no_verdict_and_asked_about(toolchain: Toolchain) -> None:
    report = examine("```python\ndef f(n):\n    y = n + 1\n```\n", finish_reason="stop", toolchain=toolchain)
    assert Signal.UNFINISHED in {q.signal for q in report.quality}
    assert report.verdict is Verdict.CLEAN
    assert [fault.line for fault in faults(report)] == [1]


def test_a_body_that_stops_within_the_prompts_function_is_asked_about(toolchain: Toolchain) -> None:
    prompt = "Complete:\n```js\nfunction count(s) {\n```\n"
    report = examine(
        "```js\n  let n = 0;\n  n += s.length;\n```\n", prompt=prompt, finish_reason="stop", toolchain=toolchain
    )
    assert Signal.UNFINISHED in {q.signal for q in report.quality}
    whole = "```js\n  let n = 0;\n  n += s.length;\n  return n;\n}\n```\n"
    assert examine(whole, prompt=prompt, finish_reason="stop", toolchain=toolchain).quality == ()


def test_a_bracket_lost_within_a_body_is_not_made_up_for_at_its_end(toolchain: Toolchain) -> None:
    prompt = "Complete:\n```js\nfunction count(s) {\n```\n"
    lost = "```js\n  for (const c of s) {\n    n += 1;\n  \n  return n;\n}\n```\n"
    assert examine(lost, prompt=prompt, finish_reason="stop", toolchain=toolchain).verdict is not Verdict.CLEAN


def test_a_shells_variable_that_nothing_sets_is_an_error_unless_it_may_come_from_elsewhere(
    toolchain: Toolchain,
) -> None:
    script = '```bash\nset -e\nname=a\nother=b\necho "$name $nmae $other"\nls\n```\n'
    assert examine(script, finish_reason="stop", toolchain=toolchain).verdict is Verdict.ERRORS
    known = examine(script, prompt="A script that sets $nmae is there.", finish_reason="stop", toolchain=toolchain)
    assert known.verdict is Verdict.CLEAN
    sourced = script.replace("set -e\n", "set -e\nsource ./settings.sh\n")
    assert examine(sourced, finish_reason="stop", toolchain=toolchain).verdict is Verdict.CLEAN


def test_a_sentence_between_two_lines_of_code_without_a_fence_is_found(toolchain: Toolchain) -> None:
    code = "def f(x):\n    y = x + 1\nNow we handle the remaining cases as described above.\n    return y\n\n\nprint(f(1))\n"
    report = examine(code, lang="python", toolchain=toolchain)
    assert report.verdict is not Verdict.CLEAN
