"""What a reader of code does not see is a finding in every language; what writing needs is none."""

from __future__ import annotations

import pytest

from bridge.checking import Toolchain, Verdict, examine
from bridge.checking.extraction.extract import extract
from bridge.checking.hidden_characters import looked_at
from bridge.checking.language import languages
from bridge.checking.values import BlockStatus, CheckResult

HIDDEN = {
    "bidirectional-text": "if access != 'user\u202e \u2066// check\u2069 \u2066' begin",
    "invisible-character": "is_admin\u200b = false",
    "look-alike-letters": "def is_\u0430dmin(x)",
}


def rules(code: str, label: str = "python") -> set[str]:
    [block] = extract(f"```{label}\n{code}\n```\n", finish_reason="stop").blocks
    return {found.code for found in looked_at(block, CheckResult(block=0, status=BlockStatus.OK)).diagnostics}


@pytest.mark.parametrize("rule", HIDDEN)
@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_a_finding_in_every_language(language: str, rule: str) -> None:
    assert rule in rules(HIDDEN[rule], language)


@pytest.mark.parametrize(
    "code",
    [
        "x = '\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440'",  # Russian
        "# \u0430 \u0438 \u043e",  # Russian words of one letter
        "name = '\u0395\u03bb\u03bb\u03ac\u03b4\u03b1'",  # Greek
        "delta_t = 3  # \u03bcs, \u0394x, \u03c3, 5 \u00b5m",  # measures
        "t = '\u05e9\u05dc\u05d5\u05dd \u200f(1)'",  # a mark among right-to-left letters
        "face = '\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f'",  # a family
        "s = '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'",  # Persian
        "\ufeffprint(1)",  # a mark of byte order
        "s = 'na\u00efve caf\u00e9 \u4f60\u597d \U0001f600 \u2192 \u2026'",
        "a = 1\t# tab",
    ],
)
def test_what_writing_needs_is_none(code: str) -> None:
    assert rules(code) == set()


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("x = 1\ufeff", "invisible-character"),
        ("a\u2060b = 1", "invisible-character"),
        ("x = '\x08'", "invisible-character"),
        ("\u3164 = 1", "invisible-character"),
        ("x\U000e0041 = 1", "invisible-character"),
        ("\uff49f = 1", "look-alike-letters"),
        ("\U0001d41fn = 1", "look-alike-letters"),
        ("c\u03bfunt = 1", "look-alike-letters"),
    ],
)
def test_other_ways_to_hide(code: str, rule: str) -> None:
    assert rule in rules(code)


def test_such_code_is_not_clean_wherever_the_verdict_comes_from(toolchain: Toolchain) -> None:
    for label, code in (
        ("python", "x\u200b = 1"),
        ("yaml", "a: 'b\u202e'"),
        ("cobol", "* \u202e"),
        ("", "x = 'a\u2066'\n"),
    ):
        report = examine(f"```{label}\n{code}\n```\n", finish_reason="stop", toolchain=toolchain)
        assert report.verdict is not Verdict.CLEAN
        assert any(found.kind.value == "hidden" for found in report.diagnostics)


def test_a_long_line_takes_no_time() -> None:
    assert rules("a" * 400_000 + "\u4f60" + "$_" * 200_000) == set()  # quadratic, it would take minutes
