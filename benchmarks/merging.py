"""Merging two versions, against nbdime: one side appends ten jobs, the other fills ten answers.

From bytes to bytes for both. *merge a saved version* is what a queue does: its own side is rows of the journal, whose cells
are bytes with their id, dots and position beside them; the other side is a file. *merge two files* knows neither side.
nbdime reads base, local and remote with nbformat, merges, and writes with nbformat. The floor is decoding both files.
Times are the least processor time of several runs in turns; nothing here waits for anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbdime.merging.notebooks import merge_notebooks

from benchmarks import samples
from benchmarks.measure import Row, processor_ms
from bridge.format import codec, json_bytes, known_cells, merge
from bridge.format.codec import Part
from bridge.store import rows as journal_rows

PEER = "nbdime, files read and written"
_OPEN = 20  # cells without an answer at the end
_TARGET = 150
_RUNS = {100: 9, 1_000: 9, 10_000: 3}


@dataclass(frozen=True, kw_only=True)
class Versions:
    """A part and what became of it on two sides, as parts and as files."""

    mine: Part  #: with ten jobs more
    base_file: bytes
    mine_file: bytes
    theirs_file: bytes  #: with ten answers more

    def rows(self) -> list[sqlite3.Row]:
        """Our side as the journal gives it, for `journal_rows.read_cell`."""
        cells = self.mine.cells.values()
        values = [(c.id, c.kind.value, c.position, json_bytes.dumps(c.dots).decode(), c.data) for c in cells]
        with closing(sqlite3.connect(":memory:")) as db:
            db.row_factory = sqlite3.Row
            columns = "SELECT ? AS id, ? AS kind, ? AS position, ? AS dots, ? AS raw"
            return [row for value in values for row in db.execute(columns, value)]


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    for cells in (100, 1_000, 10_000):
        made = versions(cells)
        records = made.rows()
        merged = _saved(made, records)
        assert merged == _cold(made)
        result = json_bytes.loads(merged)
        assert len(result["cells"]) == cells + 10
        assert sum(bool(cell["outputs"]) for cell in result["cells"]) == cells - _OPEN + 10
        actions: list[Callable[[], object]] = [
            partial(_saved, made, records),
            partial(_cold, made),
            partial(_read, made),
        ]
        peer = alone = None
        if cells <= 1_000 or full:
            read = [_notebook(file) for file in (made.base_file, made.mine_file, made.theirs_file)]
            actions += [partial(_nbdime, made), partial(_merged, *read)]
            ours, cold, floor, peer, alone = processor_ms(*actions, runs=_RUNS[cells])
        else:
            ours, cold, floor = processor_ms(*actions, runs=_RUNS[cells])
        target = f"{_TARGET}x" if cells == 1_000 else None
        note = (
            f"nbdime without files: {alone:,.0f} ms, {alone / ours:.0f}x" if alone else "nbdime takes minutes: --full"
        )
        yield Row(name="merge a saved version", cells=cells, ours_ms=ours, peer=PEER, peer_ms=peer, target=target,
                  met=peer >= _TARGET * ours if target and peer else None, note=note)  # fmt: skip
        yield Row(name="merge two files", cells=cells, ours_ms=cold, peer=PEER, peer_ms=peer)
        yield Row(name="the floor: decoding both files", cells=cells, ours_ms=floor, peer=PEER, peer_ms=peer)
    yield from _taken_in(folder)


def versions(cells: int) -> Versions:
    """The common base, a version with ten jobs more, and one with ten answers more."""
    asked = [samples.job(n, answered=n < cells - _OPEN) for n in range(cells)]
    base = [merge.job_cell(job, {"w1": n + 1}) for n, job in enumerate(asked)]
    new = [merge.job_cell(samples.job(cells + n), {"w1": cells + n + 1}) for n in range(10)]
    done = list(base)
    for n in range(cells - _OPEN, cells - _OPEN + 10):
        done[n] = merge.job_cell(samples.answer(asked[n], n), base[n].dots)
    mine = samples.part([*base, *new], {"w1": cells + 10})
    return Versions(
        mine=mine,
        base_file=codec.dump_part(samples.part(base, {"w1": cells})),
        mine_file=codec.dump_part(mine),
        theirs_file=codec.dump_part(samples.part(done, {"w1": cells})),
    )


def _saved(made: Versions, records: list[sqlite3.Row]) -> bytes:
    cells = map(journal_rows.read_cell, records)
    mine = samples.part(cells, made.mine.context)
    return _merge(mine, made.theirs_file)


def _cold(made: Versions) -> bytes:
    return _merge(codec.read_part(json_bytes.loads(made.mine_file)), made.theirs_file)


def _merge(mine: Part, file: bytes) -> bytes:
    theirs = codec.read_part(known_cells.loads(file, mine.cells.values()))
    return codec.dump_part(merge.merge(mine, theirs))


def _read(made: Versions) -> None:
    for file in (made.mine_file, made.theirs_file):
        json_bytes.loads(file)


def _notebook(file: bytes) -> Any:
    return nbformat.reads(file.decode(), as_version=4)


def _nbdime(made: Versions) -> str:
    read = [_notebook(file) for file in (made.base_file, made.mine_file, made.theirs_file)]
    return str(nbformat.writes(_merged(*read)))


def _merged(base: Any, local: Any, remote: Any) -> Any:
    merged, decisions = merge_notebooks(base, local, remote)
    assert not any(decision.conflict for decision in decisions)
    return merged


def _taken_in(folder: Path) -> Iterator[Row]:
    """What a command does about a notebook in which somebody edited one prompt, beside decoding the file."""
    with samples.new_queue(folder / "saved", part_jobs=10**9, part_bytes=10**9) as bridge:
        samples.fill(bridge, 1_000, per_part=1_000)
        file = samples.file_of(bridge)
        whole = file.read_bytes()
        ours, floor = [], []
        for n in range(8):
            file.write_bytes(whole.replace(b'"00000500\\n"', b'"edit %d\\n"' % n))
            ours += processor_ms(partial(bridge.store.read, lambda _: None), runs=1)
            floor += processor_ms(lambda: json_bytes.loads(file.read_bytes()), runs=1)
    yield Row(name="take in a saved file, one prompt edited", cells=1_000, ours_ms=min(ours),
              peer="decoding the file", peer_ms=min(floor))  # fmt: skip
