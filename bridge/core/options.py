"""What a caller may ask for beside the prompt, as a value. The table that says what each option may hold is the kernel's, re-exported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self, TypedDict

from bridge.core.errors import BadOption
from bridge.core.paths import refuse
from bridge.kernel.options import CHARS_PER_TOKEN as CHARS_PER_TOKEN
from bridge.kernel.options import DEFAULT_MAX_TOKENS as DEFAULT_MAX_TOKENS
from bridge.kernel.options import DEFAULT_NUM_CTX as DEFAULT_NUM_CTX
from bridge.kernel.options import LONGEST_ANSWER as LONGEST_ANSWER
from bridge.kernel.options import OPTIONS as OPTIONS
from bridge.kernel.options import SAMPLING as SAMPLING
from bridge.kernel.options import WIDEST as WIDEST
from bridge.kernel.options import WORKER_OPTIONS as WORKER_OPTIONS
from bridge.kernel.options import Option as Option
from bridge.kernel.options import OptionError as OptionError
from bridge.kernel.options import OptionValue as OptionValue
from bridge.kernel.options import longest_answer as longest_answer

#: What most engines take where nobody says otherwise (generation_config.json of Qwen2.5-Coder); only rounds that are to be warmer count from it.
DEFAULT_TEMPERATURE = 0.7


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a job, each as `OPTIONS` says (a test compares), `out` as `paths.refuse` says as well.

    None or empty: the worker's or the engine's default.

    Raises:
        BadOption: a value that an option cannot have.
    """

    lang: str | None = None
    out: str | None = None
    model: str | None = None
    max_tokens: int | None = None
    window: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    priority: int = 0

    def __post_init__(self) -> None:
        try:
            for name, value in vars(self).items():
                if value is not None and value != () and (read := OPTIONS[name].read(value)) is not value:
                    object.__setattr__(self, name, read)  # a list of texts becomes a tuple
        except OptionError as error:
            raise BadOption(str(error)) from None
        if self.out is not None and (reason := refuse(self.out)):
            raise BadOption(f"out {self.out!r} {reason}")

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Self:
        """Options from values by name, none of them checked yet. Raises BadOption."""
        values: dict[str, Any] = {**given}  # each is checked when it is taken
        return cls(**values)

    def given(self) -> dict[str, object]:
        """The options that differ from their default."""
        held = vars(self)
        return {name: held[name] for name, default in _defaults().items() if held[name] != default}


@cache
def _defaults() -> dict[str, object]:
    """{option: its default}, in order."""
    return {field.name: field.default for field in fields(Options)}


class OptionValues(TypedDict, total=False):
    """The same as keywords of a call, such as `Bridge.add`."""

    lang: str | None
    out: str | None
    model: str | None
    max_tokens: int | None
    window: int | None
    temperature: float | None
    top_p: float | None
    seed: int | None
    stop: tuple[str, ...]
    priority: int
