"""What a tool says goes into a repair prompt only as far as it is plain words, or quotes the answer."""

from __future__ import annotations

import pytest

from bridge.checking.repair_message import of_the_answer

TOKEN = "ghp_thisIsNobodysToken0123456789abcdef"


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("Undefined name `z`", "print(z)"),
        ("expected one of `!`, `.`, `::`, `;`, or an operator, found `println`", 'println!("a")'),
        ("Type 'string' is not assignable to type 'number'.", 'let x: number = "a"'),
        ("mismatched types: expected `i32`, found `&str`", 'fn a() -> i32 { "a": &str }'),
        ("cannot find value `cfg_max` in this scope", "cfg_max + 1"),
        ("Line too long (120 > 88)", ""),
    ],
)
def test_what_a_tool_says_of_the_answer_stays_word_for_word(message: str, answer: str) -> None:
    assert of_the_answer(message, answer) == message


@pytest.mark.parametrize(
    ("message", "gone"),
    [
        (f"evaluation panicked: {TOKEN}", TOKEN),
        (f"#error {TOKEN}", TOKEN),
        ("#error root:x:0:0:root:/root:/bin/bash", "/bin/bash"),
        ("couldn't read `/home/me/.ssh/id_rsa`: No such file or directory (os error 2)", "/home/me"),
        ("expected `;`, found `hunter2 is my password`", "hunter2"),
        ('unknown escape in "C:\\Users\\me\\x"', "Users"),
        ("undefined reference to 'private_symbol_of_a_sibling'", "private_symbol"),
        (f"unterminated `{TOKEN}", TOKEN),
        ("x" * 10_000, "x" * 401),
    ],
)
def test_what_the_answer_does_not_say_is_left_out(message: str, gone: str) -> None:
    assert gone in message
    assert gone not in of_the_answer(message, "int main(void) { return 0; }")
