"""Adding a job to a queue that has archived 100,000, against adding one to an empty queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import samples
from benchmarks.measure import Row, alternating_ms

ARCHIVED = 100_000


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    prompt, answer = (samples.PROMPT_CHARS, samples.ANSWER_CHARS) if full else (100, 200)
    with samples.new_queue(folder / "empty") as empty, samples.new_queue(folder / "old") as old:
        samples.fill_archive(old, ARCHIVED, per_file=400, prompt_chars=prompt, answer_chars=answer)
        assert len(list((samples.file_of(old).parent / "archive").glob("*.ipynb"))) == ARCHIVED // 400
        text = samples.text(samples.PROMPT_CHARS, 7)
        after, before = alternating_ms(lambda: old.add(text), lambda: empty.add(text), runs=40)
    yield Row(name="add one after 100,000 archived", cells=ARCHIVED, ours_ms=after, peer="the same on an empty queue",
              peer_ms=before, target="at most 1.5x", met=after <= 1.5 * before,
              note=None if full else "archived prompts of 100 and answers of 200 characters")  # fmt: skip
