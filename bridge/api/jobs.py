"""The jobs of a queue: added and changed. `AppliedJobs`, `AwaitedJobs` and `Bridge` build upon it.

Every method takes in first what others wrote to the notebook. Methods may be called from several threads.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Unpack

from bridge.api.known_jobs import KnownJobs
from bridge.core import changes
from bridge.core.errors import WrongState
from bridge.core.job import Job, JobForm, NewJob, State, to_iso
from bridge.core.options import OptionValues
from bridge.core.text import counted
from bridge.format import template
from bridge.format.other_metadata import other_metadata
from bridge.intake.prompt import compose, shown, texts_of
from bridge.intake.secret_scan import scan_for_new_secrets, scan_for_secrets, secrets_in
from bridge.store import enqueue, forget, query, review_state
from bridge.store.enqueue import Added
from bridge.store.query import Filter, JobLine
from bridge.store.rewrite import rewrite_jobs


class Jobs(KnownJobs):
    """A queue's jobs; opened as `KnownJobs` says."""

    # ---- adding

    def add_many(self, jobs: Sequence[NewJob], *, allow_secrets: bool = False) -> list[Added]:
        """Add jobs, all or none, in order. `allow_secrets`: skip the look for secrets.

        Raises:
            PromptRefused, SecretFound: nothing was added.
            QueueError: nothing was added.
        """
        if not allow_secrets:
            scan_for_secrets(
                (f"{what} of {_where(new, n, len(jobs))}" if what else _where(new, n, len(jobs)), text)
                for n, new in enumerate(jobs, 1)
                for what, text in texts_of(new)
            )
        named = [new if new.caller else replace(new, caller=self.caller) for new in jobs]
        return enqueue.enqueue(self.store, named, part_notes=template.part_notes, randomness=secrets.randbits(80))

    # ---- changing

    def cancel(self, *ids: str, by: str | None = None) -> list[str]:
        """Cancel jobs; gives their ids. All or none. Raises UnknownJob, AmbiguousJob, WrongState."""
        who = by or self.caller
        return self._each(
            ids, lambda j, state: changes.cancel(j, state, at=self.store.clock.now(), by=who), "cancelling"
        )

    def confirm_doubted(self, *, cancel: bool) -> list[str]:
        """What a version of the notebook would have cancelled, and was not believed: cancel it now, or keep it."""
        doubted = list(self.status().doubted)
        if cancel and doubted:
            self.cancel(*doubted, by="cell deleted, confirmed")
        self.store.change(self.store.journal.settle_suspect_deletions, "settling suspect deletions")
        return doubted

    def retry(self, *ids: str, **options: Unpack[OptionValues]) -> list[str]:
        """Put finished or cancelled jobs back into the queue; gives their ids. All or none.

        `options`: those that they are to have from now on, such as another model. Raises WrongState, BadOption.
        """
        return self._each(ids, lambda job, state: changes.retry(job, state, options), "putting back")

    def edit(
        self, job: str, prompt: str | None = None, *, allow_secrets: bool = False, **options: Unpack[OptionValues]
    ) -> str:
        """Give a job another prompt (None: the same) or other options; gives its id. An answer to the old prompt counts no more.

        Raises:
            WrongState: it is archived or cancelled, or its header cannot be read.
            PromptRefused, SecretFound, BadOption: nothing was changed.
        """
        body, form = (None, None) if prompt is None else compose(prompt)
        if prompt is not None and not allow_secrets:
            scan_for_secrets([("the prompt", prompt)])

        def change(old: Job, state: State) -> Job:
            spec = old.spec
            if spec.form is not JobForm.PROMPT and body is not None:
                raise WrongState(
                    f"job {old.id} has several messages: edit its cell in the notebook, or add another job"
                )
            return changes.edit(
                old, state, body=spec.body if body is None else body, form=form or spec.form, options=options
            )

        return self._each([job], change, "editing")[0]

    def answer(self, job: str, text: str, *, by: str | None = None, allow_secrets: bool = False) -> str:
        """Give a job an answer brought from elsewhere; gives the job's id. `allow_secrets`: skip the look for secrets.

        Raises:
            UnknownJob, AmbiguousJob, WrongState, AnswerRefused: nothing was changed.
            SecretFound: the answer seems to hold a secret that does not stand in the prompt already; nothing was changed.
        """
        who = by or self.caller

        def answered(j: Job, state: State) -> Job:
            if not allow_secrets:
                scan_for_new_secrets("the answer", text, known=shown(j.spec.body, j.spec.form))
            return changes.answer(j, state, text, at=self.store.clock.now(), by=who, sign=self.store.keys.sign)

        return self._each([job], answered, "answering")[0]

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

    def forget(self, *ids: str) -> list[str]:
        """Remove finished jobs, and their rounds of repair, from the notebooks and the journal for good; gives the ids.

        All or none. Raises WrongState if a job is still open, or another machine writes the archive notebook that it is in.
        """

        def decide() -> list[str]:
            journal, now = self.store.journal, self.store.clock.now()
            found = query.lines(journal, Filter(family=[self._find(job) for job in ids]), now)
            forget.forget(journal, found)
            return [line.id for line in found]

        done = self.store.change(decide, f"forgetting {counted(len(ids), 'job')}") if ids else []
        self.store.journal.tidy()
        return done

    def shrink(self, part: str) -> list[str]:
        """Archive what is done with of a part, given by its file name; gives the ids."""
        number = self.store.names.number(part)
        done = [line for line in self.jobs() if line.delivered_at or line.state is State.CANCELLED]
        return self.archive(*ids) if (ids := [line.id for line in done if line.part == number]) else []

    # ---- inside

    def _retire(self, line: JobLine) -> None:
        found = self.store.journal.cell(line.id)
        assert found is not None
        (cell, place), now = found, self.store.clock.now()
        known = review_state.facts(self.store.journal, line.id)
        job = changes.archived(cell.job, line.state, at=to_iso(now), known=known)
        self.store.archiver.retire(job, cell.dots, place, now, other_metadata(cell.raw))

    def _each(self, ids: Sequence[str], change: Callable[[Job, State], Job], purpose: str) -> list[str]:
        """Apply a change to jobs, all or none."""

        def decide() -> list[str]:
            journal, now = self.store.journal, self.store.clock.now()
            whole = set(query.ids(journal, Filter(ids=ids), now))  # most are given whole, and all of a queue may be
            found = [job if job in whole else self._find(job) for job in ids]
            rewrite_jobs(self.store, query.lines(journal, Filter(ids=found), now), change)
            return found

        return self.store.change(decide, f"{purpose} {counted(len(ids), 'job')}")


def _where(new: NewJob, number: int, total: int) -> str:
    """What to call a job that is refused: never by a key that holds the secret."""
    if new.key and not secrets_in(new.key):
        return new.key
    return f"prompt {number}" if total > 1 else "the prompt"
