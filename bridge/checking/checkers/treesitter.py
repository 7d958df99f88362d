"""tree-sitter, for every language that no other checker served, with the measured trust of its grammar."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.checking.checkers.base import CheckContext, CheckOutcome, CheckStep, Source
from bridge.checking.checkers.in_worker import ask
from bridge.checking.language import grammar_trust as table
from bridge.checking.values import Level


@dataclass(frozen=True, kw_only=True)
class TreeSitterChecker:
    """A grammar's opinion."""

    name: str = "tree-sitter"
    step: CheckStep = CheckStep.SYNTAX
    level: Level = Level.TREESITTER

    def serves(self, language: str) -> bool:
        """Any language that is worth asking a grammar about; there may still be none."""
        return language not in table.BLIND

    def trust(self, language: str) -> float:
        """As measured; 0 where an error of the grammar must not be believed at all."""
        return table.trust(language) if table.may_block(language) else 0.0

    def available(self, context: CheckContext) -> bool:
        """Always: whether the pack is there shows when it is asked."""
        del context
        return True

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        """Ask the worker for a parse."""
        grammar = table.grammar(source.language)
        if grammar is None:
            return CheckOutcome(unknown="there is no grammar for it")
        code = source.code
        if source.language == "php" and "<?" not in code:
            code = "<?php " + code  # without the tag, PHP is text to its grammar
        return ask(context, self.name, "tree-sitter", code, grammar)


TREE_SITTER = TreeSitterChecker()
