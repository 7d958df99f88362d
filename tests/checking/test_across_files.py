from __future__ import annotations

import pytest

from bridge.checking import Toolchain, Verdict, examine


def answer(**files: str) -> str:
    """An answer with these files; `__` in a name stands for `/`, the last `_` for the dot."""
    return "\n".join(
        f"`{'.'.join(name.replace('__', '/').rsplit('_', 1))}`\n\n```{name.rsplit('_', 1)[1]}\n{code}```\n"
        for name, code in files.items()
    )


ITEM = "export function TodoItem(props: { text: string }) {\n  return <li>{props.text}</li>;\n}\n"
APP = "export default function App() {\n  return <ul><TodoItem text='a' /></ul>;\n}\n"
HELPER = "export function twice(x) {\n  return x * 2;\n}\n"
PYTHON_HELPER = "def twice(x):\n    y = x * 2\n    return y\n"

WRONG = [
    answer(src__TodoItem_tsx=ITEM, src__App_tsx=APP),  # used and not imported
    answer(helper_js=HELPER, main_js="console.log(twice(2));\n"),
    answer(helper_py=PYTHON_HELPER, main_py="print(twice(2))\n"),
    answer(helper_py=PYTHON_HELPER, main_py="from .helpers import twice\n\nprint(twice(2))\n"),  # no such file
    answer(src__helper_js=HELPER, src__main_js="import { twice } from './helpers';\nconsole.log(twice(2));\n"),
    answer(src__helper_ts=HELPER.replace("x)", "x: number)"), src__a__main_ts="import { twice } from './helper';\nconsole.log(twice(2));\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_name_of_another_file_counts_only_if_it_is_imported(toolchain: Toolchain, text: str) -> None:
    report = examine(text, finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS, report.checks


RIGHT = [
    answer(src__TodoItem_tsx=ITEM, src__App_tsx="import { TodoItem } from './TodoItem';\n\n" + APP),
    answer(helper_js=HELPER, main_js="import { twice } from './helper.js';\nconsole.log(twice(2));\n"),
    answer(helper_py=PYTHON_HELPER, main_py="from helper import twice\n\nprint(twice(2))\n"),
    answer(pkg__helper_py=PYTHON_HELPER, pkg__main_py="from .helper import twice\n\nprint(twice(2))\n"),
    answer(src__lib__index_ts="export const a = 1;\n", src__main_ts="import { a } from './lib';\nconsole.log(a);\n"),
    answer(src__main_ts="import './style.css';\nimport data from './data.json';\nconsole.log(data);\n", src__b_ts="export const b = 1;\n"),
    # a file of one's own project, which the answer does not bring, in a folder that it brings nothing of
    answer(src__main_ts="import { a } from '../lib/a';\nconsole.log(a);\n", src__b_ts="export const b = 1;\n"),
    # without paths the blocks of an answer may be one file
    "```python\n" + PYTHON_HELPER + "    \n```\n\n```python\nz = twice(2)\nz += 1\nz += 2\nprint(z)\n```\n",
    # C finds what it includes, Java its own package, Go too
    answer(a_h="int twice(int x);\n", main_c='#include "a.h"\nint main(void) {\n  return twice(2);\n}\n'),
    answer(A_java="public class A {\n  static int one() { return 1; }\n}\n", B_java="public class B {\n  int two() { return 2 * A.one(); }\n}\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_language_lets_cross_files_is_no_error(toolchain: Toolchain, text: str) -> None:
    report = examine(text, finish_reason="stop", toolchain=toolchain)
    assert report.verdict is not Verdict.ERRORS, report.checks


def test_a_file_that_is_in_the_prompt_is_there(toolchain: Toolchain) -> None:
    text = answer(src__main_ts="import { a } from './a';\nconsole.log(a);\n", src__b_ts="export const b = 1;\n")
    report = examine(text, prompt="`src/a.ts` exports a. Write the rest.", finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN
