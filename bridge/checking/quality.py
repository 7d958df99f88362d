"""Facts beside a verdict: too short, no code, a refusal, gaps left open, an error instead of an answer.

Pure. None of them is a judgement; whoever routes jobs may make one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bridge.checking.gaps import gap
from bridge.checking.unfinished.early_end import early_end
from bridge.checking.values import CodeBlock, Extraction, Quality, Role, Signal

#: What asks for code: a verb of making and a thing that is code.
_ASKS = re.compile(
    r"(?is)\b(?:write|implement|create|generate|complete|refactor|convert|port|add|fix|build|develop"
    r"|migrate)\b.{0,120}\b"
    r"(?:function|code|class|script|program|component|method|module|tests?|query|api|endpoint|file|page|app"
    r"|application)\b|```|^\s*(?:def|class|function) "
)
_REFUSES = re.compile(
    r"(?i)\b(?:I(?:'m| am) (?:sorry|afraid|unable|not able)|I (?:cannot|can't|can not|won't|will not) (?:help"
    r"|assist|provide|do|write|create|comply|fulfil)|"
    r"as an AI(?: language)? model|I must decline|against my (?:guidelines|policy)|(?:unable"
    r"|not able) to (?:assist|help|comply|provide))"
    r"|I(?:'m| am) not comfortable (?:writing|providing|helping|with)|I (?:do not|don't) have the ability to|I won't be able to"
    r"|as an AI (?:assistant|developed|created|trained)"
    r"|(?:抱歉|对不起|對不起|很遗憾|很遺憾)[^。\n]{0,40}(?:无法|不能|没法|無法|超出)|我(?:无法|不能|無法|没有办法|没办法)(?:提供|帮|協助|协助|完成|编写|回答)"
    r"|作为(?:一个|一名)?(?:AI|人工智能)|无法(?:提供|完成|协助|回答|满足)(?:该|此|这|您)"
)
#: What asks for text about code.
_ASKS_TEXT = re.compile(
    r"(?is)\b(?:write|create|generate|provide|add|update|prepare)\b.{0,40}\b(?:documentation|readme|docs|changelog|summary"
    r"|explanation|description|report|review|tutorial|guide)\b|\b(?:explain|summari[sz]e|describe|document)\b"
)
_ERRORS = re.compile(
    r"(?i)^\s*(?:\{\s*\"error\"\s*:|error:|internal server error|(?:HTTP )?(?:429|500|502|503)\b"
    r"|request timed out|rate limit|CUDA out of memory|"
    r"connection (?:refused|reset|error)|llama runner process|model .{1,60} not found|context (?:length"
    r"|window) exceeded|Traceback \(most recent call last\))"
)
_REPEATS = 20
_CYCLES = 6


def signals(answer: str, extraction: Extraction, *, prompt: str = "") -> tuple[Quality, ...]:
    """The signals that an answer gives, each with what it was seen in."""
    return tuple(_signals(answer, extraction, prompt))


def _signals(answer: str, extraction: Extraction, prompt: str) -> Iterator[Quality]:
    code = [b for b in extraction.blocks if b.role not in (Role.OUTPUT, Role.WRAPPER)]
    wanted, told = _ASKS.search(prompt[:20_000]), _ASKS_TEXT.search(prompt[:20_000])
    asked = wanted is not None and not (told and told.start() <= wanted.start())
    text = answer.strip()
    if len(text) < 20 or (asked and len(text) < 60 and not code):
        yield Quality(signal=Signal.TOO_SHORT, evidence=f"{len(text)} characters")
    if asked and not code:
        yield Quality(signal=Signal.NO_CODE, evidence="the prompt asks for code")
    if not code and (match := _REFUSES.search(text[:2000])):
        yield Quality(
            signal=Signal.REFUSAL,
            evidence=_shown(match[0]),
            line=answer.count("\n", 0, answer.find(match[0])) + 1,
        )
    if not code and (match := _ERRORS.search(text[:2000])):
        yield Quality(signal=Signal.ERROR_TEXT, evidence=_shown(match[0]), line=1)
    for block in code:
        yield from _gaps(block)
        yield from _early_end(block, code, prompt)
    if repeated := repetition(answer):
        yield Quality(signal=Signal.REPETITION, evidence=_shown(repeated[1]), line=repeated[0])


def _gaps(block: CodeBlock) -> Iterator[Quality]:
    """Bodies that a block leaves for its reader to write; one signal a block is enough."""
    if match := gap(block.code[:200_000]):
        before = block.code.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip()))
        yield Quality(signal=Signal.PLACEHOLDER, evidence=_shown(match[0]), line=block.code_start + before)


def _early_end(block: CodeBlock, code: Sequence[CodeBlock], prompt: str) -> Iterator[Quality]:
    """That a whole file, or one that is whole with the prompt's code, ends before it does what it is for."""
    if block.role not in (Role.FILE, Role.CONTINUATION) or not block.complete or not block.current:
        return
    text = block.joined or block.code
    if _leaves_open(block):
        line = block.code.rstrip().count("\n")
        evidence = "what the prompt's code opens is not closed"
        yield Quality(signal=Signal.UNFINISHED, evidence=evidence, line=block.code_start + line)
        return
    others = [other.code for other in code if other.index != block.index]
    if end := early_end(block.language, text, prompt=prompt, others=others):
        line = end.line - max(0, text.rstrip().count("\n") - block.code.rstrip().count("\n"))
        yield Quality(signal=Signal.UNFINISHED, evidence=_shown(end.evidence), line=block.code_start + max(0, line))


def _leaves_open(block: CodeBlock) -> bool:
    """Whether the body of a function that the prompt began stops within it: the closer was added here."""
    own = block.code.rstrip()
    added = block.joined is not None and not block.joined.rstrip().endswith(own)
    return added and own[:1] in (" ", "\t") and own.split("\n")[-1][:1] in (" ", "\t")


def repetition(answer: str) -> tuple[int, str] | None:
    """First line and shape of a run that a model fell into.

    That is the same line twenty times and more, numbers aside, or the same two to eight lines six times and more.
    """
    lines = [(n, line.strip()[:200]) for n, line in enumerate(answer.split("\n"), 1) if len(line.strip()) >= 4]
    shapes = [re.sub(r"\d+", "0", line) for _, line in lines]
    if (at := _periodic(shapes, 1, _REPEATS)) is not None:
        return lines[at][0], shapes[at]
    texts = [line for _, line in lines]
    for period in range(2, 9):
        if (at := _periodic(texts, period, _CYCLES)) is not None:
            return lines[at][0], " / ".join(texts[at : at + period])
    return None


def _periodic(lines: Sequence[str], period: int, times: int) -> int | None:
    """Where some lines begin to repeat themselves so often; None: nowhere."""
    run = 0
    for i in range(period, len(lines)):
        run = run + 1 if lines[i] == lines[i - period] else 0
        if run >= period * (times - 1):
            return i - period * times + 1
    return None


def _shown(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else flat[:119] + "…"
