"""Prompts for the classifier: ours, and those of the shared data where they are. Even lines were tuned on, odd ones never."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bridge.router.classify import classify
from bridge.router.targets import RouteRole

_HERE = Path(__file__).parents[1] / "fixtures" / "router"
_SHARED = Path(__file__).parents[3] / "shared" / "data" / "prompts_multilang.jsonl"

#: The list that the classifier has to beat: a prompt that holds one of these is taken for code.
KEYWORDS = (
    "write", "code", "implement", "create function", "build", "develop", "script", "program", "algorithm", "class", "method",
    "api", "python", "javascript", "java", "c++", "rust", "react", "node", "express", "django", "flask",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Told:
    """A prompt, and what it is about."""

    text: str
    role: RouteRole


def ours(*, held_out: bool) -> list[Told]:
    """One half of our own."""
    return _half(
        [*_read("general.txt", RouteRole.REASONING), *_read("coding.txt", RouteRole.CODING)], held_out=held_out
    )


def shared(*, held_out: bool) -> list[Told]:
    """One half of those that others wrote, all about code; none, where they are not."""
    if not _SHARED.exists():
        return []
    rows = _SHARED.read_text(encoding="utf-8").splitlines()
    return _half([Told(text=json.loads(row)["prompt"], role=RouteRole.CODING) for row in rows], held_out=held_out)


def by_keywords(text: str) -> RouteRole:
    """What the list says."""
    return RouteRole.CODING if any(word in text.lower() for word in KEYWORDS) else RouteRole.REASONING


def by_signs(text: str) -> RouteRole:
    """What the classifier says."""
    return classify(text).role


def _read(name: str, role: RouteRole) -> list[Told]:
    return [Told(text=line, role=role) for line in (_HERE / name).read_text(encoding="utf-8").splitlines()]


def _half(rows: list[Told], *, held_out: bool) -> list[Told]:
    return rows[1 if held_out else 0 :: 2]
