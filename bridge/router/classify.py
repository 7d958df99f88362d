"""Whether a prompt is about code, and in which language: signs of code, each with a weight, added up. Pure.

Words that are English as well (class, method, express, rust) prove nothing alone, so that a question about rust on iron is no
question about Rust. What no sign speaks for is no code. docs/benchmarks.md has how often it is right.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.router import words
from bridge.router.targets import RouteRole

#: The sum from which a prompt is about code.
THRESHOLD = 1.0
#: Characters of a prompt that are looked at, from its beginning and from its end.
_BEGINNING, _END = 1_500, 500
#: Things of one sign that count beside its first, each half as much.
_MOST_MORE = 4

_FILES = r"py|js|jsx|tsx?|go|rs|rb|java|kt|c|h|cc|cpp|hpp|cs|php|pl|lua|sql|sh|ps1|html?|css|scss|json|ya?ml|toml|xml|ipynb|lock|gradle|ini|cfg|vue|log|csv|md"  # fmt: skip
_NAMED = "|".join((*words.AMBIGUOUS, *words.FRAMEWORKS))
_WRITTEN_IN = "|".join(words.AMBIGUOUS)


@dataclass(frozen=True, kw_only=True)
class Sign:
    """One kind of thing that speaks for code, by its shape."""

    name: str
    weight: float
    pattern: re.Pattern[str]
    lower: bool = False  #: whether it is looked for in the text in lower case


def _sign(name: str, weight: float, pattern: str, *, lower: bool = False, flags: int = 0) -> Sign:
    return Sign(name=name, weight=weight, pattern=re.compile(pattern, flags), lower=lower)


SIGNS: tuple[Sign, ...] = (
    _sign("a block of code", 3.0, r"```|^(?:def|class|func|fn|public|import|from|#include) .*", flags=re.MULTILINE),
    _sign("code between backticks", 2.0, r"`[^`\n]{1,200}`"),
    _sign("a call", 2.0, r"\w\([^()\n]{0,60}\)"),
    _sign("an identifier", 1.5, r"\b[a-z]{2,40}[A-Z]\w*|\b[a-z]{1,40}_[a-z]\w*|\b[A-Z][a-z]{1,40}[A-Z][a-z]\w*|\b\w{1,40}=\w"),
    _sign("a file", 2.0, rf"\w\.(?:{_FILES})\b|(?<![\w])(?:src|lib|include|tests?)/", lower=True),
    _sign("an operator", 2.0, r"[=!]==?[^=]|=>|->|::|&&|\|\||\+=|\$\{|</?[a-z]+[ >]|\w\[\w*\]|--[a-z]{2,}|(?<!\S)-[A-Za-z]\d?\b|\bO\((?:1|n|log)|\b(?:GET|POST|PUT|PATCH|DELETE) /"),
    _sign("an error", 2.0, r"[a-z](?:Error|Exception)\b|\bundefined reference\b|\b[45]\d\d for\b|\bstatus (?:code )?\d{3,4}\b"),
    _sign("code in a language", 2.0, rf"\b(?:{_NAMED})(?=['\s-]+(?:{words.MADE}))", lower=True),
    _sign("in a language", 1.0, rf"\b(?:in|using|into|to|from) (?:{_WRITTEN_IN})(?![\w+#])", lower=True),
    _sign("code to be made", 1.5, r"\b(?:write|implement|create|add|generate|build|develop|complete|fix|refactor|port|convert|rewrite|optimi[sz]e|test|review|migrate)\b[^.?!\n]{0,60}\b(?:functions?|query|queries|class(?:es)?\b(?! (?:trip|system|list))|methods?\b(?= (?:that|to|which|called|named|on|in))|scripts?\b(?= (?:that|to|which|in))|module|component|endpoint|parser|decorator|hook|cli|api|tests?|web app|web page|code|program\b(?= (?:that|to|which|in)))", lower=True),
)  # fmt: skip
_TOKEN = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*(?:\+\+|#)?")
_VOCABULARY: dict[str, tuple[str, float]] = {
    word.strip(): (name, weight)
    for name, weight, known in (
        ("a word that programmers use", 0.4, words.WEAK), ("a tool or format", 1.5, words.TOOLS),
        ("a language", 1.5, words.LANGUAGES), ("a word of programmers", 1.0, words.STRONG),
    )
    for word in known
}  # fmt: skip
_LANGUAGE_NAMES = {*(word.strip() for word in words.LANGUAGES), *words.AMBIGUOUS, *words.FRAMEWORKS}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a prompt is about, and why."""

    role: RouteRole
    score: float
    signs: tuple[str, ...]  #: `name: what was seen`, the strongest first
    language: str | None  #: that it names; None: none


def classify(prompt: str) -> Kind:
    """Whether a prompt is about code. Looks at its beginning and its end only, so that its length costs nothing."""
    text = prompt if len(prompt) <= _BEGINNING + _END else f"{prompt[:_BEGINNING]}\n{prompt[-_END:]}"
    lower = text.lower()
    tokens = _TOKEN.findall(lower)
    found = sorted((*_shapes(text, lower), *_words(tokens)), key=lambda one: -one[0])
    score = sum(weight for weight, _ in found)
    role = RouteRole.CODING if score >= THRESHOLD else RouteRole.REASONING
    language = next((name for name in (*_pairs(tokens), *tokens) if name in _LANGUAGE_NAMES), None)
    return Kind(role=role, score=score, signs=tuple(said for _, said in found), language=language)


def _shapes(text: str, lower: str) -> Iterator[tuple[float, str]]:
    """(weight, what was seen) of each sign."""
    for sign in SIGNS:
        seen: dict[str, None] = {}
        for found in sign.pattern.finditer(lower if sign.lower else text):
            seen.setdefault(" ".join(found[0].split())[:40])
            if len(seen) > _MOST_MORE:
                break
        if seen:
            yield _weighed(sign.name, sign.weight, seen)


def _words(tokens: list[str]) -> Iterator[tuple[float, str]]:
    """The same of words."""
    seen: dict[str, dict[str, None]] = {}
    weights: dict[str, float] = {}
    for word in dict.fromkeys((*tokens, *_pairs(tokens))):
        known = _VOCABULARY.get(word) or _VOCABULARY.get(word.removesuffix("s"))
        if known is not None:
            name, weights[known[0]] = known
            seen.setdefault(name, {}).setdefault(word)
    for name, found in seen.items():
        yield _weighed(name, weights[name], found)


def _pairs(tokens: list[str]) -> list[str]:
    return [f"{one} {two}" for one, two in itertools.pairwise(tokens)]


def _weighed(name: str, weight: float, seen: dict[str, None]) -> tuple[float, str]:
    return weight * (1 + 0.5 * min(len(seen) - 1, _MOST_MORE)), f"{name}: {', '.join([*seen][:3])}"
