"""Signals that a grammar shows: a function defined twice, code that never runs, a parameter that nothing uses.

The worker process reads the text (`parsers/structure.py`); where no grammar is installed there are no such signals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.checking.check import MAX_BLOCKS, MAX_CODE_CHARS
from bridge.checking.language import grammar_trust
from bridge.checking.parsers.client import ParserError, Parsers
from bridge.checking.values import CodeBlock, Quality, Role, Signal

_RULES = {
    "duplicate": Signal.DUPLICATE,
    "unreachable": Signal.UNREACHABLE,
    "unused-parameter": Signal.UNUSED_PARAMETER,
}
_READ = frozenset({Role.FILE, Role.CONTINUATION})


def signals(blocks: Sequence[CodeBlock], parsers: Parsers) -> Iterator[Quality]:
    """What looks wrong in the code of an answer, block by block; lines are those of the answer."""
    for block in [b for b in blocks if b.role in _READ and b.current and b.complete][:MAX_BLOCKS]:
        grammar = grammar_trust.grammar(block.language) if block.language else None
        if grammar is None or len(block.code) > MAX_CODE_CHARS:
            continue
        try:
            faults = parsers.parse("structure", block.code, grammar=grammar)["faults"]
        except ParserError:
            continue  # what its checkers say of the text stands elsewhere
        for fault in faults:
            line = block.code_start + fault["line"] - 1
            yield Quality(signal=_RULES[fault["code"]], evidence=fault["message"], line=line)
