"""Whose program signs in: the user's own OAuth client, as Google's console gives it away, and a service account's key.

We ship no client id: a shared one for the full `drive` scope gets blocked (facts on Drive, section 1, on DVC).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bridge.core.errors import ConfigError

#: Sees only files that this OAuth client made, or that a person gave to it.
DRIVE_FILE = "https://www.googleapis.com/auth/drive.file"
#: Sees and changes every file of the account. Google calls it restricted.
DRIVE = "https://www.googleapis.com/auth/drive"

AUTH_URI = "https://accounts.google.com/o/oauth2/auth"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
REVOKE_URI = "https://oauth2.googleapis.com/revoke"

CLIENT_VARIABLE = "BRIDGE_GOOGLE_CLIENT"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True)
class OAuthClient:
    """An OAuth client of the type "Desktop app"."""

    client_id: str
    client_secret: str = field(repr=False)  #: of a desktop client no real secret, but nobody else's business either
    auth_uri: str = AUTH_URI
    token_uri: str = TOKEN_URI
    revoke_uri: str | None = REVOKE_URI  #: None: not known, so nothing can be revoked


@dataclass(frozen=True, kw_only=True)
class Key:
    """A service account's key file."""

    path: Path
    email: str
    content: Mapping[str, object] = field(repr=False)  #: holds the private key


def covers(granted: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a grant is enough; the full scope includes the small one."""
    return all(scope in granted or (scope == DRIVE_FILE and DRIVE in granted) for scope in wanted)


def read_client(path: Path) -> OAuthClient:
    """The client in a `client_secret.json`. Raises ConfigError."""
    outer = _read_object(path, "an OAuth client")
    told = outer.get("installed")
    if not isinstance(told, dict):
        kind = "of the type 'Web application'" if "web" in outer else "no OAuth client of Google"
        raise ConfigError(
            f"{path} is {kind}: make an OAuth client of the type 'Desktop app' and download its JSON; "
            "docs/drive.md has it step by step"
        )
    client_id, secret = told.get("client_id"), told.get("client_secret", "")
    if not (isinstance(client_id, str) and client_id and isinstance(secret, str)):
        raise ConfigError(f"{path} lacks client_id: download the client's JSON again")
    token_uri = trusted_url(told.get("token_uri", TOKEN_URI), f"token_uri in {path}")
    revoke_uri = told.get("revoke_uri", REVOKE_URI if _is_googles(token_uri) else None)
    return OAuthClient(
        client_id=client_id,
        client_secret=secret,
        auth_uri=trusted_url(told.get("auth_uri", AUTH_URI), f"auth_uri in {path}"),
        token_uri=token_uri,
        revoke_uri=None if revoke_uri is None else trusted_url(revoke_uri, f"revoke_uri in {path}"),
    )


def read_key(path: Path) -> Key:
    """A service account's key. Raises ConfigError; its message never holds a part of the key."""
    content = _read_object(path, "a service account's key")
    wanted = ("client_email", "private_key", "private_key_id", "client_id")
    missing = [name for name in wanted if not isinstance(content.get(name), str)]
    if content.get("type") != "service_account" or missing:
        raise ConfigError(
            f"{path} is no key of a service account{' (lacks ' + ', '.join(missing) + ')' if missing else ''}: "
            "make one in Google's console under 'Keys', of the type JSON"
        )
    trusted_url(content.get("token_uri", TOKEN_URI), f"token_uri in {path}")
    return Key(path=path, email=str(content["client_email"]), content=content)


def trusted_url(url: object, what: str) -> str:
    """The same, if secrets may be sent there: https, or http on this machine. Raises ConfigError."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        secure = parts is not None and bool(parts.hostname) and "@" not in parts.netloc and parts.scheme == "https"
    except ValueError:
        secure = False
    if isinstance(url, str) and (secure or is_loopback(url)):
        return url
    raise ConfigError(f"{what} must begin with https://, because secrets are sent there")


def is_loopback(url: str) -> bool:
    """Whether this is plain http to this machine."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in _LOOPBACK and "@" not in parts.netloc


def _is_googles(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "googleapis.com" or host.endswith((".googleapis.com", ".google.com"))


def _read_object(path: Path, what: str) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {what} from {path}: {error.strerror}") from error
    except ValueError:  # its text may hold a secret
        raise ConfigError(f"{path} is not JSON: download it again") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path} is not {what}: download it again")
    return value
