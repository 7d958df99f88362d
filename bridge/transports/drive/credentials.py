"""Who is signed in: `google.json` in the user's config folder, for this user's eyes only.

The file is 0600 and its folder 0700 from the first instant: it is written under a name of its own, with `O_EXCL`, and
moved into place, so neither a reader nor a crash ever sees half of it, and rights that an older file had do not stay.
(PyDrive2's own store leaves an old 0644 as it is, and writes in place: facts on Drive, section 1.) Windows has no such
rights: there the file is as private as the user's profile. Whoever reads, changes and writes holds `locked`.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path

from bridge.core import files
from bridge.core.errors import ConfigError, LockHeld, NotSignedIn, SignInFailed
from bridge.core.jsonable import to_json
from bridge.transports.drive.client import OAuthClient, trusted_url

FILE = "google.json"
VERSION = 1
_AGAIN = "run `bridge auth login`, which writes it anew"
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class LoginKind(Enum):
    """Who signed in."""

    USER = "user"  # a person, through the browser
    SERVICE_ACCOUNT = "service_account"  # a robot, through its key file
    COLAB = "colab"  # the person whose Colab session this is; never stored


@dataclass(frozen=True, kw_only=True)
class Login:
    """What is stored. A user has a client and a refresh token; a service account only the path of its key."""

    kind: LoginKind
    scopes: tuple[str, ...]
    account: str | None = None  #: e-mail address; None: not told
    client: OAuthClient | None = None
    refresh_token: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None  #: of the access token, UTC
    key_file: Path | None = None


def config_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the user's own settings lie: `BRIDGE_CONFIG_DIR`, else what the platform has for such things."""
    if given := environ.get("BRIDGE_CONFIG_DIR"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_config_path

    return user_config_path("qwen-bridge", appauthor=False)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The file of the login."""

    path: Path

    def load(self) -> Login | None:
        """The login; None: no file. Takes rights from others if an older file gave them some.

        Raises:
            NotSignedIn: the file is damaged.
            ConfigError: it is a link, no file, or cannot be read.
        """
        self._refuse_links()
        try:
            handle = os.open(self.path, os.O_RDONLY | _NO_FOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"cannot read {self.path}: {error.strerror}; {_AGAIN}") from error
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{self.path} is no file: move it away and run `bridge auth login`")
            if sys.platform != "win32" and stat.S_IMODE(status.st_mode) & 0o077:
                with contextlib.suppress(OSError):  # not ours: then it is not ours to mend
                    os.fchmod(handle, 0o600)
            data = file.read()
        try:
            return _from_json(json.loads(data))
        except (ValueError, KeyError, TypeError, AttributeError):  # its text may hold a secret
            raise NotSignedIn(f"the stored login {self.path} is damaged: {_AGAIN}") from None

    def save(self, login: Login) -> None:
        """Store it, atomically. Raises ConfigError if a link is in the way, SignInFailed if it cannot be written."""
        self._refuse_links()
        try:
            self._make_folder()
            files.write_atomically(self.path, json.dumps(_to_json(login), indent=1).encode() + b"\n", mode=0o600)
        except OSError as error:
            raise SignInFailed(
                f"cannot store the login in {self.path}: {error.strerror}; make the folder writable for you, "
                "or name another one in BRIDGE_CONFIG_DIR"
            ) from error

    def prepare(self) -> None:
        """Make sure, before a person is asked for anything, that `save` can work. Raises ConfigError, SignInFailed, LockHeld."""
        self._refuse_links()
        with self.locked():
            pass

    def delete(self) -> bool:
        """Remove the file; a link is removed, not followed. Whether there was one. Raises SignInFailed."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SignInFailed(f"cannot delete {self.path}: {error.strerror}; delete it by hand") from error
        return True

    @contextlib.contextmanager
    def locked(self, *, patience_s: float = 30.0) -> Iterator[None]:
        """Alone among all processes and threads of this user. Raises LockHeld, SignInFailed."""
        from filelock import FileLock, Timeout

        try:
            self._make_folder()
            lock = FileLock(self.path.with_name(self.path.name + ".lock"), mode=0o600, timeout=patience_s)
            lock.acquire()
        except Timeout:
            raise LockHeld(f"another process that signs in ({self.path})", patience_s) from None
        except OSError as error:
            raise SignInFailed(f"cannot lock {self.path}: {error.strerror}; is its folder writable for you?") from error
        try:
            yield
        finally:
            lock.release()

    def _make_folder(self) -> None:
        folder = self.path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32" and stat.S_IMODE(folder.stat().st_mode) != 0o700:
            folder.chmod(0o700)

    def _refuse_links(self) -> None:
        if self.path.is_symlink():
            raise ConfigError(f"{self.path} is a symbolic link, and logins are not kept behind links: remove it")


def stored(environ: Mapping[str, str] = os.environ) -> Stored:
    """This user's file."""
    return Stored(path=config_folder(environ) / FILE)


def _to_json(login: Login) -> dict[str, object]:
    known = to_json(login)
    assert isinstance(known, dict)  # narrows: a dataclass gives a dict
    return {
        "version": VERSION,
        **known,
        "expires_at": login.expires_at and login.expires_at.isoformat(),
        "key_file": login.key_file and str(login.key_file),
    }


def _from_json(value: dict[str, object]) -> Login:
    if value["version"] != VERSION:
        raise ValueError(value["version"])
    scopes, key_file, expires_at = value["scopes"], _text_or_none(value["key_file"]), _text_or_none(value["expires_at"])
    if not isinstance(scopes, list):
        raise TypeError
    login = Login(
        kind=LoginKind(value["kind"]),
        scopes=tuple(map(_text, scopes)),
        account=_text_or_none(value["account"]),
        client=_client(value["client"]),
        refresh_token=_text_or_none(value["refresh_token"]),
        access_token=_text_or_none(value["access_token"]),
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        key_file=Path(key_file) if key_file else None,
    )
    whole = login.key_file if login.kind is LoginKind.SERVICE_ACCOUNT else login.client and login.refresh_token
    if not whole or (login.expires_at is not None and login.expires_at.tzinfo is None):
        raise ValueError(login.kind)
    return login


def _client(told: object) -> OAuthClient | None:
    if told is None:
        return None
    if not isinstance(told, dict):
        raise TypeError
    return OAuthClient(
        client_id=_text(told["client_id"]),
        client_secret=_text(told["client_secret"]),
        auth_uri=_address(told["auth_uri"]),
        token_uri=_address(told["token_uri"]),
        revoke_uri=_address(told["revoke_uri"]) if told["revoke_uri"] else None,
    )


def _text_or_none(value: object) -> str | None:
    return _text(value) if value else None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _address(value: object) -> str:
    try:
        return trusted_url(value, "an address")
    except ConfigError:
        raise ValueError("an address") from None
