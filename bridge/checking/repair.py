"""Asking again, as generators that yield a request and are sent the reply: repair what blocks, continue what was cut.

    steps = repair(answer, prompt=prompt, judge=judge)
    request = next(steps)                  # StopIteration: nothing to do
    ...                                    # ask a model, live or through the queue
    request = steps.send(reply)            # a ChatReply; StopIteration.value is the RepairOutcome

Pure but for what `judge` does. Whoever drives them decides whether a reply comes live or as a child job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bridge.checking import versions
from bridge.checking.faults import RepairPoint, faults, fenced, repair_prompt
from bridge.checking.quality import repetition
from bridge.checking.values import CodeBlock, Diagnostic, Jsonable, Report, Verdict
from bridge.core.chat import ChatMessage, ChatReply, FinishReason

#: Gives the report of an answer, as `examine` does.
Judge = Callable[[str, FinishReason | None], Report]

MAX_ROUNDS = 3


class Purpose(Enum):
    """Why a model is asked again."""

    REPAIR = "repair"  # what it wrote does not pass
    CONTINUE = "continue"  # it was cut at its token limit


class RepairStop(Enum):
    """Why no further request is made."""

    CLEAN = "clean"  # nothing blocks any more
    NOTHING = "nothing"  # there was nothing to repair or to continue
    ROUNDS = "rounds"  # no rounds are left
    SAME = "same"  # a round left exactly the same findings
    REPETITION = "repetition"  # the model repeats itself: the same settings would give the same
    REPLACED = "replaced"  # the model began again and got to the end
    JOINED = "joined"  # the continuation was joined on
    UNANSWERED = "unanswered"  # the request was cancelled, or failed
    NO_JOIN = "no_join"  # the continuation does not fit; the answer stays as it was


@dataclass(frozen=True, kw_only=True)
class AskAgain(Jsonable):
    """A request to ask the model again."""

    purpose: Purpose
    round: int  #: 1 for the first
    messages: tuple[ChatMessage, ...]
    more_tokens: bool = False  #: ask for a larger answer than before


@dataclass(frozen=True, kw_only=True)
class RepairOutcome(Jsonable):
    """What asking again came to: the best answer so far, not the last one."""

    answer: str
    report: Report
    rounds: int
    stop: RepairStop
    improved: bool


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
    best = first = _Version(answer=answer, report=report or judge(answer, finish_reason))
    stop = RepairStop.ROUNDS if best.faults else RepairStop.NOTHING
    rounds = 0
    last = ""
    while stop is RepairStop.ROUNDS and rounds < min(max(0, max_rounds), MAX_ROUNDS):
        if repetition(best.answer):
            stop = RepairStop.REPETITION
            break
        rounds += 1
        asked = (ChatMessage.user(repair_prompt(prompt, best.report, last=last)),)
        reply = yield AskAgain(purpose=Purpose.REPAIR, round=rounds, messages=asked)
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
        last = "brought nothing better" if better is None else "mended a part of it"
        best = better or best
        if not best.faults:
            stop = RepairStop.CLEAN
    return RepairOutcome(
        answer=best.answer, report=best.report, rounds=rounds, stop=stop, improved=best.merit > first.merit
    )


@dataclass(frozen=True, kw_only=True)
class _Version:
    """An answer with its report."""

    answer: str
    report: Report

    @property
    def faults(self) -> tuple[RepairPoint, ...]:
        return faults(self.report)

    @property
    def merit(self) -> tuple[bool, bool, int, int]:
        """The order in which versions are better: it has code, it is whole, less of it blocks, less is left open."""
        report = self.report
        open_gaps = len(self.faults) - len({(d.block, d.fingerprint) for d in report.blocking})
        return (
            report.verdict is not Verdict.NO_CODE,
            report.verdict is not Verdict.INCOMPLETE,
            -len(report.blocking),
            -open_gaps,
        )


def _taken(
    best: _Version, reply: str, came: Report, judge: Judge, finish_reason: FinishReason | None
) -> _Version | None:
    """The best version with what a reply brings for the files that were asked about; None if that is not better."""
    if not versions.code(best.report):
        new = _Version(answer=reply, report=came)
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
    best: _Version,
    changes: Mapping[int, CodeBlock],
    extra: Sequence[CodeBlock],
    judge: Judge,
    finish_reason: FinishReason | None,
) -> _Version | None:
    """A version with these changes; None if there is none in which every other file stays as it was."""
    for write in (versions.taken_in, versions.rewritten) if changes else ():
        text = write(best.answer, best.report, changes, extra)
        report = judge(text, finish_reason)
        if versions.keeps(best.report, report, changes):
            return _Version(answer=text, report=report)
    return None


def _prints(diagnostics: tuple[Diagnostic, ...]) -> frozenset[str]:
    return frozenset(d.fingerprint for d in diagnostics)


def continuation(
    answer: str, *, prompt: str, judge: Judge, finish_reason: FinishReason | None, report: Report | None = None
) -> Generator[AskAgain, ChatReply, RepairOutcome]:
    """Ask once for the rest of an answer that was cut at its token limit, and join it on where both overlap.

    Nothing is asked if the answer was not cut, or if it was cut while it repeated itself.
    """
    before = report or judge(answer, finish_reason)
    if finish_reason != FinishReason.LENGTH:
        return RepairOutcome(answer=answer, report=before, rounds=0, stop=RepairStop.NOTHING, improved=False)
    if repetition(answer):
        return RepairOutcome(answer=answer, report=before, rounds=0, stop=RepairStop.REPETITION, improved=False)
    asked = (ChatMessage.user(continue_prompt(prompt, answer)),)
    reply = yield AskAgain(purpose=Purpose.CONTINUE, round=1, messages=asked, more_tokens=True)
    if not reply.text.strip():
        return RepairOutcome(answer=answer, report=before, rounds=1, stop=RepairStop.UNANSWERED, improved=False)
    joined = join(answer, reply.text)
    if joined is None:
        alone = judge(reply.text, reply.finish_reason)
        if alone.verdict is Verdict.CLEAN and _code_lines(alone) >= _code_lines(before) * (1 - versions.MAY_SHRINK):
            return RepairOutcome(answer=reply.text, report=alone, rounds=1, stop=RepairStop.REPLACED, improved=True)
        return RepairOutcome(answer=answer, report=before, rounds=1, stop=RepairStop.NO_JOIN, improved=False)
    after = judge(joined, reply.finish_reason)
    return RepairOutcome(
        answer=joined,
        report=after,
        rounds=1,
        stop=RepairStop.JOINED,
        improved=after.verdict is not Verdict.INCOMPLETE,
    )


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


def join(answer: str, rest: str) -> str | None:
    """An answer and its continuation as one text; None if they do not fit.

    The continuation may repeat the last lines, open a new fence first, or begin in the middle of the last line. What
    overlaps is taken once. A reply that starts all over again is no continuation.
    """
    inside = _inside_fence(answer)
    body = _unopened(rest) if inside else rest.lstrip("\n")
    if not body.strip():
        return None
    old = answer.rstrip("\n").split("\n")
    new = body.split("\n")
    for size in range(min(60, len(old), len(new)), 0, -1):
        tail, head = old[-size:], new[:size]
        whole = [line.strip() for line in tail[:-1]] == [line.strip() for line in head[:-1]]
        if whole and tail[-1].strip() and head[-1].strip().startswith(tail[-1].strip()):
            if size == 1 and len(tail[-1].strip()) < 3:
                continue
            return "\n".join((*old[:-size], *_indented(tail, head), *new[size:]))
    for size in range(min(200, len(old[-1]), len(body)), 7, -1):
        if old[-1].endswith(body[:size]):
            return "\n".join(old) + body[size:]
    if _starts_over(answer, rest) or _starts_over(answer, body):
        return None
    return "\n".join(old) + ("" if _mid_line(old[-1]) else "\n") + body


def _inside_fence(answer: str) -> bool:
    opened = ""
    for line in answer.split("\n"):
        match = re.match(r"\s*(`{3,}|~{3,})(.*)$", line)
        if not match:
            continue
        if not opened:
            opened = match[1]
        elif match[1][0] == opened[0] and len(match[1]) >= len(opened) and not match[2].strip():
            opened = ""
    return bool(opened)


def _unopened(rest: str) -> str:
    """A continuation of a block, without an introduction and the fence that opens it again."""
    match = re.match(r"(?s)(?:(?!\s*```)[^\n]*\n){0,3}?\s*(?:`{3,}|~{3,})[\w+#.-]*[^\n`]*\n(?=.*\S)", rest)
    return rest[match.end() :] if match else rest.lstrip("\n")


def _indented(tail: list[str], head: list[str]) -> list[str]:
    """The overlapping lines: those of the answer, the last one completed from the continuation."""
    return [*tail[:-1], tail[-1].rstrip() + head[-1].strip()[len(tail[-1].strip()) :]]


def _starts_over(answer: str, rest: str) -> bool:
    """Whether a reply begins as the answer did, or as one of its blocks."""
    again = [line.strip() for line in rest.split("\n") if line.strip() and "```" not in line][:2]
    lines = [line.strip() for line in answer.split("\n") if line.strip()]
    begins = [0, *(i + 1 for i, line in enumerate(lines) if line.startswith("```"))]
    plain = [[x for x in lines[i : i + 3] if "```" not in x][:2] for i in begins]
    return len(lines) > 6 and len(again) == 2 and again in plain


def _mid_line(line: str) -> bool:
    """Whether a line was cut within itself: it does not end as lines of code or text do."""
    return bool(line) and not re.search(r"[;{}):,.>\]]\s*$|^\s*$", line)
