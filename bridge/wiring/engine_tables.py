"""Tables of `bridge.toml` that a command writes, at its end, never changing what a person wrote; and what they say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ConfigError
from bridge.router.presets import PRESETS
from bridge.wiring.settings import FILE, EngineSettings, Settings, find_file, load


def add_engine(
    name: str,
    preset: str,
    *,
    cwd: Path | None = None,
    model: str | None = None,
    base_url: str | None = None,
    keyring: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[Path, str]:
    """Add a table `[engines.NAME]` to the `bridge.toml` that holds here, or to a new one; gives the file and the table.

    Raises:
        ConfigError: there is such a table, the name cannot be one, or the file has mistakes already.
    """
    cwd = cwd or Path.cwd()
    file = find_file(cwd) or cwd / FILE
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    if file.exists() and name in load(file, environ, cwd=cwd).valid().engines:
        raise ConfigError(f"{file} has [engines.{name}] already: change it there, or add another with --name")
    found = PRESETS[preset]
    if base_url:
        found = replace(found, base_url=base_url)
    table = found.table(name, model=model, keyring=keyring)
    text = f"{before.rstrip()}\n\n{table}" if before.strip() else table
    _check(file, text, environ)
    with files.atomic(file) as out:
        out.write(text.encode())
    return file, table


def _check(file: Path, text: str, environ: Mapping[str, str]) -> None:
    """Raises ConfigError if the file would have mistakes."""
    draft = file.with_name(f".{FILE}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        load(draft, environ, cwd=file.parent).valid()
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class EngineFact:
    """One engine, for people."""

    name: str
    kind: str
    where: str  #: its address, its file, or empty
    model: str | None
    key: str  #: where its key comes from and whether it is there; never the key


def engine_facts(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[EngineFact]:
    """Every engine of `bridge.toml`."""
    return [
        EngineFact(
            name=engine.name,
            kind=engine.kind.value,
            where=engine.base_url or engine.gguf or "",
            model=engine.model,
            key=_key_fact(engine, environ),
        )
        for engine in settings.engines.values()
    ]


def _key_fact(engine: EngineSettings, environ: Mapping[str, str]) -> str:
    if engine.keyring:
        return f"keyring entry {engine.keyring}"
    if engine.key_env is None:
        return "none"
    return f"{engine.key_env}, {'set' if environ.get(engine.key_env) else 'not set'}"
