"""Repair what blocks or was left open, as a generator that yields a request and is sent the reply.

    steps = repair(answer, prompt=prompt, judge=judge)
    request = next(steps)                  # StopIteration: nothing to do
    ...                                    # ask a model, live or through the queue
    request = steps.send(reply)            # a ChatReply; StopIteration.value is the RepairOutcome

Pure but for what `judge` does. Whoever drives it decides whether a reply comes live or as a child job.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from bridge.checking import versions
from bridge.checking.faults import repair_prompt
from bridge.checking.last_reply import told
from bridge.checking.quality import repetition
from bridge.checking.rounds import AskAgain, Judge, Purpose, RepairOutcome, RepairStop, Version
from bridge.checking.values import CodeBlock, Diagnostic, Report
from bridge.core.chat import ChatMessage, ChatReply, FinishReason

MAX_ROUNDS = 3
#: So much warmer is each round after the first: a model that was asked much the same gives much the same.
WARMER = 0.2


def repair(
    answer: str,
    *,
    prompt: str,
    judge: Judge,
    report: Report | None = None,
    max_rounds: int = 2,
    finish_reason: FinishReason | None = FinishReason.STOP,
) -> Generator[AskAgain, ChatReply, RepairOutcome]:
    """Ask for what is wrong to be mended, at most `max_rounds` times; keep the best version of every file.

    A reply is taken into the best version file by file: it changes what was asked about and nothing else. Ends early when
    nothing is wrong, when a round leaves the same findings (by fingerprint), or when the model repeats itself.

    Args:
        answer: the model's answer.
        prompt: what it was asked.
        judge: examines an answer; called with its text and its finish reason.
        report: the answer's report, if there is one already.
        max_rounds: 0 to 3.
        finish_reason: of the answer.
    """
    best = first = Version(answer=answer, report=report or judge(answer, finish_reason))
    stop = RepairStop.ROUNDS if best.faults else RepairStop.NOTHING
    rounds = 0
    last = ""
    while stop is RepairStop.ROUNDS and rounds < min(max(0, max_rounds), MAX_ROUNDS):
        if repetition(best.answer):
            stop = RepairStop.REPETITION
            break
        rounds += 1
        asked = (ChatMessage.user(repair_prompt(prompt, best.report, last=last)),)
        warmer = round(WARMER * (rounds - 1), 2)
        reply = yield AskAgain(purpose=Purpose.REPAIR, round=rounds, messages=asked, warmer=warmer)
        if not reply.text.strip():
            stop = RepairStop.UNANSWERED
            break
        if repetition(reply.text):
            stop = RepairStop.REPETITION
            break
        came = judge(reply.text, reply.finish_reason)
        better = _taken(best, reply.text, came, judge, finish_reason)
        if better is None and came.blocking and _prints(came.blocking) == _prints(best.report.blocking):
            stop = RepairStop.SAME
        elif better is None and versions.code(best.report) and not best.report.blocking and best.report.complete:
            stop = RepairStop.SAME  # what is left open may be meant so: it is asked about once
        last = told(rounds, best.report, came, taken=better.report if better else None)
        best = better or best
        if not best.faults:
            stop = RepairStop.CLEAN
    return RepairOutcome(
        answer=best.answer, report=best.report, rounds=rounds, stop=stop, improved=best.merit > first.merit
    )


def _taken(best: Version, reply: str, came: Report, judge: Judge, finish_reason: FinishReason | None) -> Version | None:
    """The best version with what a reply brings for the files that were asked about; None if that is not better."""
    if not versions.code(best.report):
        new = Version(answer=reply, report=came)
        return new if came.complete and new.merit > best.merit else None
    broken = {fault.block for fault in best.faults if fault.block is not None}
    changes = versions.matches(best.report, came, broken)
    extra = versions.added(best.report, came)
    whole = _with(best, changes, extra, judge, finish_reason)
    if whole is not None and whole.merit > best.merit:
        return whole
    found = best
    for index, block in changes.items() if len(changes) > 1 else ():
        # Not all of it is better: take what is. Each change keeps the order of the blocks, so their numbers stay.
        step = _with(found, {index: block}, (), judge, finish_reason)
        if step is not None and step.merit > found.merit:
            found = step
    return None if found is best else found


def _with(
    best: Version,
    changes: Mapping[int, CodeBlock],
    extra: Sequence[CodeBlock],
    judge: Judge,
    finish_reason: FinishReason | None,
) -> Version | None:
    """A version with these changes; None if there is none in which every other file stays as it was."""
    for write in (versions.taken_in, versions.rewritten) if changes else ():
        text = write(best.answer, best.report, changes, extra)
        report = judge(text, finish_reason)
        if versions.keeps(best.report, report, changes):
            return Version(answer=text, report=report)
    return None


def _prints(diagnostics: tuple[Diagnostic, ...]) -> frozenset[str]:
    return frozenset(d.fingerprint for d in diagnostics)
