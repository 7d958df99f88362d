"""The Python door: a queue as an object.

    from bridge import Bridge

    queue = Bridge("notebooks/qwen_bridge.ipynb")
    job = queue.add("Write a Python function that ...", lang="python")
    [done] = queue.wait([job], timeout_s=3600)
    print(done.answer)

Every method takes in first what others wrote to the notebook. Methods may be called from several threads.
"""

from __future__ import annotations

import getpass
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge import wiring
from bridge.errors import JournalError, UnknownJob, WaitTimedOut, WrongState
from bridge.events import Listener, ignore
from bridge.intake.leaks import look_for_secrets
from bridge.intake.prompt import compose, prompt_of
from bridge.job import Job, NewJob, Options, Result, State, to_iso
from bridge.kernel import grammar
from bridge.notebook import changes, enqueue, export, handling, merge, query, template
from bridge.notebook import rebuild as rebuilding
from bridge.notebook.clock import Clock
from bridge.notebook.enqueue import Added
from bridge.notebook.query import Filter, JobLine
from bridge.notebook.raw import extras_of

if TYPE_CHECKING:
    from bridge.watcher.apply import Change

#: A job in one of these has all that it will get without somebody's doing.
FINAL = frozenset(
    {
        State.SUCCEEDED, State.TRUNCATED, State.FAILED, State.BROKEN,
        State.CANCELLED, State.CHECKED, State.DELIVERED, State.ARCHIVED,
    }
)  # fmt: skip


#: With checking, an answer alone is not the end of it.
_READY = FINAL - {State.SUCCEEDED, State.TRUNCATED}


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as it stands now."""

    line: JobLine
    job: Job
    result: Result | None  #: the one that counts
    #: What checking came to, as `bridge wait --json` prints it; None: not checked yet.
    payload: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> str | None:
        """What checking said of the answer: clean, errors, incomplete, unchecked, no_code; None: not checked."""
        return self.line.verdict

    @property
    def code(self) -> list[tuple[str | None, str]]:
        """The code in the answer as (path, text): of the best version if it was checked, else as it came. Not executed."""
        if self.payload is not None:
            return [(file["path"], file["code"]) for file in self.payload["files"]]
        from bridge.results.base import Role
        from bridge.results.extract import extract

        spec, reason = self.job.spec, self.result.finish_reason if self.result else None
        found = extract(self.answer or "", prompt=self.prompt, lang=spec.options.lang, finish_reason=reason)
        return [(b.path, b.code) for b in found.blocks if b.role not in (Role.WRAPPER, Role.OUTPUT) and b.current]

    @property
    def id(self) -> str:
        """The job's id, a ULID."""
        return self.line.id

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.line.state

    @property
    def prompt(self) -> str:
        """What was asked, as one text."""
        return prompt_of(self.job.spec.body, chat=self.job.spec.chat)

    @property
    def answer(self) -> str | None:
        """The raw text that came back; None if there is none."""
        return self.result.answer if self.result and self.result.answer else None

    @property
    def error(self) -> str | None:
        """Why there is no answer; None if nothing went wrong."""
        if self.result and self.result.error:
            return str(self.result.error.get("message"))
        return self.job.spec.broken

    @property
    def good(self) -> bool:
        """Whether there is an answer and nothing that blocks was found in it."""
        answered = self.result is not None and self.answer is not None
        return answered and self.verdict in (None, "clean", "unchecked", "no_code")

    def handover(self) -> dict[str, Any]:
        """What the caller gets: the payload of a checked job, else what there is. Documented in docs/handover.md."""
        if self.payload is not None:
            return {"state": self.state.value, **{k: v for k, v in self.payload.items() if k != "sarif"}}
        facts = self.to_json()
        return {
            "state": facts["state"],
            "job": self.id,
            "verdict": None,
            "answer": self.answer,
            "error": self.error,
            "files": [],
        }

    def to_json(self) -> dict[str, Any]:
        """The job as one JSON object; documented in docs/cli.md."""
        spec, result = self.job.spec, self.result
        return {
            **line_json(self.line),
            "round": spec.round,
            "options": {k: list(v) if isinstance(v, tuple) else v for k, v in spec.options.given().items()},
            "prompt": self.prompt if not spec.broken else spec.body,
            "answer": self.answer,
            "error": self.error,
            "cancelled_by": self.job.cancelled.by if self.job.cancelled else None,
            "finish_reason": result.finish_reason if result else None,
            "attempt": result.attempt if result else None,
            "usage": dict(result.usage) if result else {},
            "timing_s": dict(result.timing_s) if result else {},
            "worker": dict(result.worker) if result else None,
            "attempts": [
                {
                    "attempt": a.attempt, "worker": a.worker, "status": a.status.value,
                    "finished_at": to_iso(a.finished_at), "error": a.error, "late": a.late,
                }
                for a in self.job.attempts
            ],
            "outcome": dict(self.job.outcome),
        }  # fmt: skip


def line_json(line: JobLine) -> dict[str, Any]:
    """A job of a list as one JSON object; documented in docs/cli.md."""
    return {
        "id": line.id,
        "state": line.state.value,
        "part": line.part,
        "archive": line.archive,
        "caller": line.caller,
        "key": line.key,
        "model": line.model,
        "lang": line.lang,
        "priority": line.priority,
        "parent": line.parent,
        "created_at": to_iso(line.created_at) if line.created_at else None,
        "finished_at": to_iso(line.finished_at) if line.finished_at else None,
        "seconds": line.seconds,
        "problem": line.problem,
        "verdict": line.verdict,
    }


@dataclass(frozen=True, kw_only=True)
class Status:
    """The queue at a glance."""

    path: str
    queue_id: str
    parts: int
    archives: int
    counts: dict[State, int]
    oldest_queued_s: float | None  #: age of the job that waits longest
    new_cells: int  #: prompts that a person typed; they become jobs with the next command that writes
    workers: int  #: workers whose lease holds now
    eta_s: float | None  #: until the queue is empty, at the pace of the last answers
    doubted: tuple[str, ...]  #: jobs that a version of the notebook would have cancelled
    problems: tuple[tuple[str, str], ...]  #: (job, what is wrong with its cell)


class Bridge:
    """A queue. `queue`: path of its notebook; None: as `bridge` on the command line finds it."""

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
        self.path = opened.path
        self.settings = opened.settings
        self.caller = caller or opened.settings.caller or _user()

    def close(self) -> None:
        """Let go of the journal. The queue object cannot be used any more."""
        self.store.journal.close()

    def __enter__(self) -> Bridge:
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
        **options: Any,
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
            PromptRefused, SecretFound: nothing was added.
            QueueError: nothing was added.
        """
        if not allow_secrets:
            look_for_secrets(context)
        body, chat = compose(prompt, system=system, context=context)
        new = NewJob(body=body, chat=chat, options=Options(**options), key=key, caller=caller)
        return self.add_many([new], allow_secrets=allow_secrets)[0].id

    def add_many(self, jobs: Sequence[NewJob], *, allow_secrets: bool = False) -> list[Added]:
        """Add jobs, all or none, in order. Raises what `add` raises."""
        if not allow_secrets:
            look_for_secrets((_where(new, n, len(jobs)), _text(new)) for n, new in enumerate(jobs, 1))
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
        return self.store.read(lambda: query.lines(self.store.journal, wanted, self.store.clock.now()))

    def get(self, job: str) -> JobView:
        """One job by id or unambiguous prefix. Raises UnknownJob, AmbiguousJob."""
        return self.store.read(lambda: self._view(query.find(self.store.journal, job)))

    def views(self, ids: Sequence[str]) -> list[JobView]:
        """Several jobs, in the order asked for. Raises UnknownJob, AmbiguousJob."""
        return self.store.read(lambda: [self._view(query.find(self.store.journal, job)) for job in ids])

    def status(self) -> Status:
        """The queue at a glance."""
        return self.store.read(self._status)

    # ---- changing

    def cancel(self, *ids: str, by: str | None = None) -> list[str]:
        """Take jobs back; gives their ids. All or none. Raises UnknownJob, AmbiguousJob, WrongState."""
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
        self.store.change(self.store.journal.settle_doubts, "settling doubts")
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
            wanted = [query.find(journal, job) for job in ids] or [
                line.id for line in query.lines(journal, Filter(states=[State.DELIVERED]), now)
            ]
            for line in query.lines(journal, Filter(ids=wanted), now):
                if line.state is State.ARCHIVED:
                    continue
                if line.state not in changes.ARCHIVABLE or line.part is None:
                    raise WrongState(f"job {line.id} is {line.state.value}: only finished jobs can be archived")
                found = journal.cell(line.id)
                assert found is not None
                cell, place = found
                job = changes.archived(cell.job, line.state, at=to_iso(now), known=handling.facts(journal, line.id))
                self.store.absorber.retire(job, cell.dots, journal.place(place), now, extras_of(cell.raw))
            return wanted

        return self.store.change(decide, "archiving")

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
            (results if good else errors).append(json.dumps(line, ensure_ascii=False))
        return results, errors, left

    # ---- waiting and handing over

    def wait(
        self,
        ids: Sequence[str],
        *,
        timeout_s: float | None = None,
        check: bool = True,
        max_rounds: int = 2,
        on_ready: Callable[[JobView], None] | None = None,
    ) -> list[JobView]:
        """Wait until all these jobs are finished and checked; gives them in the order asked for, and hands them over.

        Woken by file events, with a look every few seconds besides. If no watcher runs on this machine, this checks the
        answers itself, and asks for repairs.

        Args:
            ids: jobs by id or unambiguous prefix.
            timeout_s: give up after so long; None: never.
            check: False: take answers as they come.
            max_rounds: repair rounds, if this does the checking; 0: none.
            on_ready: is called with each job as it becomes ready, in that order.

        Raises:
            WaitTimedOut: the jobs stay in the queue.
            UnknownJob, AmbiguousJob: before waiting.
        """
        found = self.store.read(lambda: [query.find(self.store.journal, job) for job in ids])
        wanted = frozenset(found)
        self._until(wanted, len(wanted), timeout_s=timeout_s, check=check, max_rounds=max_rounds, on_ready=on_ready)
        self.store.note(lambda: self._handed_over(found), "handing over")
        return self._views(found)

    def as_completed(
        self, ids: Sequence[str], *, timeout_s: float | None = None, check: bool = True, max_rounds: int = 2
    ) -> Iterator[JobView]:
        """The jobs one by one, as they become ready and are handed over; arguments as of `wait`, `timeout_s` for each next one.

        Raises what `wait` raises.
        """
        left = set(self.store.read(lambda: [query.find(self.store.journal, job) for job in ids]))
        while left:
            ready = self._until(frozenset(left), 1, timeout_s=timeout_s, check=check, max_rounds=max_rounds)
            self.store.note(lambda ready=ready: self._handed_over(ready), "handing over")  # type: ignore[misc]  # binds now
            for view in self._views(ready):
                left.discard(view.id)
                yield view

    def _until(
        self,
        wanted: frozenset[str],
        enough: int,
        *,
        timeout_s: float | None,
        check: bool,
        max_rounds: int,
        on_ready: Callable[[JobView], None] | None = None,
    ) -> list[str]:
        """Wait until so many of these jobs are ready; gives all that are, as they became so. Raises WaitTimedOut."""
        waiting = wiring.open_waiting(self.opened, self.enqueue, check=check, max_rounds=max_rounds)
        enders = _READY if check else FINAL
        seen: dict[str, None] = {}

        def ready() -> bool:
            lines = self.store.note(
                lambda: query.lines(self.store.journal, Filter(ids=sorted(wanted)), self.store.clock.now()), "looking"
            )
            for line in lines:
                if line.state in enders and line.id not in seen:
                    seen[line.id] = None
                    if on_ready is not None:
                        on_ready(self._views([line.id])[0])
            return len(seen) >= enough

        if not waiting.until(ready, timeout_s=timeout_s):
            missing = len(wanted) - len(seen)
            raise WaitTimedOut(
                f"{missing} of {len(wanted)} job(s) are not ready after {timeout_s:g} s; they stay queued"
            )
        return list(seen)

    def plan(self, job: str, root: Path) -> list[Change]:
        """What `apply_result` would do. Raises UsageError, WrongState."""
        from bridge.watcher import apply

        view = self.get(job)
        if view.payload is None:
            raise WrongState(f"job {view.id} is {view.state.value}, and not checked: `bridge wait {view.id}` first")
        return apply.plan_changes(
            view.payload,
            root,
            applied=lambda path: self.store.note(lambda: handling.applied(self.store.journal, path), "looking"),
        )

    def apply_result(self, job: str, root: Path, *, force: bool = False) -> list[Change]:
        """Write a result's files below `root`; gives what was written.

        Raises UsageError if a path leaves the root, or a file has changes of somebody's own and `force` is off.
        """
        from bridge.watcher import apply

        view = self.get(job)
        written = apply.write_changes(self.plan(job, root), force=force)

        def note() -> None:
            now = self.store.clock.now()
            for change in written:
                digest = grammar.text_sha256(change.code)
                handling.note_applied(self.store.journal, str(change.target), digest, view.id, now)
            handling.deliver(self.store.journal, view.id, to="apply", now=now)

        self.store.note(note, "noting what was applied")
        return written

    def archive_delivered(self, older_than: timedelta) -> list[str]:
        """Move what was handed over so long ago to the archive, repair rounds included; gives the ids."""
        moment = self.store.clock.now() - older_than
        found = self.store.note(lambda: handling.delivered_before(self.store.journal, moment), "looking for old jobs")
        return self.archive(*found) if found else []

    def enqueue(self, jobs: list[NewJob]) -> list[Added]:
        """Add jobs as they are, without looking for secrets: what comes back from a model came from here."""
        return self.add_many(jobs, allow_secrets=True)

    def _handed_over(self, jobs: Sequence[str]) -> None:
        for job in jobs:
            handling.deliver(self.store.journal, job, to="wait", now=self.store.clock.now())

    def _views(self, ids: Sequence[str]) -> list[JobView]:
        return self.store.note(lambda: [self._view(job) for job in ids], "reading jobs")

    # ---- inside

    def _view(self, job: str) -> JobView:
        journal = self.store.journal
        [line] = query.lines(journal, Filter(ids=[job]), self.store.clock.now())
        found = journal.cell(job)
        if found is None:
            raise UnknownJob(job)
        value = found[0].job
        known = handling.get(journal, job)
        return JobView(
            line=line,
            job=value,
            result=value.best(grammar.prompt_sha256(value.spec.body)),
            payload=known.payload if known else None,
        )

    def _status(self) -> Status:
        journal, now = self.store.journal, self.store.clock.now()
        counts = query.counts(journal, now)
        oldest = query.oldest_queued(journal)
        pace = query.seconds_per_job(journal)
        workers = query.workers(journal, now)
        open_jobs = counts[State.QUEUED] + counts[State.RUNNING]
        return Status(
            path=str(self.path),
            queue_id=journal.queue_id,
            parts=len(journal.places("part")),
            archives=len(journal.places("archive")),
            counts=counts,
            oldest_queued_s=(now - oldest).total_seconds() if oldest else None,
            new_cells=journal.unadopted(self.store.transport.location),
            workers=workers,
            eta_s=open_jobs * pace / max(1, workers) if pace is not None and open_jobs else None,
            doubted=tuple(journal.doubted()),
            problems=tuple(query.problems(journal)),
        )

    def _each(self, ids: Sequence[str], change: Any, purpose: str) -> list[str]:
        """Apply a change to jobs, all or none."""

        def decide() -> list[str]:
            journal, now = self.store.journal, self.store.clock.now()
            found = [query.find(journal, job) for job in ids]
            for line in query.lines(journal, Filter(ids=found), now):
                known = journal.cell(line.id)
                assert known is not None
                cell, place = known
                job = change(cell.job, line.state)
                if job != cell.job:
                    self._rewrite(job, cell.dots, place, extras_of(cell.raw))
            return found

        return self.store.change(decide, f"{purpose} {len(ids)} job(s)")

    def _rewrite(self, job: Job, dots: Any, place: int, extras: Any) -> None:
        """Write a changed job where it is; one that goes back into the queue from elsewhere goes into the last part."""
        journal, now = self.store.journal, self.store.clock.now()
        if place and journal.place(place).kind == "part":
            target, new_dots = place, dots
        else:
            target = journal.places("part")[-1].id
            new_dots = {journal.writer: journal.take_dots(1)}
            if place:
                journal.touch(place)
        journal.put(target, [merge.job_cell(job, new_dots, extras)], now=now)
        journal.touch(target)


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What was rebuilt."""

    journal: bool
    notebooks: list[str]
    jobs: int


def rebuild(
    queue: str | None = None, *, journal: bool = False, notebooks: bool = True, listener: Listener = ignore
) -> Rebuilt:
    """Make the journal from the notebooks, and the notebooks that are missing or damaged from the journal.

    The journal is made anew if asked, or if it cannot be used. Raises what opening a queue raises.
    """
    anew = journal
    try:
        opened = wiring.open_queue(queue, listener=listener, missing_ok=True, fresh_journal=journal)
    except JournalError:
        anew = True
        opened = wiring.open_queue(queue, listener=listener, missing_ok=True, fresh_journal=True)
    store = opened.store
    try:
        written = rebuilding.rebuild_notebooks(store) if notebooks else []
        jobs, _ = rebuilding.take_in_everything(store)
    finally:
        store.journal.close()
    return Rebuilt(journal=anew, notebooks=written, jobs=jobs)


def _where(new: NewJob, number: int, total: int) -> str:
    return new.key or (f"prompt {number}" if total > 1 else "the prompt")


def _text(new: NewJob) -> str:
    return prompt_of(new.body, chat=True) if new.chat else new.body


def _user() -> str:
    with suppress(Exception):  # getpass raises whatever the platform does when a user has no name
        return getpass.getuser()
    return "unknown"
