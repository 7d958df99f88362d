"""Whether anybody wrote to a queue's folder since its journal last looked: without a lock, and without reading a notebook.

So whoever only looks (`status`, `list`, `show`, `top`, a wait) takes the queue's lock only when there is something to take in.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.store.journal_reader import JournalReader
from bridge.transports.base import Entry


def has_news(reader: JournalReader, entries: Iterable[Entry], location: str, *, missing_is_news: bool) -> bool:
    """Whether a look at the folder shows what the journal does not know.

    Args:
        reader: the journal.
        entries: the notebooks that lie in the folder, conflict copies too.
        location: of the folder, as the journal calls it.
        missing_is_news: a part that was there, and is not; on a mounted drive it may be gone for a moment.
    """
    if reader.is_empty():
        return True
    present = {entry.name: entry.stamp for entry in entries}
    for name, stamp in present.items():
        seen = reader.seen(f"{location}/{name}")
        if seen is None or seen.stamp != stamp:
            return True
    gone = [place.name for place in reader.places("part") if place.name not in present]
    return missing_is_news and any(reader.seen(f"{location}/{name}") for name in gone)
