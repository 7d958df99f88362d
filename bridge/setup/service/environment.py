"""What a service gets of the environment in which it was installed, and the file for what is secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.core.errors import ConfigError

#: Not secret, and a service needs them to find what the command line found.
_KEPT = re.compile(r"BRIDGE_\w+|QWENCODER_\w+|OLLAMA_HOST|OPENAI_BASE_URL|HF_ENDPOINT|PATH|PYTHONPATH|LANG|LC_ALL")
_SECRET = re.compile(r"TOKEN|SECRET|KEY|PASSWORD")
#: What belongs to other programs and is used all the same.
_KNOWN_SECRETS = ("OPENAI_API_KEY",)


def kept_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """What is written into the service's files, which other users may read."""
    return {
        name: value for name, value in environ.items() if _KEPT.fullmatch(name) and not _SECRET.search(name) and value
    }


def secret_variables(environ: Mapping[str, str], named: Iterable[str] = ()) -> list[str]:
    """The names of what is set and is not written, because it is secret. `named`: by `key_env` of engines."""
    ours = {name for name in environ if _KEPT.fullmatch(name) and _SECRET.search(name)}
    return sorted(name for name in {*ours, *_KNOWN_SECRETS, *named} if environ.get(name))


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """What a keeper may inherit: a service has the variables of its installation, not those of the shell that starts it."""
    return {name: value for name, value in environ.items() if name == "PATH" or not _is_ours(name)}


def _is_ours(name: str) -> bool:
    return bool(_KEPT.fullmatch(name)) or name in _KNOWN_SECRETS


def read_variables(file: Path) -> dict[str, str]:
    """The variables of a file of lines `NAME=value`, as systemd's EnvironmentFile reads simple ones; {}: there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {file}: {error}") from error
    pairs = (line.strip().partition("=") for line in lines if "=" in line and line.strip()[0] not in "#;")
    return {name.strip(): _bare(value.strip()) for name, _, value in pairs}


def _bare(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
