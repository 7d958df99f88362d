"""A glance at the journal of the queue that is meant: read only, without a lock, for what a shell completes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.store.registry import Registry
from bridge.wiring.queue import locate
from bridge.wiring.site import journal_file, state_folder

_NEWEST = """
SELECT id, coalesce(state, '') || coalesce(' ' || lang, '') FROM cell
WHERE kind = 'job' AND parent IS NULL AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?
"""


def newest_jobs(queue: str | None, prefix: str, *, most: int = 100) -> list[tuple[str, str]]:
    """(id, its state and language) of jobs that begin so, newest first, as this machine last knew them.

    Takes nothing in and starts no journal: a queue that was never opened here has no jobs. Raises what looking raises.
    """
    state = state_folder()
    place = locate(queue).place
    queue_id = Registry(state / "queues.json").get(str(place.absolute() if isinstance(place, Path) else place))
    if queue_id is None:
        return []
    file = journal_file(state / "queues" / queue_id)
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=0.2)) as journal:
        return list(journal.execute(_NEWEST, (prefix, prefix + "~", most)))
