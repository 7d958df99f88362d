"""`bridge.toml` and the environment to `Settings`, with where each value came from and every mistake with its line.

The environment beats the file, and the command line both. One mistake does not hide another: all are found at once.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from bridge.wiring.settings.loaded import KeyPath, LoadedSettings, Mistake, Origin, OriginKind
from bridge.wiring.settings.toml_lines import lines_of
from bridge.wiring.settings.values import (
    ContextSettings,
    Declared,
    DomainSettings,
    EngineKind,
    EngineSettings,
    GatewaySettings,
    RouterSettings,
    Settings,
    TrustSettings,
    declared,
    variables_of,
)

FILE = "bridge.toml"

#: No settings file is larger; finding lines takes time that grows with the square of the longest value.
_MOST_BYTES = 64_000

#: Tables of one kind each, and tables of named ones.
_TABLES: Mapping[str, type] = {
    "router": RouterSettings,
    "context": ContextSettings,
    "gateway": GatewaySettings,
    "trust": TrustSettings,
}
_NAMED: Mapping[str, type] = {"engines": EngineSettings, "domains": DomainSettings}

#: Keys under which people put a secret itself.
_SECRET = re.compile(r"(?i)(api_?)?(key|token|secret)|password|auth(orization)?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

T = TypeVar("T")


def find_file(cwd: Path) -> Path | None:
    """The `bridge.toml` of a folder or of the nearest parent; one in a folder that we may not look into does not count."""
    return next((folder / FILE for folder in (cwd, *cwd.parents) if _is_file(folder / FILE)), None)


def load(file: Path | None, environ: Mapping[str, str], *, cwd: Path | None = None) -> LoadedSettings:
    """All settings. A file in `cwd` is called by its name in mistakes, any other by its path."""
    if file is None:
        return _Reading(shown=FILE, folder=None, environ=environ, lines={}).all({}, None)
    shown = FILE if file.parent == cwd else str(file)
    try:
        data = file.read_bytes()
        if len(data) > _MOST_BYTES:
            raise ValueError(
                f"it has {len(data):,} bytes, and settings have at most {_MOST_BYTES:,}: is it another file?"
            )
        text = data.decode("utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return _unreadable(file, Mistake(where=shown, message=f"cannot read it: {reason}"))
    return load_text(text, file, cwd=cwd, environ=environ)


def load_text(
    text: str, file: Path, *, cwd: Path | None = None, environ: Mapping[str, str] = MappingProxyType({})
) -> LoadedSettings:
    """All settings, if the file had this text."""
    shown = FILE if file.parent == cwd else str(file)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _unreadable(file, _no_toml(shown, text, str(error)))
    except RecursionError:
        return _unreadable(file, Mistake(where=shown, message="cannot read it: lists within lists, too deep"))
    return _Reading(shown=shown, folder=file.parent, environ=environ, lines=lines_of(text)).all(values, file)


def _unreadable(file: Path, mistake: Mistake) -> LoadedSettings:
    return LoadedSettings(settings=Settings(), file=file, mistakes=(mistake,))


def _no_toml(shown: str, text: str, error: str) -> Mistake:
    """Of tomllib's message, which ends with "(at line 3, column 5)" or "(at end of document)"."""
    what, _, place = error.partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = found[1] if found else text.rstrip().count("\n") + 1
    return Mistake(where=f"{shown}:{line}", message=f"cannot read this as TOML: {what}; correct it")


class _Reading:
    """One reading of a file and the environment; collects values, origins and mistakes."""

    def __init__(
        self, *, shown: str, folder: Path | None, environ: Mapping[str, str], lines: Mapping[KeyPath, int]
    ) -> None:
        self._shown = shown
        self._folder = folder
        self._environ = environ
        self._lines = lines
        self._origins: dict[str, Origin] = {}
        self._mistakes: list[tuple[int, Mistake]] = []

    def all(self, values: Mapping[str, object], file: Path | None) -> LoadedSettings:
        settings = self._table(
            Settings, (), values, also=(*_TABLES, *_NAMED),
            **{name: self._table(table, (name,), values.get(name, {})) for name, table in _TABLES.items()},
            **{name: dict(self._named(name, table, values.get(name, {}))) for name, table in _NAMED.items()},
        )  # fmt: skip
        self._check_router(settings)
        mistakes = tuple(mistake for _, mistake in sorted(self._mistakes, key=lambda one: one[0]))
        return LoadedSettings(settings=settings, file=file, origins=self._origins, mistakes=mistakes)

    # ---- tables

    def _table(self, table: type[T], path: KeyPath, given: object, *, also: Sequence[str] = (), **fixed: object) -> T:
        """A table's values; `fixed` are fields that are no keys, `also` keys that are read elsewhere."""
        keys = declared(table)
        if not isinstance(given, dict):
            self._wrong(path, f"{'.'.join(path)} must be a table: write [{'.'.join(path)}] and its keys below")
            given = {}
        read = dict(fixed)
        for name, key in keys.items():
            self._value(read, (*path, name), key, given)
        for name in given:
            if name not in keys and name not in also:
                self._unknown((*path, name), [*keys, *also])
        return table(**read)

    def _value(self, read: dict[str, object], path: KeyPath, key: Declared, given: Mapping[str, object]) -> None:
        """One key: what the environment says, else the file."""
        name, variable = path[-1], variables_of(path, key)
        if variable and self._environ.get(variable):
            line, value = 0, key.rule.of_text(self._environ[variable])
            origin = Origin(kind=OriginKind.ENVIRONMENT, where=variable)
        elif name in given:
            line, value = self._lines.get(path, 0), given[name]
            origin = Origin(kind=OriginKind.FILE, where=f"{self._shown}:{line}")
        else:
            return
        try:
            read[name] = key.rule.read(value)
            self._origins[".".join(path)] = origin
        except ValueError as error:
            said = "" if not key.rule.shown or isinstance(value, dict) else f", not {_quoted(value)}"
            rule = str(error) if error.args and not key.rule.shown else f"must be {key.rule.must_be}{said}"
            self._wrong(path, f"{'.'.join(path)} {rule}", line=line, variable=variable if not line else "")

    def _named(self, family: str, table: type[T], given: object) -> Iterator[tuple[str, T]]:
        """The tables below `[engines]` or `[domains]`."""
        if not isinstance(given, dict):
            self._wrong((family,), f"{family} must be tables: write [{family}.NAME] and its keys below")
            return
        for name, values in given.items():
            path = (family, name)
            if not _NAME.fullmatch(name) or name in ("queue", "auto"):
                self._wrong(
                    path, f"[{family}.{name}]: choose another name, of letters, digits, dot, dash and underscore"
                )
            elif family == "engines" and isinstance(values, dict):
                yield name, self._engine(name, values)  # type: ignore[misc]  # the family's own type
            else:
                yield name, self._table(table, path, values, name=name)

    def _engine(self, name: str, values: Mapping[str, object]) -> EngineSettings:
        path: KeyPath = ("engines", name)
        secret = next((key for key in values if _SECRET.fullmatch(key)), None)
        if secret:
            advice = 'take it out, put it into an environment variable, and name that here: key_env = "NAME_API_KEY"'
            self._wrong((*path, secret), f"engines.{name}.{secret}: keys never stand in {FILE}; {advice}")
            values = {key: value for key, value in values.items() if not _SECRET.fullmatch(key)}
        own = {kind.value for kind in EngineKind}
        if "kind" not in values:
            if name in own:
                values = {**values, "kind": name}
            else:
                self._wrong(
                    path,
                    f'[engines.{name}] has no kind: add kind = "openai" (or {", ".join(sorted(own - {"openai"}))})',
                )
        engine = self._table(EngineSettings, path, values, name=name)
        for key, message in _contradictions(engine):
            self._wrong((*path, key), f"engines.{name}.{key} {message}")
        if engine.gguf not in (None, "tiny") and self._folder is not None:
            engine = replace(engine, gguf=str(self._folder / Path(str(engine.gguf)).expanduser()))
        return engine

    def _check_router(self, settings: Settings) -> None:
        """Whether its lists name engines that there are."""
        known = sorted({*settings.engines, *(kind.value for kind in EngineKind), "queue"})
        for role in ("reasoning", "coding", "fallback", "polish"):
            for name in getattr(settings.router, role):
                if name not in known:
                    wanted = _closest(name, known) or f"add [engines.{name}], or name one of {', '.join(known)}"
                    self._wrong(("router", role), f"router.{role}: there is no engine {_quoted(name)}; {wanted}")

    # ---- mistakes

    def _unknown(self, path: KeyPath, known: Sequence[str]) -> None:
        name, here = path[-1], ".".join(path)
        home = next((table for table, keys in _homes() if name in keys and table != path[:-1]), None)
        if close := _closest(name, known):
            hint = close
        elif home == ():
            hint = f"write {name} above the first [table]"
        elif home is not None:
            hint = f"it belongs below [{'.'.join(home)}]"
        else:
            hint = f"known are {', '.join(known)}"
        self._wrong(path, f"unknown setting {here}; {hint}")

    def _wrong(self, path: KeyPath, message: str, *, line: int | None = None, variable: str = "") -> None:
        line = self._lines.get(path, self._lines.get(path[:-1], 0)) if line is None else line
        where = variable or (f"{self._shown}:{line}" if line else self._shown)
        self._mistakes.append((line, Mistake(where=where, message=message)))


def _contradictions(engine: EngineSettings) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of keys that do not go together."""
    embedded = engine.kind is EngineKind.LLAMACPP
    if engine.gguf and not embedded:
        yield "gguf", f"is for the kind llamacpp, not {engine.kind.value}: take it out, or name the model in model"
    if embedded and not engine.gguf:
        yield "kind", 'is llamacpp, which needs a model: add gguf = "model.gguf" (or "tiny")'
    if engine.base_url and engine.kind in (EngineKind.LLAMACPP, EngineKind.SCRIPTED):
        yield "base_url", f"is for engines elsewhere, not for {engine.kind.value}: take it out"
    elif engine.base_url and engine.kind is not EngineKind.OLLAMA and "://" not in engine.base_url:
        yield "base_url", "has no http:// or https:// before it: add it"
    if engine.key_env and engine.keyring:
        yield "keyring", "and key_env both name a key: take one of them out"


def _homes() -> Iterator[tuple[KeyPath, Mapping[str, Declared]]]:
    yield (), declared(Settings)
    yield from (((name,), declared(table)) for name, table in _TABLES.items())
    yield from (((name, "NAME"), declared(table)) for name, table in _NAMED.items())


def _closest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else ""


def _quoted(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
