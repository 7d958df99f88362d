from __future__ import annotations

from collections.abc import Sequence

import pytest

from bridge.checking import Report, Toolchain, examine
from bridge.checking.rounds import AskAgain, RepairOutcome, RepairStop
from bridge.core.chat import ChatReply
from bridge.delivery.conversation import converse
from tests.support.answers import BROKEN, CUT, GOOD, REST, WORSE


def drive(
    toolchain: Toolchain, answer: str, replies: Sequence[str], *, max_rounds: int = 2
) -> tuple[list[AskAgain], RepairOutcome | None]:
    """The requests of a conversation, and its end if the replies lead there."""

    def judge(text: str, finish_reason: str | None) -> Report:
        return examine(text, prompt="Write f.", finish_reason=finish_reason, toolchain=toolchain)

    reason = "length" if answer == CUT else "stop"
    steps = converse(answer, prompt="Write f.", finish_reason=reason, judge=judge, max_rounds=max_rounds)
    asked: list[AskAgain] = []
    try:
        asked.append(next(steps))
        for reply in replies:
            asked.append(steps.send(ChatReply(text=reply)))  # noqa: PERF401  # a generator would swallow the StopIteration
    except StopIteration as end:
        return asked, end.value
    return asked, None


@pytest.mark.parametrize(
    ("answer", "replies"),
    [
        (GOOD, []),  # nothing to ask
        (BROKEN, [GOOD]),  # one round mends it
        (BROKEN, [WORSE, GOOD]),  # the second one does
        (WORSE, [BROKEN, WORSE]),  # the first is better, the second is not
        (CUT, [REST]),  # the rest of it
    ],
)
def test_a_conversation_driven_anew_asks_the_same_and_ends_the_same(
    toolchain: Toolchain, answer: str, replies: list[str]
):
    whole = drive(toolchain, answer, replies)

    assert whole[1] is not None
    for n in range(len(replies)):
        asked, outcome = drive(toolchain, answer, replies[:n])
        assert outcome is None
        assert asked == whole[0][: n + 1]
    assert drive(toolchain, answer, replies) == whole


def test_what_was_cut_is_continued_once_and_then_judged_as_a_whole(toolchain: Toolchain):
    asked, outcome = drive(toolchain, CUT, [REST])

    assert [(a.purpose.value, a.more_tokens) for a in asked] == [("continue", True)]
    assert outcome is not None
    assert "return product" in outcome.answer
    assert (outcome.stop, outcome.report.verdict.value, outcome.rounds) == (RepairStop.JOINED, "clean", 1)


def test_what_is_cut_again_is_not_continued_twice(toolchain: Toolchain):
    asked, outcome = drive(toolchain, CUT, ["    product = a * b\n    return"])

    assert len(asked) == 1
    assert outcome is not None


@pytest.mark.parametrize("answer", [BROKEN, CUT])
def test_no_rounds_only_judge(toolchain: Toolchain, answer: str):
    asked, outcome = drive(toolchain, answer, [], max_rounds=0)

    assert asked == []
    assert outcome is not None
    assert (outcome.answer, outcome.stop) == (answer, RepairStop.NOTHING)


@pytest.mark.parametrize("answer", [BROKEN, CUT])
def test_a_request_that_gets_no_reply_ends_the_conversation(toolchain: Toolchain, answer: str):
    asked, outcome = drive(toolchain, answer, [""])

    assert len(asked) == 1
    assert outcome is not None
    assert (outcome.answer, outcome.stop, outcome.improved) == (answer, RepairStop.UNANSWERED, False)
