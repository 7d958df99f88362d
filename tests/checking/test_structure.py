"""Signals that a grammar shows: doubled functions, code that never runs, parameters that nothing uses."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bridge.checking import Toolchain, examine
from bridge.checking.values import Quality, Signal

SHOWN = (Signal.DUPLICATE, Signal.UNREACHABLE, Signal.UNUSED_PARAMETER)


def shown(language: str, code: str, toolchain: Toolchain) -> Sequence[Quality]:
    report = examine(f"```{language}\n{code}```\n", finish_reason="stop", toolchain=toolchain)
    return [q for q in report.quality if q.signal in SHOWN]


#: Language, signal, line of the block, and a text that looks wrong.
WRONG = [
    ("python", Signal.DUPLICATE, 4, "def area(r):\n    return r * r\n\ndef area(r):\n    return 3 * r * r\n"),
    ("python", Signal.DUPLICATE, 4, "class A:\n    def go(self):\n        return 1\n    def go(self):\n        return 2\n"),
    ("python", Signal.UNREACHABLE, 3, "def area(r):\n    return r * r\n    print(r)\n"),
    ("python", Signal.UNREACHABLE, 4, "def area(r):\n    raise ValueError(r)\n    # why\n    r += 1\n"),
    ("python", Signal.UNUSED_PARAMETER, 1, "def area(radius, unit):\n    squared = radius * radius\n    return 3.14 * squared\n"),
    ("python", Signal.UNUSED_PARAMETER, 1, "def area(radius: float, unit: str) -> float:\n    squared = radius ** 2\n    return 3.14 * squared\n"),
    ("javascript", Signal.DUPLICATE, 4, "function area(r) {\n  return r * r;\n}\nfunction area(r) {\n  return 3 * r * r;\n}\n"),
    ("javascript", Signal.UNREACHABLE, 3, "function area(r) {\n  return r * r;\n  console.log(r);\n}\n"),
    ("javascript", Signal.UNREACHABLE, 3, "function area(r) {\n  throw new Error(r);\n  r += 1;\n}\n"),
    ("javascript", Signal.UNUSED_PARAMETER, 1, "function area(radius, unit) {\n  const squared = radius * radius;\n  return 3.14 * squared;\n}\n"),
    ("typescript", Signal.UNUSED_PARAMETER, 1, "export function area(radius: number, unit: string): number {\n  const squared = radius ** 2;\n  return 3.14 * squared;\n}\n"),
    ("java", Signal.DUPLICATE, 3, "class A {\n  int go(int a) { return a; }\n  int go(int a) { return a + 1; }\n}\n"),
    ("go", Signal.UNREACHABLE, 5, "package a\n\nfunc Go(b int) int {\n\treturn b\n\tprintln(b)\n}\n"),
    ("rust", Signal.UNREACHABLE, 3, "fn go(b: i32) -> i32 {\n    return b;\n    println!(\"{}\", b);\n}\n"),
    ("php", Signal.UNUSED_PARAMETER, 2, "<?php\nfunction area($radius, $unit) {\n    $squared = $radius * $radius;\n    return 3.14 * $squared;\n}\n"),
    ("bash", Signal.DUPLICATE, 4, "go() {\n  echo one\n}\ngo() {\n  echo two\n}\n"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "signal", "line", "code"), WRONG)
def test_what_looks_wrong_is_a_signal_with_its_line(
    language: str, signal: Signal, line: int, code: str, toolchain: Toolchain
) -> None:
    (found,) = shown(language, code, toolchain)
    assert (found.signal, found.line) == (signal, line + 1)  # the fence is line 1 of the answer


#: Texts that look like it, each with a reason that people write it for.
RIGHT = [
    ("python", "from typing import overload\n\n@overload\ndef f(a: int) -> int: ...\n@overload\ndef f(a: str) -> str: ...\ndef f(a):\n    return a\n"),
    ("python", "class A:\n    @property\n    def x(self):\n        return 1\n    @x.setter\n    def x(self, value):\n        self.y = value\n"),
    ("python", "try:\n    from a import f\nexcept ImportError:\n    def f():\n        return 1\n\nif True:\n    def g():\n        return 1\nelse:\n    def g():\n        return 2\n"),
    ("python", "def nothing():\n    return\n    yield\n"),
    ("python", "def on_click(event, extra):\n    print('clicked')\n    print('done')\n"),
    ("python", "def by_name(left, right):\n    value = left\n    return value\n\nprint(sorted([1], key=by_name))\n"),
    ("python", "def area(radius, _unit):\n    squared = radius * radius\n    return squared\n"),
    ("python", "def area(radius, unit='m'):\n    squared = radius * radius\n    return squared\n"),
    ("python", "def area(radius, unit):\n    raise NotImplementedError\n"),
    ("python", "def show(name, city):\n    text = f'{name} of {city}'\n    return text\n"),
    ("javascript", "class A {\n  get x() { return 1; }\n  set x(v) { this.y = v; }\n  static x() { return 2; }\n}\n"),
    ("javascript", "function go(a) {\n  return inner(a);\n  function inner(b) { return b; }\n}\n"),
    ("javascript", "function go(a) {\n  switch (a) {\n    case 1:\n      return 1;\n      break;\n    default:\n      return 2;\n  }\n}\n"),
    ("javascript", "function error(err, req, res, next) {\n  console.log(err);\n  res.end();\n}\n"),
    ("typescript", "function f(a: number): number;\nfunction f(a: string): string;\nfunction f(a: any): any {\n  return a;\n}\n"),
    ("java", "class A {\n  int go(int a) { return a; }\n  int go(String a) { return 1; }\n}\n"),
    ("cpp", "int go(int a) { return a; }\nint go(double a) { return 1; }\n"),
    ("c", "#ifdef A\nint go(int a) { return a; }\n#else\nint go(int a) { return 1; }\n#endif\n"),
    ("go", "package a\n\ntype A int\ntype B int\n\nfunc (a A) Go() int { return 1 }\nfunc (b B) Go() int { return 2 }\n"),
    ("rust", "#[cfg(unix)]\nfn go() -> i32 { 1 }\n#[cfg(windows)]\nfn go() -> i32 { 2 }\n"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "code"), RIGHT)
def test_what_people_write_with_a_reason_is_no_signal(language: str, code: str, toolchain: Toolchain) -> None:
    assert shown(language, code, toolchain) == []


#: Answers in which a signal is right, looked at one by one: no false alarm among them.
TRUE = {
    "a14824ad971e6d3e": "three versions of remove_uppercase",
    "3cae3c648d910733": "total_inc_dec once more after 'Let me reconsider'",
    "a18a90a68b05f384": "kruskal_with_root_dist is given a weight and ignores it",
}


def test_real_answers_give_these_signals_only_where_they_are_right(
    toolchain: Toolchain, real_answers: list[dict]
) -> None:
    with Toolchain(checkers=()) as quiet:
        found = {
            row["id"]
            for row in real_answers
            if any(q.signal in SHOWN for q in examine(row["answer"], prompt=row["prompt"], toolchain=quiet).quality)
        }
    assert found <= set(TRUE)
