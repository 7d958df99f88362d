"""From an answer to the best version of it: continue what was cut, then repair what does not pass.

One generator that asks again and is sent the replies. It gives the same requests for the same replies, so whoever drives
it may stop at any time and later drive it anew with the replies that have come since: no state is kept anywhere but in
the queue.
"""

from __future__ import annotations

from collections.abc import Generator

from bridge.checking.continuation import continuation
from bridge.checking.faults import faults
from bridge.checking.repair import repair
from bridge.checking.rounds import AskAgain, Judge, RepairOutcome, RepairStop
from bridge.checking.values import Verdict
from bridge.core.chat import ChatReply, FinishReason
from bridge.kernel.finish import read_finish_reason


def converse(
    answer: str, *, prompt: str, finish_reason: FinishReason | None, judge: Judge, max_rounds: int
) -> Generator[AskAgain, ChatReply, RepairOutcome]:
    """Ask as long as it may help; at most two continuations and `max_rounds` repairs. 0 rounds: only judge."""
    if max_rounds < 1:
        report = judge(answer, finish_reason)
        return RepairOutcome(answer=answer, report=report, rounds=0, stop=RepairStop.NOTHING, improved=False)
    whole = yield from continuation(answer, prompt=prompt, judge=judge, finish_reason=finish_reason)
    cut = read_finish_reason(finish_reason).is_cut
    if (cut and whole.report.verdict is Verdict.INCOMPLETE) or not faults(whole.report):
        return whole
    mended = yield from repair(
        whole.answer,
        prompt=prompt,
        judge=judge,
        report=whole.report,
        max_rounds=max_rounds,
        finish_reason=FinishReason.STOP if cut else finish_reason,
    )
    return mended.evolve(rounds=whole.rounds + mended.rounds, improved=whole.improved or mended.improved)
