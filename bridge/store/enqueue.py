"""New jobs into the queue: ids, dots, and the part that has room for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bridge.core.errors import PromptRefused
from bridge.core.job import Job, NewJob, Spec, job_id
from bridge.core.text import counted
from bridge.format import codec, fields, limits, merge
from bridge.format.cell import Cell
from bridge.format.raw_cell import RawCell
from bridge.kernel import grammar
from bridge.store.rows import ANSWER_RESERVE, NotebookRow
from bridge.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Added:
    """What became of one new job."""

    id: str
    #: The key named a job already: this is that job, and nothing was added.
    existed: bool = False
    #: The job of that key has another prompt.
    differs: bool = False


def enqueue(
    store: Store,
    jobs: Sequence[NewJob],
    *,
    part_notes: Callable[[], list[RawCell]],
    randomness: int,
) -> list[Added]:
    """Add jobs, all or none, in order. Committed to the journal before a notebook shows them.

    Raises:
        PromptRefused: an option cannot be written in a header; says which.
        QueueError: what the store raises; nothing was added.
    """
    return store.change(lambda: _decide(store, jobs, part_notes, randomness), f"adding {counted(len(jobs), 'job')}")


def _decide(
    store: Store, jobs: Sequence[NewJob], part_notes: Callable[[], list[RawCell]], randomness: int
) -> list[Added]:
    journal, now = store.journal, store.clock.now()
    start = randomness % (1 << 79)  # the upper half stays free, so that counting on cannot overflow
    keyed = {new.key: codec.keyed_id(journal.queue_id, new.key) for new in jobs if new.key is not None}
    known = journal.whereabouts(set(keyed.values()))
    if len(known) < len(keyed):  # another machine may have added and archived it before this one saw it
        store.version_ingest.look_into_archives()
        known = journal.whereabouts(set(keyed.values()))
    added: list[Added] = []
    fresh: list[Job] = []
    bodies: dict[str, str] = {}
    for n, new in enumerate(jobs):
        ulid = job_id(now, start + n)
        job = keyed[new.key] if new.key is not None else ulid
        if job in known or job in bodies:
            body = bodies[job] if job in bodies else _body(store, job)
            added.append(
                Added(
                    id=job,
                    existed=True,
                    differs=grammar.prompt_sha256(body) != grammar.prompt_sha256(new.body),
                )
            )
            continue
        fresh.append(_job(new, job, ulid, now))
        added.append(Added(id=job))
        bodies[job] = new.body
    _place(store, fresh, part_notes, now)
    return added


def _job(new: NewJob, job: str, position: str, now: datetime) -> Job:
    for name, value in (("key", new.key), ("caller", new.caller), ("batch", new.batch), *vars(new.options).items()):
        if isinstance(value, str) and not fields.is_text(value, limits.NOTE_CHARS):
            raise PromptRefused(
                f"{name} is no text that a notebook can hold: it has a lone surrogate, or over {limits.NOTE_CHARS:,} characters"
            )
    spec = Spec(
        body=new.body,
        form=new.form,
        options=new.options,
        position=position,
        created_at=now,
        key=new.key,
        caller=new.caller,
        batch=new.batch,
        endpoint=new.endpoint,
        parent=new.parent,
        round=new.round,
    )
    return Job(id=job, spec=spec)


def _body(store: Store, job: str) -> str:
    found = store.journal.cell(job)
    return found[0].job.spec.body if found else ""


def _place(store: Store, jobs: list[Job], part_notes: Callable[[], list[RawCell]], now: datetime) -> None:
    """Put jobs into the last part as long as it has room, then into new ones."""
    journal, limits = store.journal, store.limits
    if not jobs:
        return
    parts = journal.places("part")
    place = parts[-1] if parts else store.new_part(1, [dict(note) for note in part_notes()])
    first = journal.take_dots(len(jobs))
    writer = journal.writer
    count, size = journal.room(place.id)
    batch: list[Cell] = []
    for n, job in enumerate(jobs):
        try:
            cell = merge.job_cell(job, {writer: first + n})
        except grammar.GrammarError as error:
            raise PromptRefused(f"an option of the job cannot be written in a header: {error}") from error
        expected = len(job.spec.body.encode()) + ANSWER_RESERVE + 500
        if count and (count + 1 > limits.part_jobs or size + expected > limits.part_bytes):
            _flush(store, place, batch, now)
            place = store.new_part(place.number + 1, [dict(note) for note in part_notes()])
            batch = []
            count, size = 0, journal.room(place.id)[1]
        batch.append(cell)
        count, size = count + 1, size + expected
    _flush(store, place, batch, now)


def _flush(store: Store, place: NotebookRow, cells: list[Cell], now: datetime) -> None:
    if cells:
        store.journal.put(place.id, cells, now=now)
        store.journal.touch(place.id)
