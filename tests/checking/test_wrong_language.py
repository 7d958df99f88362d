from __future__ import annotations

import pytest

from bridge.checking import FindingKind, Toolchain, Verdict, examine

PYTHON = "def f(x: str) -> bool:\n    return x.isdigit()\n\n\nprint(f('1'))"
PROGRAM = "import os\n\n\ndef main():\n    for name in os.listdir('.'):\n        print(name)\n\n\nif __name__ == '__main__':\n    main()"
TYPESCRIPT = "export function f(x: string): boolean {\n  return /^\\d+$/.test(x);\n}"
JAVASCRIPT = "export function f(x) {\n  return /^\\d+$/.test(x);\n}"
TSX = "export function A(props: { n: number }) {\n  return <p>{props.n}</p>;\n}"


def fenced(label: str, code: str) -> str:
    return f"```{label}\n{code}\n```\n"


WRONG = [
    (fenced("python", PYTHON), "typescript", None),  # asked for by --lang
    (fenced("python", PYTHON), None, "src/a.ts"),  # by the extension of --out
    (fenced("python", PYTHON), "typescript", "src/a.ts"),
    (fenced("typescript", PYTHON), "typescript", None),  # under a label that only repeats what was asked
    (fenced("", PROGRAM), None, "a.ts"),  # without a label
    (fenced("python", PYTHON) + fenced("bash", "pip install x"), "go", None),
    (fenced("ts src/a.ts", PYTHON), None, None),  # under a path of its own
    ("`a.py`\n" + fenced("python", PYTHON) + "`b.py`\n" + fenced("python", PYTHON), "typescript", None),
    (fenced("typescript", TYPESCRIPT), None, "a.js"),  # types in a file that node reads
    (fenced("tsx", TSX), None, "a.ts"),  # markup in a file without it
    (PYTHON, None, "a.ts"),  # without a fence
]


@pytest.mark.parametrize(("answer", "lang", "out"), WRONG)
def test_code_in_another_language_than_asked_for_blocks(
    toolchain: Toolchain, answer: str, lang: str | None, out: str | None
) -> None:
    report = examine(answer, lang=lang, out=out, finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.ERRORS, (report.blocks, report.checks)
    assert FindingKind.LANGUAGE in {d.kind for d in report.blocking}


RIGHT = [
    (fenced("typescript", TYPESCRIPT), "typescript", "a.ts"),
    (fenced("python", TYPESCRIPT), "typescript", "a.ts"),  # a wrong word on the fence is no wrong language
    (fenced("", PYTHON), "python", "a.py"),
    (fenced("javascript", JAVASCRIPT), "typescript", "a.ts"),  # every program of the one is one of the other
    (fenced("typescript", JAVASCRIPT), None, "a.js"),
    (fenced("tsx", TSX), "typescript", "a.tsx"),
    (fenced("tsx", TYPESCRIPT), "typescript", "a.ts"),
    (fenced("ts a.ts", TYPESCRIPT) + fenced("json package.json", '{"a": 1}'), "typescript", None),
    (fenced("python", PYTHON) + fenced("typescript", TYPESCRIPT), None, "a.ts"),  # the one in its language goes there
    (fenced("python", PYTHON), None, "notes.unknown"),
    (fenced("json", '{"a": 1}'), "json", "a.json"),
]


@pytest.mark.parametrize(("answer", "lang", "out"), RIGHT)
def test_a_wrong_label_or_a_helper_file_is_no_wrong_language(
    toolchain: Toolchain, answer: str, lang: str | None, out: str | None
) -> None:
    report = examine(answer, lang=lang, out=out, finish_reason="stop", toolchain=toolchain)
    assert report.verdict is Verdict.CLEAN, (report.blocks, report.checks)


def test_a_language_that_was_not_asked_for_by_name_is_not_held_against_an_answer(toolchain: Toolchain) -> None:
    report = examine(
        fenced("python", PYTHON), prompt="Port this from TypeScript.", finish_reason="stop", toolchain=toolchain
    )
    assert report.verdict is Verdict.CLEAN
