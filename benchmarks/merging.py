"""Merging two versions, against nbdime's `merge_notebooks`: one side appends ten jobs, the other fills ten answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from nbdime.merging.notebooks import merge_notebooks

from benchmarks import samples
from benchmarks.measure import Row, median_ms
from bridge.format import codec, json_bytes, merge

PEER = "nbdime merge_notebooks"
_OPEN = 20  # cells without an answer at the end


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    for cells in (100, 1_000, 10_000):
        base, appended, answered = versions(cells)
        result = _ours(appended, answered)
        assert len(result["cells"]) == cells + 10
        assert sum(bool(cell["outputs"]) for cell in result["cells"]) == cells - _OPEN + 10
        ours = median_ms(partial(_ours, appended, answered), runs={100: 31, 1_000: 21, 10_000: 5}[cells])
        name, target = "merge two versions", "100x" if cells == 1_000 else None
        if cells > 1_000 and not full:
            yield Row(name=name, cells=cells, ours_ms=ours, peer=PEER, note="nbdime takes over a minute: --full")
            continue
        theirs = [
            nbformat.reads(json_bytes.dumps(value).decode(), as_version=4) for value in (base, appended, answered)
        ]
        peer = median_ms(partial(_nbdime, *theirs), runs=1 if cells > 1_000 else 5, warmups=cells <= 1_000)
        yield Row(
            name=name, cells=cells, ours_ms=ours, peer=PEER, peer_ms=peer,
            target=target, met=peer >= 100 * ours if target else None,
        )  # fmt: skip


def versions(cells: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The common base, a version with ten jobs more, and one with ten answers more, as `wire.loads` gives them."""
    asked = [samples.job(n, answered=n < cells - _OPEN) for n in range(cells)]
    base = [merge.job_cell(job, {"w1": n + 1}) for n, job in enumerate(asked)]
    new = [merge.job_cell(samples.job(cells + n), {"w1": cells + n + 1}) for n in range(10)]
    done = list(base)
    for n in range(cells - _OPEN, cells - _OPEN + 10):
        done[n] = merge.job_cell(samples.answer(asked[n], n), base[n].dots)
    parts = ((base, cells), ([*base, *new], cells + 10), (done, cells))
    base_, appended, answered = (
        json_bytes.loads(json_bytes.dumps(codec.write_part(samples.part(held, {"w1": top})))) for held, top in parts
    )
    return base_, appended, answered


def _ours(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    return codec.write_part(merge.merge(codec.read_part(a), codec.read_part(b)))


def _nbdime(base: Any, local: Any, remote: Any) -> Any:
    merged, decisions = merge_notebooks(base, local, remote)
    assert not any(decision.conflict for decision in decisions)
    return merged
