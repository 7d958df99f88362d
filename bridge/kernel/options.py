"""The options of a job, in one table: what each may hold, read in the same way at every door. Below it, Ollama's own.

Doors are the header of a prompt cell, the command line, Python, MCP, the lines of a batch, and the request to an engine. Each takes
its options from `OPTIONS`, or a test compares it with them (tests/intake/test_doors.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .error_kind import ErrorKind, OllamaError

#: Tokens for prompt and answer together, where nobody says otherwise.
DEFAULT_NUM_CTX = 8192
#: Tokens of an answer, where nobody says otherwise.
DEFAULT_MAX_TOKENS = 4096
#: Characters that any answer may have; one that was allowed more tokens may have `CHARS_PER_TOKEN` for each.
LONGEST_ANSWER = 1_000_000
#: Far above what text has (3.4 for code, about 8 for white space): only an engine that ignores its token limit comes here.
CHARS_PER_TOKEN = 16

OptionValue = str | int | float | tuple[str, ...]

#: Numbers have at most 18 digits, so that every language and SQLite can hold them.
WIDEST = 10**18 - 1
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class OptionError(ValueError):
    """A value that an option cannot have; the message names the option, what it takes, and the value."""


def longest_answer(max_tokens: int, at_least: int = LONGEST_ANSWER) -> int:
    """Characters after which an answer of at most so many tokens is cut."""
    return max(at_least, CHARS_PER_TOKEN * max_tokens)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option: what it may hold, and where it goes."""

    name: str
    kind: type[str] | type[int] | type[float]
    help: str  #: a noun phrase and the default
    default: OptionValue | None = None  #: None: whoever answers decides
    low: float = -WIDEST
    high: float = WIDEST
    many: bool = False  #: several texts; a text alone is a list of one
    of_request: bool = False  #: is part of the request to an engine
    openai: tuple[str, ...] = ()  #: its fields in a request of OpenAI's shape, in the order in which they count

    @property
    def flag(self) -> str:
        """As headers and the command line write it."""
        return "--" + self.name.replace("_", "-")

    @property
    def takes(self) -> str:
        """What it may hold, in words."""
        if self.many:
            return "a text that is not empty, or a list of such texts"
        if self.kind is str:
            return "a text that is not empty and has no control characters"
        if self.kind is float:
            return f"a number from {self.low:g} to {self.high:g}"
        least = f" from {self.low:g}" if self.low > -WIDEST else ""
        most = f" to {self.high:g}" if self.high < WIDEST else ", of at most 18 digits"
        return f"a whole number{least}{most}"

    def read(self, value: object) -> OptionValue:
        """The value, if the option can have it: a number or a text as JSON and Python have them. Raises OptionError."""
        if not self.many:
            return self._one(value)
        items = (value,) if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise self._refusal(value)
        return tuple(str(self._one(item)) for item in items)

    def read_text(self, text: str) -> OptionValue:
        """The value that a text on a command line stands for; of several texts, one. Raises OptionError."""
        if self.kind is str:
            return self._one(text)
        try:
            number = float(text)
        except ValueError:
            raise self._refusal(text) from None
        if self.kind is float:
            return self._one(number)
        if not re.fullmatch(r"[+-]?\d{1,18}", text):
            raise OptionError(f"{self.name} must be {self.takes}, not {text}")
        return self._one(int(text))

    def read_flag(self, text: str) -> OptionValue:
        """The value of a header's flag: as `read_text`, but that one of several texts is a JSON string. Raises OptionError.

        Such a text may hold line ends, and a header is one line.
        """
        if not self.many:
            return self.read_text(text)
        try:
            value = json.loads(text)
        except ValueError:
            raise OptionError(f"{self.name} must be a JSON string in a header, not {text!r}") from None
        return self._one(value)

    def write_flags(self, value: OptionValue) -> list[str]:
        """The texts of a header's flags, which `read_flag` reads back."""
        return [json.dumps(item) for item in value] if isinstance(value, tuple) else [format_number(value)]

    def _one(self, value: object) -> str | int | float:
        if isinstance(value, str) and self.kind is str:
            if value and (self.many or (value.strip() and not _CONTROL.search(value))):
                return value
        elif isinstance(value, int | float) and self._has(value):
            return self.kind(value)
        raise self._refusal(value)

    def _has(self, number: float) -> bool:
        fits = self.kind is float or (self.kind is int and isinstance(number, int))
        return fits and not isinstance(number, bool) and self.low <= number <= self.high

    def _refusal(self, value: object) -> OptionError:
        shown = format_number(value) if isinstance(value, float) else repr(value)
        return OptionError(f"{self.name} must be {self.takes}, not {shown}")


def format_number(value: object) -> str:
    """A value as header text: floats at full precision and without a needless `.0`."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _table(*options: Option) -> Mapping[str, Option]:
    return {option.name: option for option in options}


#: What a job may ask for beside its prompt, in the order in which a header holds it. `bridge.core.options.Options` has the values.
OPTIONS: Mapping[str, Option] = _table(
    Option(name="lang", kind=str, help="Language of the code, such as python; it is checked as this language."),
    Option(name="out", kind=str, help="Path of the code below your project; `bridge apply` writes it there."),
    Option(name="model", kind=str, of_request=True, openai=("model",),
           help="Model, as the engine names it; `auto`: the largest that fits (default: the worker's)."),
    Option(name="max_tokens", kind=int, low=1, of_request=True, openai=("max_completion_tokens", "max_tokens"),
           help="Longest answer in tokens (default: the worker's)."),
    Option(name="window", kind=int, low=256, help="Context: tokens for prompt and answer, 256 or more (default: the worker's)."),
    Option(name="temperature", kind=float, low=0, high=2, of_request=True, openai=("temperature",),
           help="Randomness, 0 to 2 (default: the engine's)."),
    Option(name="top_p", kind=float, low=0, high=1, of_request=True, openai=("top_p",),
           help="Nucleus sampling: the share of likely words to choose from, 0 to 1 (default: the engine's)."),
    Option(name="seed", kind=int, of_request=True, openai=("seed",),
           help="Seed, for answers that repeat (default: the engine's)."),
    Option(name="stop", kind=str, many=True, default=(), of_request=True, openai=("stop",),
           help="Text that ends the answer; may be given several times (default: none)."),
    Option(name="priority", kind=int, default=0, help="Priority; higher runs earlier (default 0)."),
)  # fmt: skip

#: Those that say how an engine picks its words; an engine gets them by these names.
SAMPLING: tuple[str, ...] = ("temperature", "top_p", "seed", "stop")

#: What a worker is told once, for all of its jobs.
WORKER_OPTIONS: Mapping[str, Option] = _table(
    Option(name="lanes", kind=int, low=1, high=256, default=1, help="Lanes: requests at the same time, 1 to 256."),
    Option(name="num_ctx", kind=int, low=256, default=DEFAULT_NUM_CTX, help="Context: tokens for prompt and answer, 256 or more."),
    Option(name="max_tokens", kind=int, low=1, default=DEFAULT_MAX_TOKENS,
           help="Longest answer in tokens, for jobs that name no limit."),
)  # fmt: skip


#: Every option that Ollama reads, with its type (api/types.go, Options and Runner). A wrong type is an HTTP 500 there
#: and an unknown name only a line in its log, so both are refused here.
OLLAMA_OPTIONS: Mapping[str, type] = {
    **dict.fromkeys(
        ("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread"),
        int,
    ),
    **dict.fromkeys(
        ("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"), float
    ),
    "stop": list,
    "use_mmap": bool,
}  # fmt: skip


def check_options(options: Mapping[str, object]) -> None:
    """Refuse what Ollama would ignore or answer with a 500.

    Raises:
        OllamaError: BAD_REQUEST, naming the option.
    """
    for name, value in options.items():
        wanted = OLLAMA_OPTIONS.get(name)
        if wanted is None:
            raise OllamaError(
                ErrorKind.BAD_REQUEST, f"unknown option {name!r}; known are {', '.join(sorted(OLLAMA_OPTIONS))}"
            )
        fits = isinstance(value, (int, float) if wanted is float else wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise OllamaError(
                ErrorKind.BAD_REQUEST, f"option {name!r} must be of type {wanted.__name__}, not {value!r}"
            )
