"""How much of a conversation another target is sent."""

from __future__ import annotations

from bridge.core.chat import ChatMessage, ChatRole, ToolCall
from bridge.router.history import sent

USER, SAID = ChatMessage.user, ChatMessage.assistant
TALK = (
    ChatMessage.system("rules"), USER("one"), SAID("1"), USER("two"),
    ChatMessage(role=ChatRole.ASSISTANT, tool_calls=(ToolCall(id="c", name="look", arguments="{}"),)),
    ChatMessage(role=ChatRole.TOOL, tool_call_id="c"), SAID("2"), USER("three"),
)  # fmt: skip


def test_all_of_it_unless_the_setting_says_less() -> None:
    assert sent(TALK, "all") == (TALK, "")
    assert sent(TALK, "last 3") == (TALK, "")


def test_the_last_turns_keep_their_tools_and_the_instructions() -> None:
    kept, said = sent(TALK, "last 2")
    assert kept == (TALK[0], *TALK[3:])
    assert said == "the last 2 of 3 turns"


def test_a_summary_has_a_line_on_each_turn_that_was_left_out() -> None:
    kept, said = sent(TALK, "summary 1")
    assert "- one\n- two" in kept[1].text
    assert kept[-1].text == "three"
    assert "a line on each other" in said
