"""The review of finished jobs: each answer is checked once, and asked about again through the queue.

Several processes may review one queue: the first one to write down an answer's end wins, and rounds of repair have
a key of their own, so that two reviewers ask for the same one. Nothing that a model wrote is ever executed (bridge/checking).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.checking.examine import Toolchain
from bridge.checking.rounds import AskAgain, RepairOutcome
from bridge.checking.sarif import to_sarif
from bridge.checking.values import Report
from bridge.core.chat import ChatReply, ChatRequest, FinishReason
from bridge.core.errors import PromptRefused, SecretFound
from bridge.core.events import Event, EventKind, Listener
from bridge.core.job import Job, NewJob, Result, ResultStatus
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, OPTIONS
from bridge.delivery import payload
from bridge.delivery.answer_reports import AnswerReports
from bridge.delivery.conversation import converse
from bridge.delivery.payload import HandOver
from bridge.format import codec
from bridge.intake.prompt import job_of, shown
from bridge.intake.secret_scan import scan_for_new_secrets
from bridge.store import review_state
from bridge.store.enqueue import Added
from bridge.store.review_state import Due
from bridge.store.store import Store

_NO_REPLY = ChatReply(finish_reason=FinishReason.UNKNOWN)
#: Jobs that are looked at together: their answers are checked side by side, then each is written down in turn.
_AT_ONCE = 32


@dataclass(kw_only=True)
class Reviewer:
    """Reviews finished jobs. One thread at a time."""

    store: Store
    toolchain: Toolchain
    notify: Listener
    #: Adds jobs to the queue.
    enqueue: Callable[[list[NewJob]], list[Added]]
    max_rounds: int = 2
    #: The caller's project, whose own linters are asked as well; None: they are not.
    project: Path | None = None
    #: The folder that patches of an answer are tried on, in memory; None: that of `project`, else they are only read.
    patch_root: Path | None = None

    def __post_init__(self) -> None:
        """No answer is checked yet."""
        self._reports = AnswerReports(toolchain=self.toolchain, project=self.project, patch_root=self.patch_root)

    def settle(self, only: Collection[str] | None = None) -> list[str]:
        """Review the jobs that are due; gives those whose end is written down now.

        Args:
            only: these jobs; None: all.
        """
        due = [each for each in self.store.look(review_state.due) if only is None or each.job in only]
        settled: list[str] = []
        for start in range(0, len(due), _AT_ONCE):
            some = due[start : start + _AT_ONCE]
            answered = filter(None, map(self._answered, some))
            self._reports.make_ahead(found for found in answered if found[1].status is not ResultStatus.FAILED)
            settled += [each.job for each in some if self._look(each)]
        return settled

    def _answered(self, due: Due) -> tuple[Job, Result] | None:
        """The job, and its result that counts."""
        found = self.store.look(lambda reader: reader.cell(due.job))
        result = found[0].job.best(found[0].job.spec.body_sha256) if found else None
        return (found[0].job, result) if found and result else None

    def _look(self, due: Due) -> bool:
        found = self._answered(due)
        if found is None:
            return False
        job, result = found
        if result.status is ResultStatus.FAILED:
            return self._record(due, payload.unchecked(job, result), None)
        outcome = self._drive(job, result, due)
        if outcome is None:
            return False
        return self._record(
            due, payload.finished(job, result, outcome), to_sarif(outcome.report, job=job.id, out=job.spec.options.out)
        )

    def _record(self, due: Due, what: HandOver, sarif: Mapping[str, object] | None) -> bool:
        now = self.store.clock.now()
        verdict = what.verdict.value if what.verdict else None
        level = what.level.value if what.level else None
        stored = what.to_json() if sarif is None else {**what.to_json(), "sarif": sarif}

        def note() -> bool:
            return review_state.record(self.store.journal, due, verdict=verdict, level=level, payload=stored, now=now)

        first = self.store.journal_only(note, "writing down a verdict")
        if first:
            facts = {"job": due.job, "verdict": verdict, "rounds": what.rounds}
            told = f"{verdict} ({level})" if verdict else "failed"
            self.notify(Event(kind=EventKind.CHECKED, message=f"{due.job} {told}", facts=facts))
        return first

    def _drive(self, job: Job, result: Result, due: Due) -> RepairOutcome | None:
        """Drive the conversation as far as the replies go; None while one is still awaited."""

        def judge(answer: str, finish_reason: FinishReason | None) -> Report:
            return self._reports.of(job, answer, finish_reason)

        steps = converse(
            result.answer,
            prompt=shown(job.spec.body, job.spec.form),
            finish_reason=result.finish_reason,
            judge=judge,
            max_rounds=0 if self._has_double(due) else self.max_rounds,
        )
        number = 0
        try:
            request = next(steps)
            while True:
                number += 1
                reply = self._reply(job, due, number, request)
                if reply is None:
                    return None
                request = steps.send(reply)
        except StopIteration as end:
            outcome: RepairOutcome = end.value
            return outcome

    def _has_double(self, due: Due) -> bool:
        """Whether the caller has an answer already, and needs no better version of this one."""
        return self.store.look(lambda reader: review_state.has_double(reader, due))

    def _reply(self, job: Job, due: Due, number: int, request: AskAgain) -> ChatReply | None:
        """The reply to a request: None while the child job is open, an empty one if there will be none."""
        key = review_state.round_key(request.purpose.value, due, number)
        child = codec.keyed_id(self.store.journal.queue_id, key)
        found = self.store.look(lambda reader: reader.cell(child))
        if found is None:
            try:
                child_job = self._child(job, key, number, request)
                asked = shown(child_job.body, child_job.form)
                scan_for_new_secrets(f"what is asked about {job.id}", asked, known=self._said_before(job))
            except (
                PromptRefused,
                SecretFound,
            ):  # too long, holding what no file can hold, or what nobody wrote down yet
                return _NO_REPLY
            self.enqueue([child_job])
            message = f"{job.id} is asked about again ({request.purpose.value}, round {number}) as {child}"
            self.notify(
                Event(kind=EventKind.REPAIR, message=message, facts={"job": job.id, "child": child, "round": number})
            )
            return None
        inner = found[0].job
        answer = inner.best(inner.spec.body_sha256)
        if answer is not None:
            ended = answer.finish_reason or FinishReason.UNKNOWN
            return ChatReply(text=answer.answer, tool_calls=answer.tool_calls, finish_reason=ended)
        return _NO_REPLY if inner.is_cancelled or inner.spec.unreadable else None

    @staticmethod
    def _said_before(job: Job) -> str:
        """What stands in the queue already: the prompt and every answer to it."""
        return "\n".join((shown(job.spec.body, job.spec.form), *(result.answer for result in job.results)))

    @staticmethod
    def _child(job: Job, key: str, number: int, request: AskAgain) -> NewJob:
        options = job.spec.options
        if request.more_tokens:
            more = 2 * (options.max_tokens or DEFAULT_MAX_TOKENS)
            options = replace(options, max_tokens=min(more, int(OPTIONS["max_tokens"].high)))
        if request.warmer:
            usual = DEFAULT_TEMPERATURE if options.temperature is None else options.temperature
            options = replace(options, temperature=round(min(usual + request.warmer, OPTIONS["temperature"].high), 2))
        child = NewJob(
            body="", options=options, key=key, caller=job.spec.caller, batch=job.spec.batch, parent=job.id, round=number
        )
        return job_of(ChatRequest(prompt=request.messages), child)
