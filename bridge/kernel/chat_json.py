"""The JSON of a request in the shape of OpenAI's chat completions, as types: what `chat` gives and `ollama_chat` takes.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict


class TextPartJson(TypedDict):
    """A part of a message that is text."""

    type: Literal["text"]
    text: str


class ImageUrl(TypedDict):
    """Where an image is; mostly a data: URL."""

    url: str


class ImagePartJson(TypedDict):
    """A part of a message that is an image."""

    type: Literal["image_url"]
    image_url: ImageUrl


PartJson: TypeAlias = TextPartJson | ImagePartJson


class CalledFunction(TypedDict):
    """The function of a call; `arguments` is JSON as a text."""

    name: str
    arguments: str


class CallJson(TypedDict):
    """A call of a tool."""

    id: str
    type: str
    function: CalledFunction


class _Said(TypedDict):
    role: str
    content: str | list[PartJson] | None


class MessageJson(_Said, total=False):
    """A message."""

    tool_calls: list[CallJson]
    tool_call_id: str
    name: str


class Strictness(TypedDict, total=False):
    """Whether a schema must be kept to the letter, if that is said."""

    strict: bool


class OfferedFunction(Strictness):
    """A function that the model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, object]


class ToolJson(TypedDict):
    """A tool."""

    type: str
    function: OfferedFunction


class FunctionName(TypedDict):
    """A function that is named."""

    name: str


class ChoiceJson(TypedDict):
    """The one function that must be called."""

    type: str
    function: FunctionName


class SchemaJson(Strictness):
    """The schema that an answer must match."""

    name: str
    schema: dict[str, object]


class _Typed(TypedDict):
    type: str


class FormatJson(_Typed, total=False):
    """How an answer is to look."""

    json_schema: SchemaJson


class RequestJson(TypedDict, total=False):
    """A request; either `messages` or `prompt` is there."""

    messages: list[MessageJson]
    prompt: str
    tools: list[ToolJson]
    tool_choice: str | ChoiceJson
    response_format: FormatJson
    n: int
    suffix: str
