"""The verdict of checking in the footer below an answer: a copy for whoever reads the notebook; nothing ever reads it back.

It is put into the journal's copy of the cell and is no reason to write a file: the next command that writes the notebook takes it along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from bridge.format import json_bytes, result_record
from bridge.format.cell import Cell, CellKind
from bridge.format.raw_cell import RawCell
from bridge.kernel import grammar
from bridge.store import rows


def with_verdicts(db: sqlite3.Connection, cells: Sequence[Cell]) -> list[Cell]:
    """The cells, those with an answer that was checked with its verdict below it."""
    answered = [cell.id for cell in cells if cell.kind is CellKind.JOB and cell.job.results]
    if not answered:
        return list(cells)
    known = db.execute(
        "SELECT job, answer, verdict FROM handling WHERE verdict IS NOT NULL AND job IN (SELECT value FROM json_each(?))",
        (json_bytes.dumps(answered).decode(),),
    )
    verdicts = {(row["job"], row["answer"]): row["verdict"] for row in known}
    return [_with(cell, verdicts) for cell in cells] if verdicts else list(cells)


def _with(cell: Cell, verdicts: Mapping[tuple[str, str], str]) -> Cell:
    best = cell.job.best(cell.job.spec.body_sha256) if cell.kind is CellKind.JOB else None
    verdict = verdicts.get((cell.id, rows.answer_tag(best))) if best else None
    if best is None or verdict is None:
        return cell
    shown = result_record.display_form(best, verdict=verdict)
    outputs = cell.raw.get("outputs")
    written = [_replaced(output, shown) for output in outputs] if isinstance(outputs, list) else []
    if written == outputs:
        return cell
    raw = {**cell.raw, "outputs": written}
    return Cell(
        id=cell.id, kind=cell.kind, raw=raw, dots=cell.dots, position=cell.position, moved=cell.moved, job=cell.job
    )


def _replaced(output: RawCell, shown: list[str]) -> RawCell:
    """A result's output with another display form; one that carries no result, or only one text, as it is."""
    data = output.get("data") if isinstance(output, dict) else None
    if not isinstance(data, dict) or "text/markdown" not in data:
        return output
    if not grammar.is_result(json_bytes.join_lines(data.get("text/plain"))):
        return output
    if json_bytes.join_lines(data["text/markdown"]) == "".join(shown):
        return output
    return {**output, "data": {**data, "text/markdown": shown}}
