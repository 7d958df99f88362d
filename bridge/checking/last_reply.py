"""What came of the last round, in words for the next one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.checking import versions
from bridge.checking.faults import called, faults
from bridge.checking.values import Report

_AT_MOST = 3


def told(number: int, best: Report, reply: Report, *, taken: Report | None) -> str:
    """What the reply of a round brought, what of it counts, and what was wrong with the rest.

    Args:
        number: of the round, from 1.
        best: the best version before.
        reply: the report of the reply.
        taken: the best version now, if something of the reply is in it.
    """
    parts = [f"Round {number}: {_brought(best, reply)}"]
    if taken is not None:
        left = len(faults(taken))
        parts.append(f"What was better is kept; {left} of {len(faults(best))} findings are left.")
    else:
        parts.append("Nothing of it was better, so it was not taken.")
    wrong = [f"{called(reply, f.block)}, line {f.line + 1}: {f.message}" for f in faults(reply)[:_AT_MOST]]
    if wrong:
        parts.append("Wrong in that reply: " + "; ".join(wrong) + ".")
    parts.extend(_lost(best, reply))
    return " ".join(parts)


def _brought(best: Report, reply: Report) -> str:
    blocks = versions.code(reply)
    if not blocks:
        return "the reply held no code."
    cut = "" if reply.complete else ", and was cut"
    known = {b.path: b for b in versions.code(best)}
    said = []
    for block in blocks:
        old = known.get(block.path)
        same = old is not None and old.code.strip() == block.code.strip()
        said.append(f"{called(reply, block.index)} {'unchanged' if same else f'with {block.lines} lines'}")
    return f"the reply brought {', '.join(said[:6])}{cut}."


def _lost(best: Report, reply: Report) -> Iterator[str]:
    """The definitions that a file lost in the reply: why it was not taken."""
    asked = {fault.block for fault in faults(best) if fault.block is not None}
    for old in (b for b in versions.code(best) if b.index in asked):
        for new in versions.code(reply):
            if new.path == old.path and versions.cuts_down(old, new):
                yield f"{called(best, old.index)} was cut down from {old.lines} to {new.lines} lines: return all of it."
