"""A queue's keys in the local state, which sign results: a file of its own, for its owner alone. They never leave this machine unasked."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ConfigError, UsageError
from bridge.format.signatures import KeyRing
from bridge.kernel.signing import KEY, KEY_NAME, key_id

NAME = "keys.json"
#: Keys that are kept; the oldest goes first.
MOST = 20


def new_key() -> str:
    """A key that nobody has: 32 random bytes."""
    return "qbk_" + secrets.token_urlsafe(32)


def read_ring(home: Path, environ: Mapping[str, str], *, required: bool) -> KeyRing:
    """The keys of a queue on this machine, that of the environment first.

    Raises:
        ConfigError: the file or the variable holds something else; signatures are required, and there is no key.
    """
    keys = stored(home)
    given = environ.get(KEY_NAME, "").strip()
    if given:
        if not KEY.fullmatch(given):
            raise ConfigError(
                f"{KEY_NAME} is not a queue's key: `bridge key --show` on the machine that made it prints it"
            )
        keys = (given, *(key for key in keys if key != given))
    if required and not keys:
        raise ConfigError(
            "[trust] require_signed is set, and this machine has no key of the queue: `bridge key --add` takes it from "
            "standard input, `bridge key --rotate` makes one"
        )
    return KeyRing(keys=keys, required=required)


def stored(home: Path) -> tuple[str, ...]:
    """The keys in a queue's state folder, newest first. Raises ConfigError."""
    file = home / NAME
    try:
        said = json.loads(file.read_bytes())
        keys = said["keys"]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"cannot read the queue's keys in {file}: {error}") from error
    if not isinstance(keys, list) or not all(isinstance(key, str) and KEY.fullmatch(key) for key in keys):
        raise ConfigError(f"{file} holds something that is no key of a queue: remove it from the list there")
    return tuple(keys)


def take_keys(source: Path, home: Path) -> None:
    """Give a queue's copy the keys of the queue: answers of both count in both. Raises ConfigError."""
    if keys := stored(source):
        _write(home, keys)


def add(home: Path, key: str) -> str:
    """Sign with this key from now on; older ones still count. Gives its id. Raises UsageError, ConfigError."""
    if not KEY.fullmatch(key):
        raise UsageError("that is not a queue's key: it begins with qbk_ and has 47 characters")
    keys = (key, *(other for other in stored(home) if other != key))
    _write(home, keys[:MOST])
    return key_id(key)


def forget(home: Path, ident: str) -> None:
    """Let a key count no longer. Raises UsageError if there is none of this id."""
    keys = stored(home)
    left = tuple(key for key in keys if key_id(key) != ident.strip().lower())
    if len(left) == len(keys):
        raise UsageError(f"this queue has no key {ident}; it has {', '.join(map(key_id, keys)) or 'none'}")
    _write(home, left)


def _write(home: Path, keys: tuple[str, ...]) -> None:
    files.keep_private(home)
    files.write_atomically(home / NAME, json.dumps({"keys": list(keys)}).encode(), mode=0o600)
