"""The jobs of a queue: add, look, change. `Bridge` adds waiting and handing over.

Every method takes in first what others wrote to the notebook. Methods may be called from several threads.
"""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Self, TypeVar, Unpack

from bridge import wiring
from bridge.api import status
from bridge.api.status import Overview
from bridge.api.views import FINAL, JobView, Status
from bridge.core import changes
from bridge.core.clock import Clock
from bridge.core.errors import UnknownJob, WrongState
from bridge.core.events import Listener, ignore
from bridge.core.job import Job, JobForm, NewJob, State, to_iso
from bridge.core.options import Options, OptionValues
from bridge.core.text import as_json, counted
from bridge.format import template
from bridge.format.raw_cell import extras_of
from bridge.intake.prompt import compose, prompt_of
from bridge.intake.secret_scan import scan_for_secrets
from bridge.kernel import grammar
from bridge.store import enqueue, export, query, review_state
from bridge.store.enqueue import Added
from bridge.store.journal_reader import JournalReader
from bridge.store.query import Filter, JobLine
from bridge.store.rewrite import rewrite_jobs

T = TypeVar("T")


class Jobs:
    """A queue's jobs. `queue`: path of its notebook; None: as `bridge` on the command line finds it."""

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

    # ---- adding

    def add(
        self,
        prompt: str,
        *,
        system: str | None = None,
        context: Sequence[tuple[str, str]] = (),
        key: str | None = None,
        caller: str | None = None,
        allow_secrets: bool = False,
        **options: Unpack[OptionValues],
    ) -> str:
        """Add a job; gives its id. On disk when this returns.

        Args:
            prompt: what to ask.
            system: a system prompt.
            context: files to show the model, as (path, text).
            key: your own name for the job; adding the same key again gives the first job and adds nothing.
            caller: who asks; default: as the queue was opened.
            allow_secrets: skip the look for secrets.
            **options: lang, out, model, max_tokens, temperature, top_p, seed, stop, priority (see `Options`).

        Raises:
            PromptRefused, SecretFound, BadOption: nothing was added.
            QueueError: nothing was added.
        """
        if not allow_secrets:
            scan_for_secrets(context)
        body, form = compose(prompt, system=system, context=context)
        new = NewJob(body=body, form=form, options=Options(**options), key=key, caller=caller)
        return self.add_many([new], allow_secrets=allow_secrets)[0].id

    def add_many(self, jobs: Sequence[NewJob], *, allow_secrets: bool = False) -> list[Added]:
        """Add jobs, all or none, in order. Raises what `add` raises."""
        if not allow_secrets:
            scan_for_secrets(
                (f"{what} of {_where(new, n, len(jobs))}" if what else _where(new, n, len(jobs)), text)
                for n, new in enumerate(jobs, 1)
                for what, text in (
                    ("", _text(new)),
                    ("key", new.key),
                    ("caller", new.caller),
                    ("--out", new.options.out),
                )
                if text
            )
        named = [new if new.caller else replace(new, caller=self.caller) for new in jobs]
        return enqueue.enqueue(self.store, named, part_notes=template.part_notes, randomness=secrets.randbits(80))

    # ---- looking

    def jobs(
        self,
        *,
        state: State | str | Iterable[State | str] | None = None,
        caller: str | None = None,
        parent: str | None = None,
        limit: int | None = None,
    ) -> list[JobLine]:
        """The jobs that match, oldest first. A state may be given as text. Raises ValueError on an unknown one."""
        states = None if state is None else [State(s) for s in ([state] if isinstance(state, State | str) else state)]
        wanted = Filter(states=states, caller=caller, parent=parent, limit=limit)
        return self.store.read(lambda reader: query.lines(reader, wanted, self.store.clock.now()))

    def get(self, job: str) -> JobView:
        """One job by id or unambiguous prefix. Raises UnknownJob, AmbiguousJob."""
        return self._find_and(lambda reader: self._view(reader, query.find(reader, job)))

    def views(self, ids: Sequence[str]) -> list[JobView]:
        """Several jobs, in the order asked for. Raises UnknownJob, AmbiguousJob."""
        return self._find_and(lambda reader: [self._view(reader, query.find(reader, job)) for job in ids])

    def status(self) -> Status:
        """The queue at a glance."""
        return self.store.read(lambda reader: status.status(self.opened, reader))

    def overview(self, *, state: State | str | None = None, caller: str | None = None) -> Overview:
        """What `bridge top` shows: the queue, who works on it, and what lately happened. Writes no notebook."""
        wanted = Filter(states=[State(state)] if state else None, caller=caller)
        return self.store.read(lambda reader: status.overview(self.opened, reader, wanted, partial(self._view, reader)))

    # ---- changing

    def cancel(self, *ids: str, by: str | None = None) -> list[str]:
        """Cancel jobs; gives their ids. All or none. Raises UnknownJob, AmbiguousJob, WrongState."""
        who = by or self.caller
        return self._each(
            ids,
            lambda job, state: changes.cancel(job, state, at=self.store.clock.now(), by=who),
            "cancelling",
        )

    def confirm_doubted(self, *, cancel: bool) -> list[str]:
        """What a version of the notebook would have cancelled, and was not believed: cancel it now, or keep it."""
        doubted = list(self.status().doubted)
        if cancel and doubted:
            self.cancel(*doubted, by="cell deleted, confirmed")
        self.store.change(self.store.journal.settle_suspect_deletions, "settling suspect deletions")
        return doubted

    def retry(self, *ids: str) -> list[str]:
        """Put finished or cancelled jobs back into the queue; gives their ids. All or none. Raises WrongState."""
        return self._each(ids, changes.retry, "putting back")

    def answer(self, job: str, text: str, *, by: str | None = None) -> str:
        """Give a job an answer brought from elsewhere; gives the job's id. Raises WrongState."""
        who = by or self.caller
        return self._each(
            [job],
            lambda j, state: changes.answer(j, state, text, at=self.store.clock.now(), by=who),
            "answering",
        )[0]

    def archive(self, *ids: str) -> list[str]:
        """Move finished jobs to the archive; gives their ids. Without ids: all that were delivered.

        Raises WrongState if a job is still open.
        """

        def decide() -> list[str]:
            journal, now = self.store.journal, self.store.clock.now()
            wanted = [self._find(job) for job in ids] or [
                line.id for line in query.lines(journal, Filter(handed_over=True), now)
            ]
            for line in query.lines(journal, Filter(ids=wanted), now):
                if line.state is State.ARCHIVED:
                    continue
                if line.part is None:
                    raise WrongState(f"job {line.id} is in no notebook any more: there is nothing left to archive")
                self._retire(line)
            return wanted

        return self.store.change(decide, "archiving")

    def shrink(self, part: str) -> list[str]:
        """Archive what is done with of a part, given by its file name; gives the ids."""
        number = self.store.names.number(part)
        done = [line for line in self.jobs() if line.delivered_at or line.state is State.CANCELLED]
        return self.archive(*ids) if (ids := [line.id for line in done if line.part == number]) else []

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

    # ---- inside

    def _retire(self, line: JobLine) -> None:
        found = self.store.journal.cell(line.id)
        assert found is not None
        (cell, place), now = found, self.store.clock.now()
        known = review_state.facts(self.store.journal, line.id)
        job = changes.archived(cell.job, line.state, at=to_iso(now), known=known)
        self.store.archiver.retire(job, cell.dots, place, now, extras_of(cell.raw))

    def _find(self, job: str) -> str:
        """While deciding: the id of the one job that starts so, also if another machine archived it unseen."""
        try:
            return query.find(self.store.journal, job)
        except UnknownJob:
            self.store.ingest.ingest_archives()
            return query.find(self.store.journal, job)

    def _find_and(self, look: Callable[[JournalReader], T]) -> T:
        """Look for jobs; also for those that another machine archived before this one ever saw them."""
        try:
            return self.store.read(look)
        except UnknownJob:
            self.store.take_in_archives()
            return self.store.read(look)

    def _found(self, ids: Sequence[str]) -> list[str]:
        return self._find_and(lambda reader: [query.find(reader, job) for job in ids])

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
        return JobView(
            line=line,
            job=value,
            result=value.best(grammar.prompt_sha256(value.spec.body)),
            stored=known.payload if known else None,
            checked_at=checked,
            delivered_at=delivered,
            delivered_to=to,
        )

    def _each(self, ids: Sequence[str], change: Callable[[Job, State], Job], purpose: str) -> list[str]:
        """Apply a change to jobs, all or none."""

        def decide() -> list[str]:
            journal, now = self.store.journal, self.store.clock.now()
            found = [self._find(job) for job in ids]
            rewrite_jobs(self.store, query.lines(journal, Filter(ids=found), now), change)
            return found

        return self.store.change(decide, f"{purpose} {counted(len(ids), 'job')}")


def _where(new: NewJob, number: int, total: int) -> str:
    return new.key or (f"prompt {number}" if total > 1 else "the prompt")


def _text(new: NewJob) -> str:
    return new.body if new.form is JobForm.REQUEST else prompt_of(new.body, new.form)


def _user() -> str:
    with suppress(Exception):  # getpass raises whatever the platform does when a user has no name
        return getpass.getuser()
    return "unknown"
