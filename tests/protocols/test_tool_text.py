"""The four ways in which Qwen2.5-Coder writes a call of a tool, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocols.tool_text import CallsInText

CALL = '{"name": "f", "arguments": {"a": "<b> } \\"x"}}'
CODE = 'Use this:\n```python\nx = {\n"name": 1}\n```\nDone.\n'


def read(text: str, size: int = 1000) -> tuple[str, list[str]]:
    """(the text that is left, names of the calls) of an answer in pieces of so many characters."""
    reader = CallsInText(offered={"f", "g"})
    shown = "".join(reader.feed(text[i : i + size]) for i in range(0, len(text), size)) + reader.end()
    return shown, [call.name for call in reader.calls]


@pytest.mark.parametrize("size", [1, 2, 5, 17, 1000])
@pytest.mark.parametrize(
    ("text", "left", "names"),
    [
        (f"<tool_call>\n{CALL}\n</tool_call>", "", ["f"]),
        (f"<tools>\n{CALL}\n</tools>", "", ["f"]),
        (f"I call it.\n```json\n{CALL}\n```\n", "I call it.\n", ["f"]),
        (f"```\n{CALL}\n```", "", ["f"]),
        (CALL, "", ["f"]),
        (f"Sure.\n\n{CALL}\n", "Sure.\n\n", ["f"]),
        (f"[{CALL}, {CALL}]", "", ["f", "f"]),
        (f"<tools>\n{CALL}\n{CALL}\n</tools>", "", ["f", "f"]),  # one a line
        ('{"tool_calls": [{"type": "function", "function": ' + CALL + "}]}", "", ["f"]),
        (CALL.replace("arguments", "parameters"), "", ["f"]),
        (f"<tool_call>\n{CALL}", "", ["f"]),  # its end is missing
        (f"<tool_call>{CALL}</tool_call>\nThen this.", "Then this.", ["f"]),
        (CODE, None, []),
        ("int main()\n{\n  return 0;\n}\n", None, []),
        ('{"a": 1}\n', None, []),
        (CALL.replace('"f"', '"h"'), None, []),  # nobody offered it
        ("```json\n{}\n```\n", None, []),
        (CALL[:-1], None, []),  # cut
        ("`a` and ``b`` < c", None, []),
    ],
)  # fmt: skip
def test_calls_are_told_from_text_however_the_answer_is_cut_up(
    text: str, left: str | None, names: list[str], size: int
) -> None:
    assert read(text, size) == (text if left is None else left, names)


PIECES = st.sampled_from(
    [CALL, CODE, "<tool_call>", "</tool_call>", "<tools>", "```", "\n", "{", "}", '"', "x", "[", "```json\n", " "]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.integers(1, 9))
def test_the_cut_of_the_stream_changes_nothing_and_no_text_is_lost(text: str, size: int) -> None:
    shown, names = read(text, size)
    assert (shown, names) == read(text)
    if not names:
        assert shown == text


def test_code_is_not_held_back() -> None:
    reader = CallsInText(offered={"f"})
    assert reader.feed("```python\nx = 1\ny = ") == "```python\nx = 1\ny = "
