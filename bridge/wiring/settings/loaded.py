"""Settings that were read: their values, where each came from, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from pathlib import Path

from bridge.core.errors import ConfigError
from bridge.wiring.settings.values import Settings, declared

KeyPath = tuple[str, ...]  #: of a key: ("gateway", "port")


class OriginKind(Enum):
    """What said a value."""

    DEFAULT = "default"  # nobody did
    FILE = "file"  # bridge.toml
    ENVIRONMENT = "environment"  # a variable
    COMMAND_LINE = "command_line"  # an option


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a value came from; `where` is for people: a file with its line, a variable, an option."""

    kind: OriginKind = OriginKind.DEFAULT
    where: str = "default"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing that is wrong, where it stands, and what to do."""

    where: str
    message: str

    def __str__(self) -> str:
        """As one line."""
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class SettingFact:
    """One setting as `bridge config` shows it: its value as JSON has it, and where that came from."""

    name: str
    value: object
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class LoadedSettings:
    """What was read. Keys with a mistake have their default."""

    settings: Settings
    file: Path | None
    origins: Mapping[str, Origin] = field(default_factory=dict)  #: {"gateway.port": ...}; what is not here is a default
    mistakes: Sequence[Mistake] = ()

    def valid(self) -> Settings:
        """The settings, if all is right with them. Raises ConfigError, which says all that is not."""
        if self.mistakes:
            raise ConfigError("\n".join(map(str, self.mistakes)))
        return self.settings

    def facts(self) -> list[SettingFact]:
        """Every setting, in the order of the documentation."""
        return [
            SettingFact(name=".".join(path), value=_plain(value), origin=self.origins.get(".".join(path), Origin()))
            for path, value in _walk((), self.settings)
        ]

    def given(self, name: str, value: str | None, option: str) -> LoadedSettings:
        """The same, with what the command line said of one of the first keys; None: it said nothing."""
        if value is None:
            return self
        origin = Origin(kind=OriginKind.COMMAND_LINE, where=option)
        settings = replace(self.settings, **{name: value})  # type: ignore[arg-type]  # a text, by its name
        return replace(self, settings=settings, origins={**self.origins, name: origin})


def _walk(path: KeyPath, table: object) -> Iterator[tuple[KeyPath, object]]:
    """Every key of a table and of the tables below, with its value."""
    keys = declared(type(table))
    for name in keys:
        yield (*path, name), getattr(table, name)
    for each in fields(table):  # type: ignore[arg-type]  # a dataclass
        if each.name not in keys and each.name != "name":
            inner = getattr(table, each.name)
            named = inner if isinstance(inner, Mapping) else None
            for name, one in named.items() if named is not None else [("", inner)]:
                yield from _walk((*path, each.name, *([name] if name else [])), one)


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    return vars(value) if hasattr(value, "__dataclass_fields__") else value
