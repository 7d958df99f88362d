"""Ask for the rest of an answer that was cut, as a generator that yields a request and is sent the reply.

Pure but for what `judge` does.
"""

from __future__ import annotations

from collections.abc import Generator

from bridge.checking import versions
from bridge.checking.faults import fenced
from bridge.checking.join import join
from bridge.checking.quality import repetition
from bridge.checking.rounds import AskAgain, Judge, Purpose, RepairOutcome, RepairStop
from bridge.checking.values import Report, Verdict
from bridge.core.chat import ChatMessage, ChatReply, FinishReason

#: How often the rest is asked for: what is cut again is continued once more, and no further.
MAX_CONTINUATIONS = 2


def continuation(
    answer: str, *, prompt: str, judge: Judge, finish_reason: FinishReason | None, report: Report | None = None
) -> Generator[AskAgain, ChatReply, RepairOutcome]:
    """Ask for the rest of an answer that was cut at its token limit, and join it on where both overlap.

    If the rest is cut as well, what is joined so far is continued once more. Nothing is asked if the answer was not cut, or
    if it was cut while it repeated itself.
    """
    now, seen, ended = answer, report or judge(answer, finish_reason), finish_reason
    rounds, stop = 0, RepairStop.NOTHING
    while ended == FinishReason.LENGTH and rounds < MAX_CONTINUATIONS:
        if repetition(now):
            stop = RepairStop.REPETITION
            break
        rounds += 1
        asked = (ChatMessage.user(continue_prompt(prompt, now)),)
        reply = yield AskAgain(purpose=Purpose.CONTINUE, round=rounds, messages=asked, more_tokens=True)
        if not reply.text.strip():
            stop = RepairStop.UNANSWERED
            break
        joined = join(now, reply.text)
        if joined is None:
            alone = judge(reply.text, reply.finish_reason)
            if alone.verdict is Verdict.CLEAN and _code_lines(alone) >= _code_lines(seen) * (1 - versions.MAY_SHRINK):
                now, seen, stop = reply.text, alone, RepairStop.REPLACED
            else:
                stop = RepairStop.NO_JOIN
            break
        now, seen, stop = joined, judge(joined, reply.finish_reason), RepairStop.JOINED
        ended = reply.finish_reason
    better = now != answer and seen.verdict is not Verdict.INCOMPLETE
    return RepairOutcome(answer=now, report=seen, rounds=rounds, stop=stop, improved=better)


def _code_lines(report: Report) -> int:
    return sum(block.lines for block in versions.code(report))


def continue_prompt(prompt: str, answer: str) -> str:
    """What to ask for the rest: the task, the end of the answer, and where to go on."""
    tail = "\n".join(answer.rstrip().split("\n")[-40:])
    return (
        f"The task was:\n\n{fenced(prompt.strip()[:12000], 'text')}\n\n"
        f"The answer was cut. This is its end:\n\n{fenced(tail, 'text')}\n\n"
        "Go on exactly where it ends: first repeat its last line in full, then write the rest. "
        "Do not begin again and add no introduction.\n"
    )
