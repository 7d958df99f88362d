"""What the tools give back. Every reply says in `next` what to do with it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bridge.delivery.payload import HandOver
from bridge.mcp_server.words import NOTICE


class ToolReply(BaseModel):
    """Any of them."""

    next: str = Field(description="What to do next.")


class Enqueued(ToolReply):
    """What became of the prompts, in their order."""

    jobs: list[str]
    already_there: list[str] = Field(description="Of these, those whose key named a job before: nothing was added.")
    different_text: list[str] = Field(description="Of those, the ones that ask something else than your text now.")


class ContextFile(BaseModel):
    """A file as the model would see it."""

    path: str
    characters: int
    tokens: int = Field(description="Estimated.")
    problem: str | None = Field(description="Why it cannot go with a prompt; null: it can.")


class ContextSize(ToolReply):
    """What a prompt with files comes to."""

    files: list[ContextFile]
    tokens: int = Field(description="Of the prompt and all good files together, estimated.")
    window: int = Field(description="Tokens that the model reads and writes in all.")
    left_for_the_answer: int
    fits: bool


class QueueStatus(ToolReply):
    """The queue at a glance."""

    queue: str
    jobs_by_state: dict[str, int]
    workers_alive: int
    seconds_left: float | None
    oldest_queued_seconds: float | None


class ListedJob(BaseModel):
    """A job in a list."""

    job: str
    state: str
    verdict: str | None
    key: str | None
    created_at: str | None
    first_words: str


class JobList(ToolReply):
    """Jobs, newest first."""

    untrusted: str = NOTICE
    jobs: list[ListedJob]


class WaitReply(ToolReply):
    """What is ready; what is not stays in the queue."""

    untrusted: str = NOTICE
    ready: list[HandOver]
    not_ready: list[str]


class OneResult(ToolReply):
    """One job as it stands."""

    untrusted: str = NOTICE
    result: HandOver


class ChangedJobs(ToolReply):
    """The jobs that were changed."""

    jobs: list[str]


class FileChange(BaseModel):
    """What becomes of one file."""

    path: str
    step: str
    diff: str


class Applied(ToolReply):
    """What was, or would be, written."""

    untrusted: str = NOTICE
    files: list[FileChange]
    written: list[str]
