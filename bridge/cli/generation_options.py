"""Options of the table in `core.options` as options of a command, with its type, range, default and help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import click

from bridge.core.errors import BadOption
from bridge.core.options import OPTIONS, Option, OptionError, Options, OptionValue, OptionValues

_NAMES = {str: "text", int: "integer", float: "float"}


class OptionType(click.ParamType[OptionValue]):
    """Reads a text as the table says."""

    def __init__(self, option: Option) -> None:
        self.option = option
        self.name = _NAMES[option.kind]

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> OptionValue:
        """Read it; click reports what is wrong."""
        try:
            return self.option.read_text(str(value))
        except OptionError as error:
            self.fail(str(error), param, ctx)


def worker_option(option: Option, *flags: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """The option for a worker, under these flags, with its default."""
    return click.option(*flags, type=OptionType(option), default=option.default, show_default=True, help=option.help)


def setting_option(
    option: Option, *flags: str, default: str
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """The same, but that None means: as the settings say. `default`: in words, for the help."""
    return click.option(*flags, type=OptionType(option), help=f"{option.help.rstrip('.')} (default: {default}).")


def job_option(option: Option, *, metavar: str = "") -> Callable[[Callable[..., object]], Callable[..., object]]:
    """The option for a job, as the text that was given; `read_options` reads it."""
    metavar = metavar or _NAMES[option.kind].upper()
    return click.option(option.flag, metavar=metavar, multiple=option.many, help=option.help)


def read_options(asked: Mapping[str, object]) -> Options:
    """The options of a job from the texts of a command line. Raises BadOption."""
    return Options.of(dict(_read(asked)))


def read_given(asked: Mapping[str, object]) -> OptionValues:
    """The options that a command line gives, and no others. Raises BadOption."""
    given = {name: value for name, value in _read(asked) if value != ()}
    return cast("OptionValues", given)  # each was just read as the table says


def _read(asked: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    try:
        for name, option in OPTIONS.items():
            given = asked.get(name)
            if isinstance(given, tuple):
                yield name, tuple(map(option.read_text, given))
            elif given is not None:
                yield name, option.read_text(str(given))
    except OptionError as error:
        raise BadOption(str(error)) from None
