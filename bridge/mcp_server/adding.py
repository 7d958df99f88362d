"""Tools that put prompts into the queue, and say before what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from bridge.api.bridge import Bridge
from bridge.core.errors import BridgeError, UsageError
from bridge.core.job import NewJob
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.delivery.project import Project
from bridge.intake.prompt import compose
from bridge.intake.secret_scan import scan_for_secrets
from bridge.kernel.error_kind import estimate_tokens
from bridge.mcp_server import words
from bridge.mcp_server.asked import Paths, Prompt
from bridge.mcp_server.replies import ContextFile, ContextSize, Enqueued
from bridge.mcp_server.strict import refusals


class AddingTools:
    """Each does what one method of `Bridge` does; files are read below the project's root only, and never through a link."""

    def __init__(self, bridge: Bridge, root: Path) -> None:
        self._bridge = bridge
        self._project = Project(root)

    def enqueue_prompts(
        self,
        prompts: Annotated[list[Prompt], Field(min_length=1, max_length=1000)],
        caller: Annotated[str | None, Field(description="Who asks; lets you find your jobs again.")] = None,
    ) -> Enqueued:
        """Queue coding prompts for a batch model; gives their job ids at once and waits for nothing.

        Use it instead of a live model when you are rate limited, or for boilerplate that may be ready later or overnight. All
        prompts are added or none; they are on disk when this returns. Expect seconds to minutes a prompt once a worker runs,
        hours if nobody has started one. With a local engine nothing leaves the machine; in Colab prompts go to the owner's Drive.
        """
        with refusals():
            jobs = []
            for number, asked in enumerate(prompts, 1):
                scan_for_secrets([(f"prompt {number}", asked.prompt)])
                files = [(path, self._text(path)) for path in asked.context]
                scan_for_secrets((f"{path} of prompt {number}", text) for path, text in files)
                body, form = compose(asked.prompt, system=asked.system, context=files)
                jobs.append(NewJob(body=body, form=form, options=asked.options(), key=asked.key, caller=caller))
            added = self._bridge.add_many(jobs)
        ids = [job.id for job in added]
        different = [job.id for job in added if job.differs]
        return Enqueued(
            jobs=ids,
            already_there=[job.id for job in added if job.existed],
            different_text=different,
            next=words.after_adding(ids, differing=different),
        )

    def context(
        self,
        files: Paths,
        prompt: Annotated[str, Field(description="The prompt that they would go with.")] = "",
        window: Annotated[int, Field(ge=256, description="The model's window in tokens.")] = DEFAULT_NUM_CTX,
    ) -> ContextSize:
        """Say what files of the project come to as the context of a prompt, before you queue it: tokens, secrets, and whether it fits.

        Changes nothing. Files are named relative to the project that the server was started for; the same names go into `context`
        of a prompt of enqueue_prompts, which reads them itself: you need not paste their text.
        """
        found = [self._sized(path) for path in files]
        tokens = estimate_tokens(prompt) + sum(file.tokens for file in found if file.problem is None)
        left = max(0, window - tokens)
        bad = [file.path for file in found if file.problem]
        if bad:
            then = f"Leave out {', '.join(bad)}, or give other files: `problem` says why."
        elif left < window // 4:
            then = "Little or no room is left for the answer: give fewer files, or the parts of them that matter, in the prompt."
        else:
            then = "Give these names as `context` of a prompt in enqueue_prompts."
        return ContextSize(
            files=found, tokens=tokens, window=window, left_for_the_answer=left, fits=left > 0 and not bad, next=then
        )

    def _sized(self, path: str) -> ContextFile:
        try:
            text = self._text(path)
            scan_for_secrets([(path, text)])
        except BridgeError as error:
            return ContextFile(path=path, characters=0, tokens=0, problem=str(error).partition("\nTake it out")[0])
        return ContextFile(path=path, characters=len(text), tokens=estimate_tokens(text), problem=None)

    def _text(self, path: str) -> str:
        """A file of the project. Raises UsageError."""
        text = self._project.text(path)
        if text is None:
            raise UsageError(f"the project has no file {path!r}")
        return text
