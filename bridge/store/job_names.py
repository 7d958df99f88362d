"""Which job somebody means, and how jobs are called where there is little room."""

from __future__ import annotations

from collections.abc import Collection

from bridge.core.errors import AmbiguousJob, UnknownJob
from bridge.format import codec
from bridge.store.journal_reader import JournalReader

#: Characters of the end of an id that stand for it: in lists, and at least, where one is given.
_SHORT_ID, _SHORTEST_END = 6, 4


def find(reader: JournalReader, text: str) -> str:
    """The id of the one job that is meant: by its id, its key, the start of its id or the end of it, in upper or lower case.

    Raises UnknownJob, AmbiguousJob.
    """
    start = text.strip().upper()
    keyed = codec.keyed_id(reader.queue_id, text) if text else ""
    for job in (start, keyed):
        if reader.db.execute("SELECT 1 FROM cell WHERE kind = 'job' AND id = ?", (job,)).fetchone():
            return job
    ids = _some_ids(reader, "id >= ?1 AND id < ?1 || '~'", start) if start else []
    if not ids and len(start) >= _SHORTEST_END:
        ids = _some_ids(reader, "substr(id, -length(?1)) = ?1", start)
    if not ids:
        raise UnknownJob(text)
    if len(ids) > 1:
        raise AmbiguousJob(text, ids)
    return ids[0]


def _some_ids(reader: JournalReader, test: str, value: str) -> list[str]:
    rows = reader.db.execute(
        f"SELECT id FROM cell WHERE kind = 'job' AND {test} ORDER BY id LIMIT 6",  # noqa: S608  # constants
        (value,),
    )
    return [str(row["id"]) for row in rows]


def short_ids(ids: Collection[str]) -> dict[str, str]:
    """{id: its end, as short as tells these ids apart}: ids of one batch share their beginning, which is the time."""
    length = _SHORT_ID
    while len({job[-length:] for job in ids}) < len({*ids}):
        length += 1
    return {job: job[-length:] for job in ids}
