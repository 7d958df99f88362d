"""What an engine is: it answers a request, piece by piece, or raises one of the errors below `EngineError`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from bridge.core.chat import ChatReply, ChatRequest, ResponseFormat, ToolUse
from bridge.core.errors import BadRequest, NotSupported
from bridge.core.job import Spec
from bridge.core.options import DEFAULT_MAX_TOKENS, DEFAULT_NUM_CTX, OPTIONS, SAMPLING, OptionError
from bridge.kernel.error_kind import Stopped
from bridge.kernel.stop import Stop
from bridge.protocols.job_body import read_body, texts_of
from bridge.protocols.openai import ChatError

__all__ = [
    "Answer", "Capabilities", "Engine", "EngineModel", "Health", "OnProgress", "OnToken", "Request", "Stop",
    "Stopped",
]  # fmt: skip

OnToken = Callable[[str], None]
#: status, bytes done, bytes in all (0: not known)
OnProgress = Callable[[str, int, int], None]


def ignore_token(_piece: str) -> None:
    """For callers that only want the whole."""


def ignore_progress(_status: str, _done_bytes: int, _total_bytes: int) -> None:
    """For callers that do not watch a download."""


@dataclass(frozen=True, kw_only=True)
class Request(ChatRequest):
    """What is asked, with all that an engine needs to answer it. None: the engine's default."""

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
            BadRequest: the body of the job is not what its header says.
        """
        options = spec.options
        try:
            asked = read_body(spec.body, spec.form)
        except ChatError as error:
            raise BadRequest(str(error)) from None
        return cls(
            prompt=asked.prompt,
            suffix=asked.suffix,
            tools=asked.tools,
            tool_choice=asked.tool_choice,
            response_format=asked.response_format,
            n=asked.n,
            model=model,
            num_ctx=options.window or num_ctx,
            max_tokens=options.max_tokens or max_tokens,
            timeout_s=timeout_s,
            **{name: getattr(options, name) for name in SAMPLING},
        )

    @property
    def text(self) -> str:
        """All that the model reads but the tools, as one text."""
        return "\n".join(texts_of(self))

    def sampling(self) -> dict[str, object]:
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
            NotSupported: more than one answer.
        """
        if not self.text.strip() and not any(message.has_image for message in self.messages):
            raise BadRequest("the prompt is empty")
        if self.n > 1:
            raise NotSupported(f"one request gives one answer, not {self.n}: ask {self.n} times")
        if self.suffix is not None and (self.tools or not isinstance(self.prompt, str)):
            raise BadRequest("fill-in-the-middle takes a plain prompt, without messages and tools")
        for name in ("max_tokens", *SAMPLING):
            try:
                if (value := getattr(self, name)) is not None:
                    OPTIONS[name].read(value)
            except OptionError as error:
                raise BadRequest(str(error)) from None
        if self.num_ctx < 1:
            raise BadRequest("num_ctx must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Answer(ChatReply):
    """A whole answer. What an engine does not count is missing."""

    model: str
    model_digest: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)  #: prompt_tokens, completion_tokens
    timing_s: Mapping[str, float] = field(default_factory=dict)  #: total, load, prompt, answer

    @property
    def truncated(self) -> bool:
        """Whether it is known not to be whole."""
        return self.finish_reason.is_cut


@dataclass(frozen=True, kw_only=True)
class EngineModel:
    """A model that an engine has."""

    name: str
    digest: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What an engine can do with one model. What it cannot, it refuses with `NotSupported`."""

    tools: bool = False  #: offers tools to the model and reads its calls
    tool_choice: bool = False  #: makes the model call a tool: `required`, or a named one
    json_schema: bool = False  #: holds the answer to a JSON Schema, or to JSON
    suffix: bool = False  #: fill-in-the-middle
    images: bool = False  #: reads images
    embeddings: bool = False
    exact_counts: bool = False  #: counts tokens as the model reads them
    context_tokens: int | None = None  #: the longest that the model has; None: not known

    def require(self, request: ChatRequest, model: str) -> None:
        """Refuse what a request asks for and this cannot do.

        Raises:
            NotSupported: says what.
        """
        forced = request.tool_choice.use in (ToolUse.REQUIRED, ToolUse.NAMED)
        wanted = {
            "call tools": bool(request.tools) and not self.tools,
            "be made to call a tool": bool(request.tools) and forced and not self.tool_choice,
            "be held to a JSON form": request.response_format != ResponseFormat() and not self.json_schema,
            "fill in the middle": request.suffix is not None and not self.suffix,
            "read images": not self.images and any(message.has_image for message in request.messages),
        }
        lacking = [what for what, is_lacking in wanted.items() if is_lacking]
        if lacking:
            raise NotSupported(f"{model} cannot {' or '.join(lacking)} with this engine")


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

    def capabilities(self, model: str) -> Capabilities:
        """What it can do with a model; loads nothing. Raises EngineError."""

    def count_tokens(self, request: Request) -> int:
        """How many tokens a request is as the model reads it, template and tools included; may load the model.

        Raises:
            NotSupported: it cannot count exactly.
            EngineError: as `answer`; ContextExceeded where the engine reads no longer prompt.
        """

    def embed(self, texts: Sequence[str], model: str) -> tuple[tuple[float, ...], ...]:
        """One vector for each text.

        Raises:
            NotSupported: the model, or the engine, has no embeddings.
            EngineError: as `answer`.
        """

    def load(self, model: str, *, num_ctx: int = Request.num_ctx) -> None:
        """Have a model in memory, ready for requests with this context. Does nothing where there is no such thing. Raises EngineError."""

    def unload(self, model: str) -> None:
        """Have a model out of memory; nothing if it is not in it. Raises EngineError."""

    def remove(self, model: str) -> None:
        """Have a model off its disk. Raises EngineError: ModelMissing, or NotSupported where that is not ours to do."""

    def health(self) -> Health:
        """Whether it would answer; quick. Starts and loads nothing."""

    def close(self) -> None:
        """Give back what it holds; safe twice."""
