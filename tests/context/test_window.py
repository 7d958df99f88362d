"""Fitting a conversation into a window: nothing is dropped that is not recorded, and the budget holds."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bridge.context.window import fit
from bridge.core.chat import ChatMessage, ChatRole

MESSAGES = st.lists(
    st.builds(
        ChatMessage.of, st.sampled_from([ChatRole.SYSTEM, ChatRole.USER, ChatRole.ASSISTANT]), st.text(max_size=200)
    ),
    min_size=1,
    max_size=12,
)


def count(messages: Sequence[ChatMessage]) -> int:
    return sum(len(message.text) + 3 for message in messages)


@given(MESSAGES, st.integers(0, 1500))
def test_the_budget_holds_and_what_is_gone_is_recorded(messages: list[ChatMessage], tokens: int) -> None:
    fitted = fit(messages, tokens=tokens, count=count)
    if fitted is None:
        return
    assert count(fitted.messages) == fitted.tokens <= tokens
    gone = {at for piece in fitted.dropped for at in range(piece.message, piece.message + piece.messages)}
    assert [message for at, message in enumerate(messages) if at not in gone] == list(fitted.messages)
    assert all(messages[at].role is not ChatRole.SYSTEM for at in gone)
    assert len(messages) - 1 not in gone or messages[-1].role is ChatRole.SYSTEM
    assert fit(messages, tokens=tokens, count=count) == fitted


def test_files_of_the_last_turn_go_oldest_first() -> None:
    files = "".join(f"src/{name}.py:\n```python\n{'x = 1' * 200}\n```\n" for name in "abc")
    messages = [ChatMessage.system("Be brief."), ChatMessage.user(f"{files}Which is best?")]
    fitted = fit(messages, tokens=1500, count=count)
    assert fitted is not None
    assert [piece.label for piece in fitted.dropped] == ["src/a.py:", "src/b.py:"]
    assert fitted.messages[1].text.endswith("Which is best?")
    assert fitted.messages[1].text.count("[left out: a block of 1 lines]") == 2
