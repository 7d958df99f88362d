"""Queues and notebooks of a given size, made without a model."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bridge import Bridge
from bridge.core import changes
from bridge.core.chat import FinishReason
from bridge.core.job import Job, Options, Result, ResultStatus, Spec, State, job_id, to_iso
from bridge.format import codec, merge, template
from bridge.format.cell import Cell
from bridge.kernel import grammar
from bridge.store.archiver import PartLimits

QUEUE_ID = "b0000000-0000-4000-8000-000000000000"
BORN = datetime(2026, 1, 1, tzinfo=UTC)
PROMPT_CHARS, ANSWER_CHARS = 1_500, 4_000
_WORDS = [
    "def",
    "return",
    "value",
    "for",
    "each",
    "item",
    "in",
    "list",
    "of",
    "names",
    "and",
    "map",
    "it",
    "to",
    "result",
    "with",
    "type",
    "check",
    "error",
    "index",
    "file",
]


def text(chars: int, seed: int) -> str:
    """Words in lines of about 72 characters, different for each seed."""
    chance = random.Random(seed)
    lines = [" ".join(chance.choices(_WORDS, k=16))[:71] + "\n" for _ in range(chars // 60 + 1)]
    return f"{seed:08}\n" + "".join(lines)[: chars - 9]


def job(
    number: int, *, answered: bool = False, prompt_chars: int = PROMPT_CHARS, answer_chars: int = ANSWER_CHARS
) -> Job:
    """A job, with its answer if asked."""
    name = job_id(BORN, number)
    spec = Spec(
        body=text(prompt_chars, number), position=name, created_at=BORN, caller="bench", options=Options(lang="python")
    )
    made = Job(id=name, spec=spec)
    return answer(made, number, answer_chars) if answered else made


def answer(asked: Job, number: int, chars: int = ANSWER_CHARS) -> Job:
    """The job with an answer."""
    result = Result(
        job=asked.id,
        attempt=1,
        status=ResultStatus.SUCCEEDED,
        finished_at=BORN,
        prompt_sha256=grammar.prompt_sha256(asked.spec.body),
        worker={"id": "w1", "engine": "ollama"},
        answer=text(chars, 1_000_000 + number),
        finish_reason=FinishReason.STOP,
        model="qwen2.5-coder:14b",
        usage={"prompt_tokens": 400, "completion_tokens": 1000},
        timing_s={"total": 41.5},
    )
    return asked.evolve(results=(result,))


def part(cells: Iterable[Cell], context: Mapping[str, int]) -> codec.Part:
    """Cells as a part."""
    return codec.Part(queue_id=QUEUE_ID, context=context, cells={cell.id: cell for cell in cells})


def new_queue(folder: Path, *, part_jobs: int = 400, part_bytes: int = 4_000_000) -> Bridge:
    """An empty queue in a folder, opened."""
    folder.mkdir(parents=True)
    path = folder / "qwen_bridge.ipynb"
    queue_id = f"{abs(hash(str(folder))):032x}"
    path.write_bytes(template.notebook_bytes(template.queue_notebook(queue_id)))
    bridge = Bridge(str(path), caller="bench")
    bridge.store.limits = PartLimits(part_jobs=part_jobs, part_bytes=part_bytes)
    return bridge


def fill(bridge: Bridge, jobs: int, *, per_part: int) -> None:
    """Put answered jobs into a queue's parts, past intake."""
    store = bridge.store

    def decide() -> None:
        now = store.clock.now()
        for number, start in enumerate(range(0, jobs, per_part), 1):
            count = min(per_part, jobs - start)
            place = store.journal.place_named(store.names.part(number)) or store.new_part(number, template.part_notes())
            first, writer = store.journal.take_dots(count), store.journal.writer
            cells = [merge.job_cell(job(start + n, answered=True), {writer: first + n}) for n in range(count)]
            store.journal.put(place.id, cells, now=now)
            store.journal.touch(place.id)

    store.change(decide, "filling")


def fill_archive(bridge: Bridge, jobs: int, *, per_file: int, prompt_chars: int, answer_chars: int) -> None:
    """Put archived jobs into a queue: rows in the journal, and real archive notebooks."""
    store = bridge.store
    for roll, start in enumerate(range(0, jobs, per_file), 1):

        def decide(roll: int = roll, start: int = start) -> None:
            now, journal = store.clock.now(), store.journal
            name = store.names.archive(BORN, journal.writer, roll)
            place = journal.add_place(kind="archive", number=0, name=name)
            first, writer = journal.take_dots(per_file), journal.writer
            cells = []
            for n in range(per_file):
                done = job(start + n, answered=True, prompt_chars=prompt_chars, answer_chars=answer_chars)
                kept = changes.archived(done, State.DELIVERED, at=to_iso(BORN), known={})
                cells.append(merge.job_cell(kept, {writer: first + n}))
            journal.put(place.id, cells, now=now)
            journal.touch(place.id)

        store.change(decide, "filling the archive")


def file_of(bridge: Bridge) -> Path:
    """The first notebook of a queue in a folder."""
    assert bridge.path is not None  # narrows the type
    return bridge.path
