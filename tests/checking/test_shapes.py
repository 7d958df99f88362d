"""Shapes of answers that models really give, and what a person would take from them."""

from __future__ import annotations

import pytest

from bridge.checking import Role, Signal, Toolchain, Verdict, examine

CODE = "import os\n\nprint(os.sep)\n"
IN_A_STRING = "README = '''\n# Title\n```bash\npip install x\n```\nMore.\n'''\n\n\ndef f():\n    return README\n"
IN_A_DOCSTRING = 'def doc():\n    return """\n```\ncode\n```\n"""\n\n\nprint(doc())\n'
BAD = "def f(x:\n    y = x\n    return y\n"
GOOD = "def f(x):\n    y = x\n    return y\n"

ONE_FILE = [
    (f"```python\n{IN_A_STRING}```\n", IN_A_STRING),  # fences inside a string
    (f"```python\n{IN_A_DOCSTRING}```\nThat is all.\n", IN_A_DOCSTRING),
    (f"```\npython\n{CODE}```\n", CODE),  # the label in the first line
    (f"```python\npython\n{CODE}```\n", CODE),  # and behind the fence as well
    (f"python\n{CODE}", CODE),  # and without any fence
    (f"```python\n{CODE}```<|im_end|>\n", CODE),  # a token of the template behind the closing fence
    (f"```python\n{CODE}``` This prints the separator.\n", CODE),  # a sentence
    (f"Option 1 (broken):\n```python\n{BAD}```\nOption 2 (good):\n```python\n{GOOD}```\n", GOOD),
    (f"```python\n{BAD}```\nWait, there is a mistake. Corrected:\n```python\n{GOOD}```\n", GOOD),
    (f"```python\n{GOOD}```\n", GOOD),
]


@pytest.mark.parametrize(("answer", "wanted"), ONE_FILE)
def test_the_one_file_that_is_meant_is_clean(toolchain: Toolchain, answer: str, wanted: str) -> None:
    report = examine(answer, lang="python", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN, report.checks
    assert [b.code for b in report.blocks if b.current and b.role is Role.FILE] == [wanted]


README = (
    "# Project\n\nA tool.\n\n## Install\n\n```bash\npip install x\n```\n\n## Use\n\n```python\nimport x\n```\n\nMIT\n"
)


@pytest.mark.parametrize("answer", [README, "Here it is:\n\n" + README, f"````markdown\n{README}````\n"])
def test_a_document_with_fences_in_it_is_one_document(toolchain: Toolchain, answer: str) -> None:
    report = examine(answer, prompt="Write README.md.", out="README.md", finish_reason="stop", toolchain=toolchain)
    assert [b.code for b in report.blocks if b.role is Role.FILE] == [README]


def test_a_file_that_no_parser_judges_leaves_the_project_clean(toolchain: Toolchain) -> None:
    answer = f"`a.py`\n```python\n{CODE}```\n\n`.gitignore`\n```\n__pycache__/\n*.pyc\n```\n"
    report = examine(answer, finish_reason="stop", toolchain=toolchain)
    assert (report.verdict, set(report.files())) == (Verdict.CLEAN, {"a.py", ".gitignore"})


def test_a_future_import_below_another_statement_is_an_error(toolchain: Toolchain) -> None:
    answer = "```python\nimport os\nfrom __future__ import annotations\n\nprint(os.sep)\n```\n"
    assert examine(answer, finish_reason="stop", toolchain=toolchain).verdict is Verdict.ERRORS


def test_two_variants_that_are_both_meant_stay(toolchain: Toolchain) -> None:
    answer = f"Recursive:\n```python\n{GOOD}```\nIterative:\n```python\n{GOOD.replace('y = x', 'y = x + 0')}```\n"
    assert all(b.current for b in examine(answer, finish_reason="stop", toolchain=toolchain).blocks)


SIGNALS = [
    ("```js\nfunction f() {\n  // (existing code)\n}\n```\n", "Write f.", Signal.PLACEHOLDER),
    ("```js\nfunction f() {\n  // handle the other cases similarly\n}\n```\n", "Write f.", Signal.PLACEHOLDER),
    ("```js\nfunction f() {\n  g();\n}\n// [implementation continues]\n```\n", "Write f.", Signal.PLACEHOLDER),
    ("```py\n" + "a = f(1)\nif a:\n    g(a)\nprint(a)\n" * 8 + "```\n", "Write f.", Signal.REPETITION),
    ("抱歉,我无法帮助您完成这个请求。", "Write a function.", Signal.REFUSAL),
    *(
        (text, "Write a function.", Signal.REFUSAL)
        for text in (
            "I'm not comfortable writing this code.",
            "As an AI developed by a company, I can't.",
            "對不起，我無法協助您。",
            "无法提供该代码。",
            "很遗憾，这超出了我的能力范围。",
            "I won't be able to help with that.",
            "我没有办法帮你写这个。",
        )
    ),
    *(
        (f"```js\nfunction f() {{\n  {text}\n}}\n```\n", "Write f.", Signal.PLACEHOLDER)
        for text in (
            "// Implementation continues...",
            "// Similar for the other cases",
            "// and so on",
            "// Add the rest of the methods here",
            "// 其余代码",
            "// 此处省略",
            "// 在这里实现你的逻辑",
            'panic("not implemented")',
            'todo!("later")',
            'TODO("later")',
            "throw new Exception('Not implemented');",
            "// code omitted for brevity",
            "/* ... */",
            "// repeat for the remaining fields",
            "// placeholder implementation",
            "// implement this function",
            "// Add error handling here",
            "// etc.",
            "{/* existing code */}",
            "// (remaining code unchanged)",
            "// same for the other endpoints",
            "// Write your code here",
        )
    ),
]


@pytest.mark.parametrize(("answer", "prompt", "signal"), SIGNALS)
def test_what_is_left_open_or_refused_is_a_signal(answer: str, prompt: str, signal: Signal) -> None:
    assert signal in {q.signal for q in examine(answer, prompt=prompt, check=False).quality}


@pytest.mark.parametrize(
    ("answer", "prompt"),
    [
        ("```js\n// Implement a function that takes a list\nfunction f(x) {\n  return x;\n}\n```\n", "Write a function f."),
        ("The class has two methods. The first one opens the file, the second one reads it line by line.", "Write documentation for this class:\n```py\nclass A: ...\n```"),
        *((f"```js\nfunction f(x) {{\n  {text}\n  return x + 1;\n}}\n```\n", "Write f.") for text in (
            "// other components may subscribe", "// same as above but for rows", "// previous implementation was O(n^2)", "// more tests below",
            "// insert before the existing node", "// add the remaining items to the cart", "// handle other cases",
            "// Write your code here\n  x = x * 2;",
        )),
        ("```py\n" + "\n".join(f"def f{i}():\n    return {i}\n" for i in range(30)) + "```\n", "Write functions."),
    ],
)  # fmt: skip
def test_an_ordinary_answer_gives_no_signal(answer: str, prompt: str) -> None:
    assert examine(answer, prompt=prompt, check=False).quality == ()
