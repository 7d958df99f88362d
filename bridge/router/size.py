"""How large a model a task wants, by its words, its files and its tokens. Pure.

0.5b completes as one types, 1.5b does what is usual, 7b what is intricate, 14b features across a codebase, 32b what changes all of
it. What was asked for by name is never changed by this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError
from bridge.kernel.catalogue import billions
from bridge.models.choose import largest_coder
from bridge.router.task import Task

if TYPE_CHECKING:
    from bridge.engines.base import EngineModel

#: {size: words that ask for it}, the largest first.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("32b", re.compile(r"(?i)\barchitect(?:ure|ural)?\b|\b(?:rewrite|migrate|port|convert) (?:the |our |this )?(?:whole|entire|complete)\b|\blarge[- ]scale\b|\b(?:whole|entire) (?:system|application|repository)\b")),
    ("14b", re.compile(r"(?i)\b(?:across|throughout|over) (?:the |our |this )?(?:whole |entire )?(?:codebase|code base|project|repository|repo)\b|\bnew feature\b|\bfeature (?:that|which|with|for)\b|\bevery (?:file|module|caller)\b|\bend[- ]to[- ]end\b")),
    ("7b", re.compile(r"(?i)\brefactor|\boptimi[sz]e|\bdesign\b|\balgorithm\b|\bconcurren|\bthread|\bdeadlock|\brace condition|\bparser\b|\bcompiler\b|\bprove\b|\bsecurity\b|\bmigrat")),
)  # fmt: skip
#: (size, files, tokens): from so many of either.
_BULK: tuple[tuple[str, int, int], ...] = (("32b", 15, 24_000), ("14b", 5, 8_000), ("7b", 2, 1_500))
_SMALL_TOKENS = 40


@dataclass(frozen=True, kw_only=True)
class WantedSize:
    """A size, and why."""

    size: str  #: such as `7b`
    reason: str

    @property
    def billions(self) -> float:
        """Of parameters."""
        return float(self.size.removesuffix("b"))


def wanted_size(task: Task) -> WantedSize:
    """The size that a task wants."""
    if task.fills_in:
        return WantedSize(size="0.5b", reason="it completes what is being typed")
    for size, words in _WORDS:
        if found := words.search(task.prompt[:4_000]):
            return WantedSize(size=size, reason=f"it says “{found[0]}”")
    for size, files, tokens in _BULK:
        if len(task.files) >= files:
            return WantedSize(size=size, reason=f"it names {len(task.files)} files")
        if task.tokens >= tokens:
            return WantedSize(size=size, reason=f"it has about {task.tokens} tokens")
    if task.tokens <= _SMALL_TOKENS and "\n" not in task.prompt and not task.files and len(task.prompt) <= 60:
        return WantedSize(size="0.5b", reason="it is one short line")
    return WantedSize(size="1.5b", reason="it is a usual task")


def model_of_size(wanted: WantedSize, has: Sequence[EngineModel]) -> str | None:
    """The smallest coder model that is large enough, else the largest there is; None: there is no coder model."""
    coders = [model for model in has if "coder" in model.name.lower() and billions(model.name)]
    enough = [model for model in coders if billions(model.name) >= wanted.billions]
    if enough:
        return min(enough, key=lambda model: billions(model.name)).name
    try:
        return largest_coder(has)
    except ConfigError:
        return None
