"""Keys and tokens in the system's keyring: those of engines, and that of the gateway. The one place that touches it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.core.errors import ConfigError, MissingExtra

#: Under which all of ours is kept; `keyring get qwen-bridge ENTRY` shows one.
KEYRING_SERVICE = "qwen-bridge"
#: The entry of the gateway's token.
TOKEN_ENTRY = "gateway-token"  # noqa: S105  # its name, not the token
#: The variable that beats it.
TOKEN_VARIABLE = "BRIDGE_TOKEN"  # noqa: S105  # the same


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that was just made."""

    token: str = field(repr=False)
    kept: bool  #: in the keyring; else whoever asked has to keep it


def has_keyring() -> bool:
    """Whether the package is installed and finds a keyring of this system."""
    try:
        import keyring
        from keyring.backends.fail import Keyring as NoKeyring
    except ImportError:
        return False
    return not isinstance(keyring.get_keyring(), NoKeyring)


def stored_key(entry: str) -> str | None:
    """What the keyring has under a name; None: nothing.

    Raises:
        MissingExtra: the package keyring is not installed.
        ConfigError: the keyring does not answer, as when it is locked.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingExtra("keyring", "keyring") from None
    try:
        return keyring.get_password(KEYRING_SERVICE, entry) or None
    except KeyringError as error:
        raise ConfigError(f"the system's keyring does not give {entry} ({error})") from None


def gateway_token(environ: Mapping[str, str] = os.environ) -> str | None:
    """The token that the gateway asks for: `BRIDGE_TOKEN`, else the one in the keyring; None: neither is there.

    Raises:
        ConfigError: there is a keyring, and it does not answer: nobody may think that a token is asked for when none is.
    """
    if given := environ.get(TOKEN_VARIABLE):
        return given
    if not has_keyring():
        return None
    try:
        return stored_key(TOKEN_ENTRY)
    except ConfigError as error:
        raise ConfigError(f"{error}: unlock it, or set {TOKEN_VARIABLE}") from None


def new_gateway_token() -> NewToken:
    """Make a token and keep it in the keyring, in place of the one before, if there is a keyring that keeps it."""
    token = secrets.token_urlsafe(32)
    if not has_keyring():
        return NewToken(token=token, kept=False)
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(KEYRING_SERVICE, TOKEN_ENTRY, token)
        kept = keyring.get_password(KEYRING_SERVICE, TOKEN_ENTRY) == token  # keyring's null backend keeps nothing
    except (KeyringError, NotImplementedError):
        kept = False
    return NewToken(token=token, kept=kept)
