"""A text that parses in another language than its label says."""

from __future__ import annotations

import re
from dataclasses import replace

from bridge.checking.checkers.base import CheckContext, Checker, CheckStep, Source
from bridge.checking.checkers.registry import serving
from bridge.checking.language import detect, languages


def other_name(source: Source, language: str) -> str:
    """The name of a text with the extension of another language."""
    stem = re.sub(r"\.\w+$", "", source.name)
    return f"{stem}.{languages.extension(language)}"


def under_another_label(source: Source, context: CheckContext, checkers: tuple[Checker, ...]) -> tuple[str, str] | None:
    """The language that a text parses in and clearly is, against its label; with the tool that said so."""
    found = detect.detect(source.code)
    if found is None or languages.related(found.language, source.language) or found.confidence < 0.4:
        return None
    own = detect.scores(source.code).get(source.language, 0)
    if found.score < (8 if own else 6) or own * 2 > found.score:
        return None
    other = replace(source, language=found.language, name=other_name(source, found.language))
    for checker in serving(found.language, CheckStep.SYNTAX, checkers):
        if checker.available(context):
            outcome = checker.check(other, context)
            if outcome.failure or outcome.unknown:
                continue
            return None if outcome.broken else (found.language, checker.name)
    return None
