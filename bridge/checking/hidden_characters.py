"""Characters in code that a reader does not see, or takes for others: Trojan Source, in every language and every kind of block. Pure.

Three findings (https://trojansource.codes, CVE-2021-42574 and -42694): characters that turn the text around, characters that are not
drawn, and words that mix Latin letters with letters that look like them. What writing needs is none: a mark of byte order at the start, joiners
within emoji and within scripts that join, words that are wholly of another script, Greek letters beside Latin ones as in μs or Δx.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from bridge.checking.values import (
    BlockStatus,
    CheckResult,
    CodeBlock,
    Diagnostic,
    FindingKind,
    Range,
    Role,
    Severity,
    fingerprint,
)
from bridge.core.text import HIDDEN, plain

#: Findings of one block.
_MOST = 20
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Cyrillic, Greek, Armenian, Cherokee and Latin letters that are drawn as an ASCII letter is, or nearly.
_ALIKE = "асԁеһіјԛорѕԝхуАВЕНІЈКМОРЅТХУЗСҮѵԌοΑΒΕΖΗΙΚΜΝΟΡΤΥΧνιρϲϳօսոցհԼՏՍᎪᏴᏟᎠᎬᎻᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃɑɡıƖǃʀᴄᴏᴠᴡᴢ"
_WORD = re.compile(r"[\w$]+")
_ODD = re.compile(f"[{_ALIKE}]")
#: Letters that are another way to write ASCII ones: full width, mathematical. Compilers differ in whether they are the same name.
_WIDE = re.compile("[\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]")
_ASCII_LETTER = re.compile("[A-Za-z]")
_JOINERS = frozenset("\u200c\u200d")
_MARKS = frozenset("\u200e\u200f\u061c")


def looked_at(block: CodeBlock, result: CheckResult) -> CheckResult:
    """A block's result with what is hidden in it: of code it blocks, of what is not checked it is said."""
    found = tuple(
        _diagnostics(block, blocks=result.status is not BlockStatus.SKIPPED and block.role is not Role.OUTPUT)
    )
    if not found:
        return result
    wrong = result.status is not BlockStatus.INCOMPLETE and any(each.blocking for each in found)
    status = BlockStatus.ERRORS if wrong else result.status
    return result.evolve(diagnostics=(*found, *result.diagnostics), status=status)


def _diagnostics(block: CodeBlock, *, blocks: bool) -> Iterator[Diagnostic]:
    if block.code.isascii() and not HIDDEN.search(block.code):
        return
    number = 0
    for line, text in enumerate(block.code.split("\n"), 1):
        for column, code, message in _in_line(text, first=line == 1):
            number += 1
            if number > _MOST:
                return
            yield Diagnostic(
                block=block.index,
                range=Range.at(line, column + 1),
                severity=Severity.ERROR,
                code=code,
                source="bridge",
                message=message,
                kind=FindingKind.HIDDEN,
                blocking=blocks,
                fingerprint=fingerprint("bridge", code, message, plain(text)),
            )


def _in_line(text: str, *, first: bool) -> Iterator[tuple[int, str, str]]:
    """(column from 0, rule, message) of each."""
    if text.isascii() and not HIDDEN.search(text):
        return
    for match in HIDDEN.finditer(text):
        at, char = match.start(), match[0]
        name = unicodedata.name(char, "a control character").lower()
        if _TURNS.match(char):
            yield (
                at,
                "bidirectional-text",
                f"{plain(char)} ({name}) shows the text after it in another order than it is read",
            )
        elif not _is_needed(text, at, first=first):
            yield at, "invisible-character", f"{plain(char)} ({name}) is not visible"
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        odd = _WIDE.search(word) or (_ASCII_LETTER.search(word) and _ODD.search(word))
        if odd:
            char = odd[0]
            named = f"U+{ord(char):04X} ({unicodedata.name(char, 'unknown').lower()})"
            yield match.start(), "look-alike-letters", f"a word mixes letters that look alike: it holds {named}"


def _is_needed(text: str, at: int, *, first: bool) -> bool:
    """Whether a character that is not drawn has its use where it stands."""
    char, before, after = text[at], text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if char == "\ufeff":
        return first and at == 0
    if char in "\x0c\r":
        return True
    if char in _JOINERS:
        return bool(before and after) and not (before.isascii() or after.isascii())
    if char in _MARKS:
        return any(unicodedata.bidirectional(near) in ("R", "AL", "AN") for near in text[max(0, at - 8) : at + 9])
    return char == "\u00ad" or "\u180b" <= char <= "\u180f"
