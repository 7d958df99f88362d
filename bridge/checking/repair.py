"""Asking again, as generators that yield a request and are sent the reply: repair what blocks, continue what was cut.

    steps = repair(answer, prompt=prompt, judge=judge)
    request = next(steps)                  # StopIteration: nothing to do
    ...                                    # ask a model, live or through the queue
    request = steps.send(reply)            # a ChatReply; StopIteration.value is the RepairOutcome

Pure but for what `judge` does. Whoever drives them decides whether a reply comes live or as a child job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum

from bridge.checking.language import languages
from bridge.checking.quality import repetition
from bridge.checking.values import CodeBlock, Diagnostic, Jsonable, Report, Role, Verdict
from bridge.core.chat import ChatMessage, ChatReply, FinishReason

#: Gives the report of an answer, as `examine` does.
Judge = Callable[[str, FinishReason | None], Report]

MAX_ROUNDS = 3
_DIAGNOSTICS = 8
_CONTEXT_LINES = 3
#: A file that lost more than this share of its lines was not repaired but cut down.
_MAY_SHRINK = 0.4


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
    """Ask for blocking findings to be mended, at most `max_rounds` times; keep the best version.

    A round counts only if fewer findings block than before and no file lost more than 40 % of its lines. Ends early
    when nothing blocks, when a round leaves the same findings (by fingerprint), or when the model repeats itself.

    Args:
        answer: the model's answer.
        prompt: what it was asked.
        judge: examines an answer; called with its text and its finish reason.
        report: the answer's report, if there is one already.
        max_rounds: 0 to 3.
        finish_reason: of the answer.
    """
    best, best_report = answer, report or judge(answer, finish_reason)
    start = len(best_report.blocking)
    stop = RepairStop.NOTHING if best_report.verdict is not Verdict.ERRORS else RepairStop.ROUNDS
    rounds = 0
    while stop is RepairStop.ROUNDS and rounds < min(max(0, max_rounds), MAX_ROUNDS):
        if repetition(best):
            stop = RepairStop.REPETITION
            break
        rounds += 1
        asked = (ChatMessage.user(repair_prompt(prompt, best_report)),)
        reply = yield AskAgain(purpose=Purpose.REPAIR, round=rounds, messages=asked)
        if not reply.text.strip():
            stop = RepairStop.UNANSWERED
            break
        after = judge(reply.text, reply.finish_reason)
        if repetition(reply.text):
            stop = RepairStop.REPETITION
        elif _prints(after.blocking) == _prints(best_report.blocking) and after.verdict is Verdict.ERRORS:
            stop = RepairStop.SAME
        elif is_better(best_report, after):
            best, best_report = reply.text, after
            stop = RepairStop.ROUNDS if after.blocking else RepairStop.CLEAN
    return RepairOutcome(
        answer=best, report=best_report, rounds=rounds, stop=stop, improved=len(best_report.blocking) < start
    )


def is_better(before: Report, after: Report) -> bool:
    """Whether a new version may take the old one's place: whole, fewer blocking findings, no file cut down."""
    if after.verdict in (Verdict.INCOMPLETE, Verdict.NO_CODE) or len(after.blocking) >= len(before.blocking):
        return False
    new = {_key(b): b for b in _files(after)}
    for old in _files(before):
        match = new.get(_key(old))
        if match is None and old.path is None and len(_files(before)) == 1 and _files(after):
            match = max(_files(after), key=lambda b: b.lines)
        concerned = any(d.block == old.index for d in before.blocking)
        if match is None:
            if concerned:
                return False
            continue
        if match.lines < old.lines * (1 - _MAY_SHRINK):
            return False
    return True


def _files(report: Report) -> list[CodeBlock]:
    return [b for b in report.blocks if b.role in (Role.FILE, Role.FRAGMENT) and b.current]


def _key(block: CodeBlock) -> tuple[str | None, str | None]:
    return (block.path, None if block.path else block.language)


def _prints(diagnostics: tuple[Diagnostic, ...]) -> frozenset[str]:
    return frozenset(d.fingerprint for d in diagnostics)


def repair_prompt(prompt: str, report: Report) -> str:
    """What to ask: the task, then each file that has blocking findings with up to eight of them in all.

    Findings are untrusted text from tools that read a model's code: they stand inside of a fence that is longer than
    any run of backticks in them.
    """
    findings = report.blocking[:_DIAGNOSTICS]
    parts = ["The code below does not pass its checks. Fix what is reported and change nothing else."]
    if prompt.strip():
        parts.append(f"The task was:\n\n{_fenced(prompt.strip()[:6000], 'text')}")
    for index in dict.fromkeys(d.block for d in findings):
        block = report.blocks[index]
        label = (
            languages.LANGUAGES[block.language].name if block.language in languages.LANGUAGES else block.language or ""
        )
        name = block.path or (
            "the patch" if block.role is Role.DIFF else f"the {languages.display(block.language)} code"
        )
        shown = "\n\n".join(_excerpt(block, d) for d in findings if d.block == index)
        parts.append(f"Reported in {name}:\n\n{_fenced(shown, 'text')}")
        parts.append(
            f"The whole of {name}:\n\n{_fenced(block.code.rstrip(chr(10)), f'{label} {block.path or str()}'.strip())}"
        )
    parts.append(
        "Return each complete corrected file in one fenced block, labelled with its language and path"
        + (
            ", and each patch corrected and whole"
            if any(report.blocks[d.block].role is Role.DIFF for d in findings)
            else ""
        )
        + ". No other text."
    )
    return "\n\n".join(parts) + "\n"


def _excerpt(block: CodeBlock, diagnostic: Diagnostic) -> str:
    """A finding over the lines around it, numbered; its own line is marked."""
    lines = block.code.split("\n")
    at = diagnostic.range.start.line
    first, last = max(0, at - _CONTEXT_LINES), min(len(lines), at + _CONTEXT_LINES + 1)
    head = f"line {at + 1}: {diagnostic.message} [{diagnostic.source} {diagnostic.code}]"
    rows = [f"{'>' if i == at else ' '}{i + 1:5d} | {lines[i][:300]}" for i in range(first, last)]
    return "\n".join((head, *rows))


def _fenced(text: str, label: str) -> str:
    longest = max((len(m[0]) for m in re.finditer(r"`+", text)), default=0)
    fence = "`" * max(4, longest + 1)
    return f"{fence}{label}\n{text}\n{fence}"


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
        if alone.verdict is Verdict.CLEAN and _code_lines(alone) >= _code_lines(before) * (1 - _MAY_SHRINK):
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
    return sum(block.lines for block in _files(report))


def continue_prompt(prompt: str, answer: str) -> str:
    """What to ask for the rest: the task, the end of the answer, and where to go on."""
    tail = "\n".join(answer.rstrip().split("\n")[-40:])
    return (
        f"The task was:\n\n{_fenced(prompt.strip()[:12000], 'text')}\n\n"
        f"The answer was cut. This is its end:\n\n{_fenced(tail, 'text')}\n\n"
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
