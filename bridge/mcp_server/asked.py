"""What an agent may say of a prompt: the schema of one, from the table of options."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.config import JsonDict

from bridge.core.options import OPTIONS, WIDEST, Options, OptionValue

Ids = Annotated[list[str], Field(min_length=1, description="Job ids, as enqueue_prompts gave them.")]
Id = Annotated[str, Field(description="A job id, or an unambiguous start of one.")]
Paths = Annotated[
    list[str], Field(description="Files of the project to show the model, relative to its root; their text goes with the prompt.")
]  # fmt: skip


def _field(name: str) -> Any:
    """A field of the tool's schema, with what the table of options says of it."""
    option = OPTIONS[name]
    limits = {"minimum": option.low, "maximum": option.high} if option.kind is not str else {}
    said: JsonDict = {word: limit for word, limit in limits.items() if abs(limit) < WIDEST}
    return Field(default=option.default, description=option.help, json_schema_extra=said)


class Prompt(BaseModel):
    """One prompt."""

    model_config = ConfigDict(extra="forbid")

    prompt: str = Field(description="What to ask, complete in itself: the model sees nothing else but `context`.")
    context: Paths = Field(default_factory=list)
    key: str | None = Field(
        default=None, description="Your own name for it; the same key again gives the first job and adds nothing."
    )
    system: str | None = Field(default=None, description="A system prompt.")
    lang: str | None = _field("lang")
    out: str | None = _field("out")
    model: str | None = _field("model")
    max_tokens: int | None = _field("max_tokens")
    window: int | None = _field("window")
    temperature: float | None = _field("temperature")
    top_p: float | None = _field("top_p")
    seed: int | None = _field("seed")
    stop: tuple[str, ...] = _field("stop")
    priority: int = _field("priority")

    @field_validator(*OPTIONS, mode="before")
    @classmethod
    def _as_the_table_says(cls, value: object, info: ValidationInfo) -> OptionValue | None:
        option = OPTIONS[info.field_name or ""]
        return option.default if value is None else option.read(value)

    def options(self) -> Options:
        """What it asks for."""
        return Options(**{name: getattr(self, name) for name in OPTIONS})
