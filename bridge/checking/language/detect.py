"""Guess the language of a text that says nothing about it, and tell code from prose. Pure; about 2 ms a text.

Scores are sums of the weights in `language_patterns`; a guess is taken only if it is clearly above the next one, because no label is better than a
wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from bridge.checking.language.language_patterns import COMMON
from bridge.checking.language.language_patterns_rare import RARE
from bridge.checking.language.languages import related

#: Enough to know a language by; the rest of a long text is not read.
_READ_CHARS = 8000


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A language with how sure we are."""

    language: str
    score: int
    confidence: float  #: 0 to 1


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[str, tuple[tuple[re.Pattern[str], int], ...]], ...]:
    return tuple((name, tuple((re.compile(p, re.MULTILINE), w) for p, w in rows)) for name, rows in (*COMMON, *RARE))


def scores(code: str, among: Collection[str] | None = None) -> dict[str, int]:
    """The languages with a positive score, best first; of these languages alone, which is quicker, or of all."""
    text = "\n".join(line[:300] for line in code[:_READ_CHARS].split("\n")[:150])
    found: dict[str, int] = {}
    if not text.strip():
        return found
    for name, rows in _compiled():
        if among is not None and name not in among:
            continue
        total = 0
        for pattern, weight in rows:
            hits = 0
            for _ in pattern.finditer(text):
                hits += 1
                if hits == 3:
                    break
            total += weight * hits
        if total > 0:
            found[name] = total
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def detect(code: str, prefer: Iterable[str] = ()) -> Detection | None:
    """The likeliest language; None if nothing speaks for one.

    Args:
        code: the text.
        prefer: languages that are likely for other reasons; one of them wins over a guess that is not far above it.
    """
    ranked = scores(code)
    if not ranked:
        return None
    best, top = next(iter(ranked.items()))
    for name in prefer:
        own = ranked.get(name, 0)
        if own and own * 2 >= top:
            best, top = name, own
            break
        if related(name, best) and own + 2 >= top:
            best, top = name, max(own, 1)
            break
    rival = max((score for name, score in ranked.items() if not related(name, best)), default=0)
    if top < 3:
        return None
    confidence = min(0.95, (top - rival) / (top + rival + 2) + min(top, 12) / 30) if top >= rival else 0.3
    return Detection(language=best, score=top, confidence=round(max(0.05, confidence), 2))


_PROSE_LINE = re.compile(
    r"^\s*(?:[-*+]\s|\d+[.)]\s|#{1,6}\s|>\s)?[\"'(*_`]*[A-Z][\w'’,-]*(?:\s+[\w'’\"(`*,;:/&-]+[.,;:!?)\"`*]*){2,}\s*$"
)
_CODE_LINE = re.compile(
    r"[;{}]\s*$|^\s*(?:[)\]}]|//|/\*|\*/|#include|#!|<[/!?a-zA-Z])|^\s*(?:def|class|import|from|return|if|else"
    r"|elif|for|while|function|"
    r"const|let|var|public|private|static|fn|func|fun|use|using|package|end|do|done|fi|then|local|try|except"
    r"|catch|switch|"
    r"case|export|async|await|SELECT|INSERT|CREATE|WITH|print|echo|assert|raise|throw|yield|pass|break"
    r"|continue)\b(?!.*\b(?:the|and|is|are|you|this)\b.*[.:]$)"
    r"|^\s*[\w.$@\[\]'\"]+\s*(?:[-+*/|&%.]|<<|>>|:)?=[^=]|=>|->|\w\(.*\)\s*[:;{]?\s*$|^\s*@\w+|^\s*\(\w+|^\s{4,}\S"
)


def is_prose(line: str) -> bool:
    """Whether a line reads like a sentence, a list item or a heading of text."""
    text = line.strip()
    if not text or (not _PROSE_LINE.match(line) and not re.match(r"^#{1,6} \w|^\*\*[^*]+\*\*:?$", text)):
        return False
    return not re.search(r"[;{}]\s*$|[=<>]=|\w\(\)|\w\[\w*\]|:=|^\s*@", text)


def is_code_line(line: str) -> bool:
    """Whether a line reads like code."""
    return bool(_CODE_LINE.search(line)) and not is_prose(line)


def code_share(lines: Iterable[str]) -> float:
    """Which part of the lines that are not blank reads like code; 0 if there are none."""
    full = [line for line in lines if line.strip()]
    return sum(is_code_line(line) for line in full) / len(full) if full else 0.0
