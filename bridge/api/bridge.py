"""The Python door: a queue as an object.

    from bridge import Bridge

    with Bridge("notebooks/qwen_bridge.ipynb") as queue:
        job = queue.add("Write a Python function that ...", lang="python")
        print(job.result(timeout_s=3600).answer)

Every method takes in first what others wrote to the notebook. Methods may be called from several threads. docs/python.md tells more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from bridge import wiring
from bridge.api.awaited_jobs import AwaitedJobs
from bridge.api.handle import JobHandle
from bridge.core.job import NewJob
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, Options, OptionValues
from bridge.core.states import State
from bridge.intake.prompt import compose
from bridge.intake.secret_scan import scan_for_secrets

if TYPE_CHECKING:
    from bridge.api.work import Answerer
    from bridge.delivery.review import Reviewer
    from bridge.worker.config import WorkSummary


class Bridge(AwaitedJobs):
    """A queue: its jobs, waiting for them, answering them, and what becomes of their answers."""

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
    ) -> JobHandle:
        """Add a job; gives its id, which is a handle on it as well. On disk when this returns.

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
        return JobHandle(self.add_many([new], allow_secrets=allow_secrets)[0].id, self)

    def job(self, job: str) -> JobHandle:
        """A handle on a job, given by id or unambiguous prefix. Raises UnknownJob, AmbiguousJob."""
        return JobHandle(self._found([job])[0], self)

    def work(
        self,
        engine: Answerer = "ollama",
        *,
        model: str | None = None,
        lanes: int = 1,
        check: bool = True,
        max_rounds: int = 2,
        max_time_s: float | None = None,
        num_ctx: int = DEFAULT_NUM_CTX,
        max_tokens: int = DEFAULT_MAX_TOKENS,
        pull: bool = False,
    ) -> WorkSummary:
        """Answer the jobs that wait, in this process, until none is left: `bridge work` for scripts and tests.

        Args:
            engine: ollama, openai, llamacpp, scripted, or a NAME of `[engines.NAME]` in bridge.toml; an `Engine`; or a function
                that takes a prompt and gives its answer.
            model: for jobs that name none; None: qwen2.5-coder:32b for Ollama, else the engine's only one.
            lanes: requests at once.
            check: check the answers as well, without running them, and answer the rounds of repair; False: answer only.
            max_rounds: repair rounds, if this does the checking; 0: none.
            max_time_s: begin nothing after so long; None: no limit.
            num_ctx: the model's window, in tokens.
            max_tokens: the longest answer of jobs that say nothing, in tokens.
            pull: fetch the model if it is missing.

        Raises:
            ConfigError: unknown engine, or nobody can say which model.
            ModelMissing, EngineError: the engine has no such model, or cannot load it.
            QueueError: the queue cannot be read, or the journal cannot be written.
        """
        from bridge.api.work import ready_engine, work_off
        from bridge.worker.config import WorkerConfig

        def reviewer() -> Reviewer:
            rules = wiring.Rules(max_rounds=max_rounds)
            return wiring.open_reviewer(self.opened, self.toolchain(), rules, self.store.notify)

        asked = {line.model for line in self.jobs(state=[State.QUEUED, State.RUNNING]) if line.model}
        ready = ready_engine(engine, self.opened, model=model, lanes=lanes, pull=pull, asked=asked)
        with ready as (opened, models):
            plan = WorkerConfig(
                model=models.default, auto_model=models.auto, lanes=lanes, max_time_s=max_time_s, num_ctx=num_ctx,
                max_tokens=max_tokens,
            )  # fmt: skip
            return work_off(self.opened, opened, plan, reviewer if check else None)
