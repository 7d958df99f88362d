"""What a model is asked and what it says, as values: messages, tools, the wanted form of the answer, and the reply.

No wire is known here: `bridge.protocols` reads and writes them. How an answer ended is the kernel's, because records of a
Colab tab say it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bridge.kernel.finish import FinishReason as FinishReason
from bridge.kernel.finish import read_finish_reason as read_finish_reason


class ChatRole(Enum):
    """Who speaks."""

    SYSTEM = "system"  # instructions; also what OpenAI calls developer
    USER = "user"  # the person or program that asks
    ASSISTANT = "assistant"  # the model
    TOOL = "tool"  # the result of a tool call


@dataclass(frozen=True, kw_only=True)
class TextPart:
    """A piece of a message that is text."""

    text: str


@dataclass(frozen=True, kw_only=True)
class ImagePart:
    """A piece of a message that is an image, by its address."""

    url: str  #: `https:`, or `data:` with the image itself in base64


MessagePart = TextPart | ImagePart


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """The model's wish to have a tool called."""

    id: str  #: what the tool's result names
    name: str
    arguments: str  #: a JSON object as the model wrote it; it may be none, or not fit the schema


@dataclass(frozen=True, kw_only=True)
class ChatMessage:
    """One message of a conversation."""

    role: ChatRole
    parts: tuple[MessagePart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()  #: of the assistant
    tool_call_id: str | None = None  #: of a tool's result: the call that it answers
    name: str | None = None

    @classmethod
    def of(cls, role: ChatRole, text: str) -> ChatMessage:
        """A message that is one text."""
        return cls(role=role, parts=(TextPart(text=text),) if text else ())

    @classmethod
    def user(cls, text: str) -> ChatMessage:
        """What somebody asks."""
        return cls.of(ChatRole.USER, text)

    @classmethod
    def system(cls, text: str) -> ChatMessage:
        """Instructions."""
        return cls.of(ChatRole.SYSTEM, text)

    @classmethod
    def assistant(cls, text: str) -> ChatMessage:
        """What the model said."""
        return cls.of(ChatRole.ASSISTANT, text)

    @property
    def text(self) -> str:
        """Its text parts, joined as they stand."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def has_image(self) -> bool:
        """Whether a model must see to read it."""
        return any(isinstance(part, ImagePart) for part in self.parts)

    @property
    def is_plain(self) -> bool:
        """Whether role and text are all of it."""
        more = self.has_image or self.tool_calls or self.tool_call_id or self.name
        return self.role is not ChatRole.TOOL and not more


@dataclass(frozen=True, kw_only=True)
class ToolDefinition:
    """A function that the model may ask for."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )  #: a JSON Schema
    strict: bool | None = None  #: whether the engine must hold the model to the schema; None: as the engine likes


class ToolUse(Enum):
    """Whether the model may, must or must not call tools."""

    AUTO = "auto"  # as it likes
    NONE = "none"  # not at all
    REQUIRED = "required"  # at least one
    NAMED = "named"  # the one that is named


@dataclass(frozen=True, kw_only=True)
class ToolChoice:
    """What the caller wants of tools."""

    use: ToolUse = ToolUse.AUTO
    name: str | None = None  #: of the one that must be called, with NAMED


class AnswerFormat(Enum):
    """What an answer must be."""

    TEXT = "text"  # anything
    JSON_OBJECT = "json_object"  # some JSON object
    JSON_SCHEMA = "json_schema"  # JSON that fits a schema


@dataclass(frozen=True, kw_only=True)
class ResponseFormat:
    """The wanted form of an answer."""

    kind: AnswerFormat = AnswerFormat.TEXT
    name: str = "answer"  #: of the schema
    schema: Mapping[str, object] | None = None  #: with JSON_SCHEMA
    strict: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ChatRequest:
    """What is asked, without the options of how to answer it."""

    prompt: str | tuple[ChatMessage, ...]  #: a prompt, or messages
    suffix: str | None = None  #: what follows the wanted text (fill-in-the-middle); with a prompt only
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    response_format: ResponseFormat = ResponseFormat()
    n: int = 1  #: answers wanted

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """The prompt as messages."""
        return (ChatMessage.user(self.prompt),) if isinstance(self.prompt, str) else self.prompt

    @property
    def is_plain(self) -> bool:
        """Whether its prompt or messages are all of it, and are text."""
        bare = ChatRequest(prompt=self.prompt)
        same = all(getattr(self, name) == getattr(bare, name) for name in ChatRequest.__dataclass_fields__)
        return same and all(message.is_plain for message in self.messages)


@dataclass(frozen=True, kw_only=True)
class ChatReply:
    """What the model said to a request."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = FinishReason.STOP
