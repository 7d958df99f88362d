"""What an engine is: it answers a request, piece by piece, or raises one of the errors below `EngineError`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from bridge.core.errors import BadRequest
from bridge.core.job import Spec
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, OPTIONS, SAMPLING, OptionError
from bridge.kernel.error_kind import Stopped
from bridge.kernel.stop import Stop

__all__ = ["Answer", "Engine", "EngineModel", "Health", "OnProgress", "OnToken", "Request", "Stop", "Stopped"]

OnToken = Callable[[str], None]
#: status, bytes done, bytes in all (0: not known)
OnProgress = Callable[[str, int, int], None]

Message = Mapping[str, Any]


def ignore_token(_piece: str) -> None:
    """For callers that only want the whole."""


def ignore_progress(_status: str, _done_bytes: int, _total_bytes: int) -> None:
    """For callers that do not watch a download."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One prompt with all that an engine needs to answer it. None: the engine's default."""

    prompt: str | tuple[Message, ...]  #: a prompt, or chat messages with `role` and `content`
    model: str
    num_ctx: int = DEFAULT_NUM_CTX  #: tokens for prompt and answer together; engines whose context is fixed ignore it
    max_tokens: int = DEFAULT_MAX_TOKENS  #: of the answer
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    timeout_s: float | None = None  #: for the whole answer

    @classmethod
    def for_job(cls, spec: Spec, *, model: str, num_ctx: int, max_tokens: int, timeout_s: float | None = None) -> Self:
        """The request of a job to the model that it gets; what else it does not ask for is as given here.

        Raises:
            BadRequest: the body of a chat job is no JSON list of messages.
        """
        options = spec.options
        return cls(
            prompt=read_chat(spec.body) if spec.chat else spec.body,
            model=model,
            num_ctx=num_ctx,
            max_tokens=options.max_tokens or max_tokens,
            timeout_s=timeout_s,
            **{name: getattr(options, name) for name in SAMPLING},
        )

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt as chat messages."""
        return ({"role": "user", "content": self.prompt},) if isinstance(self.prompt, str) else self.prompt

    @property
    def text(self) -> str:
        """All that the model reads, as one text; for counting."""
        return self.prompt if isinstance(self.prompt, str) else json.dumps(list(self.prompt), ensure_ascii=False)

    def sampling(self) -> dict[str, Any]:
        """The sampling options that were asked for, by the names that all engines share."""
        given = {name: getattr(self, name) for name in SAMPLING}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items() if value not in (None, ())
        }  # fmt: skip

    def check(self) -> None:
        """Refuse what no engine can answer.

        Raises:
            BadRequest: an empty prompt, an option that cannot have its value, or no room for an answer.
        """
        if not (self.prompt.strip() if isinstance(self.prompt, str) else self.prompt):
            raise BadRequest("the prompt is empty")
        for name in ("max_tokens", *SAMPLING):
            try:
                if (value := getattr(self, name)) is not None:
                    OPTIONS[name].read(value)
            except OptionError as error:
                raise BadRequest(str(error)) from None
        if self.num_ctx < 1:
            raise BadRequest("num_ctx must be at least 1")


def read_chat(body: str) -> tuple[Message, ...]:
    """The messages of a chat job's body.

    Raises:
        BadRequest: no JSON list of objects with a role.
    """
    try:
        messages = json.loads(body)
    except ValueError as error:
        raise BadRequest(f"the body of a --chat job is a JSON list of messages: {error}") from None
    if not isinstance(messages, list) or not all(
        isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages
    ):
        raise BadRequest("the body of a --chat job is a JSON list of messages, each with a role")
    return tuple(messages)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer. What an engine does not count is missing."""

    text: str
    finish_reason: str  #: stop; length: cut at the token limit; repetition: given up by the engine
    model: str
    model_digest: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)  #: prompt_tokens, completion_tokens
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer

    @property
    def truncated(self) -> bool:
        """Whether it is not whole."""
        return self.finish_reason != "stop"


@dataclass(frozen=True, kw_only=True)
class EngineModel:
    """A model that an engine has."""

    name: str
    digest: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """How an engine is. Asking never raises."""

    ok: bool
    detail: str  #: for a person: what it is, or why it does not answer
    version: str = ""
    loaded: tuple[str, ...] = ()  #: models in its memory
    gpu_share: float | None = None  #: of the loaded model that is least on the GPU, 0 to 1; None: not known


class Engine(Protocol):
    """Answers prompts. Threads may share one; `close` ends what it started."""

    @property
    def name(self) -> str:
        """The kind of engine, for a result's `worker.engine`."""

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """The whole answer. `on_token` gets each piece as it comes, in the calling thread; what it raises passes through.

        Raises:
            EngineError: one of its subclasses; what had come of the answer is in its `partial`.
            Stopped: `stop` was set; also ends a request that is waiting.
        """

    def models(self) -> tuple[EngineModel, ...]:
        """What it can answer with. Raises EngineError."""

    def pull(self, model: str, on_progress: OnProgress = ignore_progress) -> None:
        """Have a model. Does nothing if it is there. Raises EngineError."""

    def health(self) -> Health:
        """Whether it would answer; quick."""

    def close(self) -> None:
        """Give back what it holds; safe twice."""
