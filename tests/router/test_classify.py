"""Whether a prompt is about code."""

from __future__ import annotations

import pytest

from bridge.router.classify import classify
from bridge.router.targets import RouteRole
from tests.router.classifying import confusion
from tests.router.prompts import KEYWORDS, by_keywords, by_signs, ours, shared


def test_it_is_right_on_the_half_that_it_was_not_tuned_on() -> None:
    rows = ours(held_out=True)
    assert confusion(rows, by_signs).balanced >= 0.95
    assert confusion([*rows, *shared(held_out=True)], by_signs).balanced >= 0.95


def test_it_beats_the_list_of_keywords() -> None:
    rows = [*ours(held_out=True), *shared(held_out=True)]
    assert confusion(rows, by_signs).balanced > confusion(rows, by_keywords).balanced + 0.3


def test_our_prompts_are_what_they_say() -> None:
    rows = [*ours(held_out=False), *ours(held_out=True)]
    general = [row.text for row in rows if row.role is RouteRole.REASONING]
    code = [row.text for row in rows if row.role is RouteRole.CODING]
    assert (len(general), len(code), len(set(general + code))) == (200, 100, 300)
    assert sum(any(word in text.lower() for word in KEYWORDS) for text in general) == 100
    assert not [text for text in code if any(word in text.lower() for word in KEYWORDS)]


@pytest.mark.parametrize(
    ("prompt", "language"),
    [
        ("Write a Rust function that parses dates", "rust"),
        ("Port it to Visual Basic", "visual basic"),
        ("Fix `x`", None),
    ],
)
def test_it_says_which_language_is_named(prompt: str, language: str | None) -> None:
    assert classify(prompt).language == language


def test_it_says_what_it_saw() -> None:
    kind = classify("Fix parse_header() in src/http.py")
    assert kind.signs[0].startswith(("a call", "a file"))
    assert classify("What is love?").signs == ()


def test_a_long_prompt_is_looked_at_from_both_ends() -> None:
    filler = "word " * 50_000
    assert classify(filler).role is RouteRole.REASONING
    assert classify(filler + "\nWrite a function that adds.").role is RouteRole.CODING
