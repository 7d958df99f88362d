"""The queue's notebooks written again from the journal: those that are gone, and those that cannot be read."""

from __future__ import annotations

from bridge.core.errors import NewerNotebook, NotAQueue
from bridge.format import codec, file_names, json_bytes
from bridge.store import query
from bridge.store.rows import NotebookRow
from bridge.store.store import Store


def rebuild_notebooks(store: Store) -> list[str]:
    """Write every notebook that is missing or damaged; gives their names. A damaged one is moved to `damaged/` first."""
    with store.exclusive("rebuilding the notebooks"):
        for place in store.journal.places():
            if _is_damaged(store, place.name):
                store.transport.set_aside(place.name, file_names.DAMAGED)
        missing = missing_notebooks(store)

        def decide() -> list[str]:
            for place in missing:
                store.journal.adopt_place(place.id)
                store.journal.forget_file(f"{store.transport.location}/{place.name}")
            return [place.name for place in missing]

        return store.change(decide, "rebuilding the notebooks")


def take_in_everything(store: Store) -> tuple[int, int]:
    """Fill an empty journal from the notebooks, archives too; gives (jobs, notebooks) that it has then."""

    def decide() -> tuple[int, int]:
        store.ingest.ingest_archives()
        jobs = sum(query.counts(store.journal, store.clock.now()).values())
        return jobs, len(store.journal.places())

    return store.change(decide, "rebuilding the journal")


def missing_notebooks(store: Store) -> list[NotebookRow]:
    """Notebooks that the journal knows and the folder lacks."""
    return [place for place in store.journal.places() if store.transport.stat(place.name) is None]


def _is_damaged(store: Store, name: str) -> bool:
    read = store.transport.read(name)
    if read is None:
        return False
    try:
        return codec.read_part(json_bytes.loads(read[0])).queue_id != store.journal.queue_id
    except NewerNotebook:
        raise  # it is whole, and what it holds is not known here
    except (ValueError, NotAQueue):
        return True
