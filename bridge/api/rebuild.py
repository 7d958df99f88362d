"""A queue's journal and notebooks made again from each other: what `bridge rebuild` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge import wiring
from bridge.core.errors import JournalError, JournalTooNew, UsageError
from bridge.core.events import Listener, ignore
from bridge.core.job import to_iso
from bridge.core.jsonable import Jsonable
from bridge.kernel import grammar
from bridge.store import query, review_state
from bridge.store import rebuild as rebuilding
from bridge.store.journal import Journal
from bridge.store.registry import Registry
from bridge.store.salvage import salvage_notebooks


@dataclass(frozen=True, kw_only=True)
class Rebuilt(Jsonable):
    """What was rebuilt."""

    journal: bool
    notebooks: list[str]
    jobs: int
    handed_over: int  #: of these jobs, those that their caller is known to have
    salvaged: Mapping[str, int]  #: {notebook that was cut: its whole cells}


def rebuild(
    queue: str | None = None,
    *,
    journal: bool = False,
    notebooks: bool = True,
    outboxes: Sequence[Path] = (),
    salvage: bool = False,
    listener: Listener = ignore,
) -> Rebuilt:
    """Make the journal from the notebooks, and the notebooks that are missing or damaged from the journal.

    The journal is made anew if asked, or if it cannot be used. The new one takes over what the old one knew of checks,
    hand-overs and applied files, as far as it can be read; what archive notebooks and outboxes show as handed over counts
    as handed over, on every way. `salvage`: of a notebook that is cut, keep the cells that are whole.

    Raises:
        JournalTooNew: a newer version wrote it, and nobody asked for a new one.
        UsageError: an outbox is not there, or what is to be salvaged lies on Drive.
        QueueError: what opening a queue raises.
    """
    anew = journal
    salvaged = _salvage(queue) if salvage else {}
    found = [what for outbox in outboxes for what in _manifests(outbox)]
    try:
        opened = wiring.open_queue(queue, listener=listener, missing_ok=True, fresh_journal=journal)
    except JournalTooNew:
        raise
    except JournalError:
        anew = True
        opened = wiring.open_queue(queue, listener=listener, missing_ok=True, fresh_journal=True)
    store = opened.store
    try:
        written = rebuilding.rebuild_notebooks(store) if notebooks else []
        jobs, _ = rebuilding.take_in_everything(store)
        handed_over = store.journal_only(lambda: _restore(store.journal, found), "restoring hand-overs")
    finally:
        opened.close()
    return Rebuilt(journal=anew, notebooks=written, jobs=jobs, handed_over=handed_over, salvaged=salvaged)


def _salvage(queue: str | None) -> dict[str, int]:
    place = wiring.locate(queue).place
    if not isinstance(place, Path):
        raise UsageError(
            "only a file can be salvaged: download the notebook from Drive, and give its path with --queue"
        )
    known = Registry(wiring.state_folder() / "queues.json").get(str(place.absolute()))
    return salvage_notebooks(place.absolute(), known)


def _restore(journal: Journal, manifests: Sequence[tuple[Path, Mapping[str, object]]]) -> int:
    """Take over what outboxes show of the results that count now; gives how many jobs are known to be handed over."""
    for folder, what in manifests:
        found = journal.cell(str(what.get("job")))
        if found is None:
            continue
        job = found[0].job
        best = job.best(grammar.prompt_sha256(job.spec.body))
        if best is None or (what.get("status"), what.get("finished_at")) != (
            best.status.value,
            to_iso(best.finished_at),
        ):
            continue  # of an earlier answer
        at = to_iso(datetime.fromtimestamp((folder / "result.json").stat().st_mtime, UTC))
        known = {"verdict": what.get("verdict"), "level": what.get("level"), "checked_at": at, "delivered_at": at}
        review_state.restore(journal, job, known, payload=what, to="outbox")
    return query.count_handed_over(journal)


def _manifests(outbox: Path) -> Iterator[tuple[Path, Mapping[str, object]]]:
    from bridge.delivery.outbox import read_outbox

    return read_outbox(outbox)
