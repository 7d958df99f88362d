"""Jobs forgotten: prompt, answers, verdicts and history leave the notebooks and the journal of this machine, for good.

Nothing stands for them afterwards. The notebook's context covers their dots, so a stale copy does not bring them back.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.errors import WrongState
from bridge.core.states import Move, State, require
from bridge.store.journal import Journal
from bridge.store.query import JobLine

#: {table: its column that names the job}
_TABLES = {
    "cell": "id",
    "result": "job",
    "history": "cell",
    "handling": "job",
    "delivery": "job",
    "doubt": "job",
    "alias": "cell",
}


def forget(journal: Journal, lines: Sequence[JobLine]) -> None:
    """Remove finished jobs. To be called while deciding, in the store's transaction.

    Raises:
        WrongState: a job is still open, or another machine writes the archive notebook that it is in.
    """
    found = journal.cells([line.id for line in lines])
    places = {place.id: place for place in journal.places()}
    for line in lines:
        if line.state not in (State.ARCHIVED, State.BROKEN):
            _refuse_open(line)
        place = places.get(found[line.id][1])
        if place is not None and not place.own:
            raise WrongState(f"job {line.id} is in {place.name}, which another machine writes: forget it there")
    journal.db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
    for line in lines:
        for table, column in _TABLES.items():
            journal.db.execute(f"DELETE FROM {table} WHERE {column} = ?", (line.id,))  # noqa: S608  # constants
    for place_id in {found[line.id][1] for line in lines} & places.keys():
        journal.touch(place_id)


def _refuse_open(line: JobLine) -> None:
    try:
        require(Move.ARCHIVE, line.id, line.state)
    except WrongState:
        raise WrongState(f"job {line.id} is {line.state.value}: `bridge cancel {line.id}` first") from None
