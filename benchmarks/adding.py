"""Adding one job, against nbformat's read, append and write."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat

from benchmarks import samples
from benchmarks.measure import Row, alternating_ms
from bridge.format import codec, merge, template

PEER = "nbformat read+append+write"


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    text = samples.text(samples.PROMPT_CHARS, 7)
    for cells in (100, 1_000, 10_000):
        for name, limits in (("in parts", (400, 10**9)), ("in one file", (10**9, 10**9))):
            if cells > 1_000 and name == "in one file" and not full:
                yield Row(name=f"add one, {name}", cells=cells, peer=PEER, note="a file of 100 MB: --full")
                continue
            with samples.new_queue(folder / f"add-{cells}-{name}", part_jobs=limits[0], part_bytes=limits[1]) as bridge:
                samples.fill(bridge, cells, per_part=min(cells, limits[0]))
                whole = folder / "whole.ipynb"
                if name == "in one file":
                    whole.write_bytes(samples.file_of(bridge).read_bytes())
                else:
                    made = [merge.job_cell(samples.job(n, answered=True), {"w": n + 1}) for n in range(cells)]
                    notebook = codec.write_part(samples.part(made, {"w": cells}))
                    whole.write_bytes(template.notebook_bytes(notebook))
                ours, peer = alternating_ms(
                    partial(bridge.add, text),
                    partial(_append, whole, text),
                    runs={100: 15, 1_000: 7, 10_000: 2}[cells],
                )
            met = peer >= 5 * ours if cells == 1_000 else None
            yield Row(
                name=f"add one, {name}", cells=cells, ours_ms=ours, peer=PEER, peer_ms=peer,
                target="5x" if cells == 1_000 else None, met=met,
            )  # fmt: skip


def _append(path: Path, text: str) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("%%qwen\n" + text))
    nbformat.write(notebook, path)
