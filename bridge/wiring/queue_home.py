"""Which folder of the local state belongs to a queue at a path: its own, also where a project folder was copied with its queue.

Two copies of a notebook have one queue_id. With one journal, a job that is added in one would appear in the other; so the
copy gets a journal of its own, as another machine would, and whoever syncs the two files merges them as ever.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from bridge.store.registry import Registry


def home_name(path: Path, queue_id: str, *, queues: Registry, homes: Registry, was_known: bool) -> str:
    """The name of the folder for the queue at a path; remembers it if it is not the queue's usual one, its id.

    Args:
        queues: {path: queue_id} of all that were ever opened.
        homes: {path: name} of those with a folder of their own.
        was_known: the queue was opened at this path before.

    Raises JournalError if it cannot be remembered.
    """
    if (own := homes.get(str(path))) is not None and own.startswith(queue_id):
        return own
    if was_known:
        return queue_id
    others = [place for place in queues.places(queue_id) if place != str(path) and not place.startswith("drive:")]
    here = [place for place in others if _is_another(Path(place), path, queue_id)]
    if not any((homes.get(place) or queue_id) == queue_id for place in here):
        return queue_id  # nobody uses it: this is the queue itself, or it was moved here
    gone = [home for place in others if not Path(place).exists() and (home := homes.get(place))]
    name = (
        gone[-1]
        if gone
        else f"{queue_id}-{hashlib.sha256(str(path).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    )
    homes.put(str(path), name)
    return name


def _is_another(place: Path, path: Path, queue_id: str) -> bool:
    """Whether a notebook of this queue still lies there, and it is not the same file under another name."""
    with suppress(OSError):
        return place.is_file() and not place.samefile(path) and queue_id.encode() in place.read_bytes()
    return False
