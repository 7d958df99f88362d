"""The jobs of a queue, looked at: opened, listed, found, shown. `Jobs` adds and changes them."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Self, TypeVar

from bridge import wiring
from bridge.api import status
from bridge.api.status import Overview
from bridge.api.views import FINAL, JobView, Status
from bridge.core.clock import Clock
from bridge.core.errors import UnknownJob, UsageError
from bridge.core.events import Listener, ignore
from bridge.core.job import State
from bridge.core.text import as_json, line
from bridge.format.cell import Cell
from bridge.intake.prompt import shown
from bridge.store import export, job_names, query, review_state, search
from bridge.store.journal_reader import JournalReader
from bridge.store.query import Filter, JobLine

T = TypeVar("T")

#: Cells in memory while a list is made.
_AT_ONCE = 400


class KnownJobs:
    """What can be seen of a queue. `queue`: path of its notebook; None: as `bridge` on the command line finds it."""

    def __init__(
        self,
        queue: str | None = None,
        *,
        caller: str | None = None,
        listener: Listener = ignore,
        clock: Clock | None = None,
        _opened: wiring.Opened | None = None,
    ) -> None:
        """Open the queue. Raises QueueNotFound, NotAQueue, QueueUnreadable, ConfigError, JournalError."""
        opened = _opened or wiring.open_queue(queue, listener=listener, clock=clock)
        self.opened = opened
        self.store = opened.store
        self.path = opened.path  #: of its notebook; None: it is on Drive
        self.settings = opened.settings
        self.caller = caller or opened.settings.caller or _user()

    def close(self) -> None:
        """Let go of the journal. The queue object cannot be used any more."""
        self.opened.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def jobs(
        self,
        *,
        state: State | str | Iterable[State | str] | None = None,
        caller: str | None = None,
        batch: str | None = None,
        parent: str | None = None,
        limit: int | None = None,
    ) -> list[JobLine]:
        """The jobs that match, oldest first. A state may be given as text. Raises ValueError on an unknown one."""
        wanted = Filter(states=_states(state), caller=caller, batch=batch, parent=parent, limit=limit)
        return self.store.read(lambda reader: query.lines(reader, wanted, self.store.clock.now()))

    def ids(
        self,
        *,
        state: State | str | Iterable[State | str] | None = None,
        caller: str | None = None,
        batch: str | None = None,
        family: Sequence[str] | None = None,
        original: bool = False,
    ) -> list[str]:
        """The ids of the jobs that match, as `jobs` gives them.

        `family`: ids; only these jobs and their rounds of repair. `original`: no rounds of repair.
        """
        wanted = Filter(states=_states(state), caller=caller, batch=batch, family=family, original=original)
        return self.store.read(lambda reader: query.ids(reader, wanted, self.store.clock.now()))

    def first_words(self, ids: Sequence[str], most: int) -> dict[str, str]:
        """{id: the beginning of its prompt on one line, of at most so many characters}, as this machine knows them."""
        found: dict[str, str] = {}
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            for job, (cell, _) in self.store.look(partial(_cells, some)).items():
                found[job] = line(shown(cell.job.spec.body, cell.job.spec.form), most)
        return found

    def get(self, job: str) -> JobView:
        """One job by id or unambiguous prefix. Raises UnknownJob, AmbiguousJob."""
        return self._find_and(lambda reader: self._view(reader, job_names.find(reader, job)))

    def views(self, ids: Sequence[str]) -> list[JobView]:
        """Several jobs, in the order asked for. Raises UnknownJob, AmbiguousJob."""
        return self._find_and(lambda reader: [self._view(reader, job_names.find(reader, job)) for job in ids])

    def each(self, ids: Iterable[str], *, at_once: int = 50) -> Iterator[JobView]:
        """Several jobs one after the other, in the order asked for; no more than `at_once` are in memory. Raises as `views`."""
        left = iter(ids)
        while some := list(islice(left, at_once)):
            yield from self.views(some)

    def search(self, text: str, *, limit: int = 20) -> list[JobView]:
        """The newest jobs that speak of all these words, in prompt, answer or key, in any case. Raises UsageError: no word is given."""
        words = text.lower().split()
        if not words:
            raise UsageError("nothing to search for: give a word that stands in a prompt, an answer or a key")
        found = self.store.read(lambda reader: search.candidates(reader, words))
        speaking = (view for view in self.each(found) if all(word in _said(view) for word in words))
        return list(islice(speaking, limit))

    def key_ids(self) -> tuple[str, ...]:
        """What the keys of this queue are called that this machine has; the first one signs."""
        return self.store.keys.ids

    def status(self) -> Status:
        """The queue at a glance."""
        return self.store.read(lambda reader: status.status(self.opened, reader))

    def overview(
        self, *, state: State | str | None = None, caller: str | None = None, job: str | None = None
    ) -> Overview:
        """What `bridge top` shows: the queue, who works on it, what lately happened, and one job. Writes no notebook."""
        wanted = Filter(states=[State(state)] if state else None, caller=caller)
        return self.store.read(
            lambda reader: status.overview(self.opened, reader, wanted, partial(self._view, reader), job=job)
        )

    def export(self, ids: Sequence[str]) -> tuple[list[str], list[str], int]:
        """(result lines, error lines, number of jobs that are still open) as OpenAI Batch JSONL; see `bridge export`."""
        results: list[str] = []
        errors: list[str] = []
        left = 0
        for view in self.views(ids):
            if view.state not in FINAL or view.state is State.BROKEN:
                left += 1
                continue
            line, good = export.batch_line(view.job, view.result, view.state)
            (results if good else errors).append(as_json(line))
        return results, errors, left

    def _find(self, job: str) -> str:
        """While deciding: the id of the one job that starts so, also if another machine archived it unseen."""
        try:
            return job_names.find(self.store.journal, job)
        except UnknownJob:
            self.store.ingest.ingest_archives()
            return job_names.find(self.store.journal, job)

    def _find_and(self, look: Callable[[JournalReader], T]) -> T:
        """Look for jobs; also for those that another machine archived before this one ever saw them."""
        try:
            return self.store.read(look)
        except UnknownJob:
            self.store.take_in_archives()
            return self.store.read(look)

    def _found(self, ids: Sequence[str]) -> list[str]:
        return self._find_and(lambda reader: [job_names.find(reader, job) for job in ids])

    def _views(self, ids: Sequence[str]) -> list[JobView]:
        return self.store.look(lambda reader: [self._view(reader, job) for job in ids])

    def _view(self, reader: JournalReader, job: str) -> JobView:
        [line] = query.lines(reader, Filter(ids=[job]), self.store.clock.now())
        found = reader.cell(job)
        if found is None:
            raise UnknownJob(job)
        value = found[0].job
        known = review_state.get(reader, job)
        checked, delivered, to = status.handling_times(known, value)
        result, keys = value.best(value.spec.body_sha256), self.store.keys
        return JobView(
            line=line,
            job=value,
            result=result,
            signature=keys.state(result).value if result and keys.keys else None,
            stored=known.payload if known else None,
            checked_at=checked,
            delivered_at=delivered,
            delivered_to=to,
        )


def _cells(ids: Sequence[str], reader: JournalReader) -> dict[str, tuple[Cell, int]]:
    return reader.cells(ids)


def _states(given: State | str | Iterable[State | str] | None) -> list[State] | None:
    """States, given as such or as text. Raises ValueError on an unknown one."""
    if given is None:
        return None
    return [State(state) for state in ([given] if isinstance(given, State | str) else given)]


def _said(view: JobView) -> str:
    """All that a search looks at, in lower case."""
    return "\n".join((view.prompt, view.answer or "", view.line.key or "")).lower()


def _user() -> str:
    with suppress(Exception):  # getpass raises whatever the platform does when a user has no name
        return getpass.getuser()
    return "unknown"
