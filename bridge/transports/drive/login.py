"""Signing in, looking who is signed in, signing out: what the `bridge auth` commands do."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.errors import BridgeError, ConfigError, NotSignedIn
from bridge.transports.drive import auth, credentials, flow
from bridge.transports.drive.client import CLIENT_VARIABLE, DRIVE, DRIVE_FILE, OAuthClient, read_client, read_key
from bridge.transports.drive.credentials import Login, LoginKind

if TYPE_CHECKING:
    from bridge.transports.drive.signed_in import SignedIn

Tell = Callable[[str], None]

NO_CLIENT = (
    "there is no OAuth client to sign in with, and Qwen Bridge ships none: one that everybody shares gets blocked. Make your "
    "own, once, in about five minutes (docs/drive.md, 'Signing in', has it step by step), and run "
    "`bridge auth login --client client_secret.json`"
)
NO_QUOTA = (
    "a service account has no storage: it cannot make files in My Drive. It can update files that a person owns and shared with "
    "{email} as an editor, and work in a shared drive"
)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Who is signed in; holds no secret."""

    source: str | None  #: where that is said, for people; None: nobody is signed in
    kind: LoginKind | None = None
    account: str | None = None
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None  #: of the access token, UTC; it is renewed by itself
    works: bool | None = None  #: whether a renewal was tried just now, and how it went
    problem: str | None = None

    def to_json(self) -> dict[str, object]:
        """As `bridge auth status --json` prints it."""
        return {
            "signed_in": self.source is not None,
            "source": self.source,
            "kind": self.kind and self.kind.value,
            "account": self.account,
            "scopes": list(self.scopes),
            "access_expires_at": self.expires_at and self.expires_at.isoformat(timespec="seconds"),
            "works": self.works,
            "problem": self.problem,
        }


@dataclass(frozen=True, kw_only=True)
class SignedOut:
    """What was done."""

    deleted: bool
    revoked: bool
    why_not: str | None = None  #: not revoked

    def to_json(self) -> dict[str, object]:
        """As `bridge auth logout --json` prints it."""
        return {"deleted": self.deleted, "revoked": self.revoked, "why_not_revoked": self.why_not}


def sign_in(
    *,
    client_file: Path | None = None,
    full: bool = False,
    open_browser: bool = True,
    timeout_s: float = flow.CONSENT_TIMEOUT_S,
    tell: Tell = lambda text: print(text, file=sys.stderr),  # noqa: T201  # a person must read the address
    environ: Mapping[str, str] = os.environ,
) -> Login:
    """Sign a person in through the browser, and store it.

    Args:
        client_file: `client_secret.json`; else what `find_client` finds.
        full: ask for every file of the account, not only those of this client.
        open_browser: open the page, besides telling its address.
        timeout_s: how long the person may take.
        tell: is told what to do and what is noticed.
        environ: where settings are looked up.

    Raises:
        ConfigError: no client, or one that cannot be used.
        SignInFailed, DriveUnreachable: as `flow.consent`. What was stored before stays.
    """
    auth.require_pydrive()
    client = find_client(client_file, environ)
    credentials.stored(environ).prepare()
    login = flow.consent(
        client, (DRIVE if full else DRIVE_FILE,), tell=tell, open_browser=open_browser, timeout_s=timeout_s
    )
    return _kept(login, environ)


def sign_in_robot(key_file: Path, *, full: bool = False, tell: Tell, environ: Mapping[str, str] = os.environ) -> Login:
    """Sign a service account in: try its key, and store the key's path. Raises ConfigError, NotSignedIn, DriveUnreachable."""
    key = read_key(key_file.expanduser().absolute())
    if sys.platform != "win32" and stat.S_IMODE(key.path.stat().st_mode) & 0o077:
        tell(f"others on this machine can read {key.path}: run `chmod 600` on it")
    tell(NO_QUOTA.format(email=key.email))
    if not full:
        tell("without --full-drive it sees only files that it made itself, not those that were shared with it")
    scopes = (DRIVE if full else DRIVE_FILE,)
    auth.session(scopes, environ={**environ, auth.KEY_VARIABLE: str(key.path)}).freshen()
    return _kept(Login(kind=LoginKind.SERVICE_ACCOUNT, scopes=scopes, account=key.email, key_file=key.path), environ)


def find_client(given: Path | None, environ: Mapping[str, str] = os.environ) -> OAuthClient:
    """The client to sign in with: the file given, `BRIDGE_GOOGLE_CLIENT`, that of an earlier login. Raises ConfigError."""
    if given is None and environ.get(CLIENT_VARIABLE):
        given = Path(environ[CLIENT_VARIABLE])
    if given is not None:
        return read_client(given.expanduser())
    login = None
    with contextlib.suppress(NotSignedIn):  # damaged: about to be written anew
        login = credentials.stored(environ).load()
    if login is None or login.client is None:
        raise ConfigError(NO_CLIENT)
    return login.client


def standing(*, check: bool = False, environ: Mapping[str, str] = os.environ) -> Standing:
    """Who is signed in; with `check`, whether Google still renews it. Raises ConfigError, MissingExtra."""
    try:
        source = auth.find_source(environ)
    except NotSignedIn as error:
        return Standing(source=None, problem=str(error))
    if source is None:
        return Standing(source=None)
    login = source.login
    told = Standing(
        source=source.named,
        kind=source.kind,
        account=source.account,
        scopes=login.scopes if login else (),
        expires_at=login.expires_at if login else None,
    )
    if not check:
        return told
    try:
        session = auth.session(login.scopes if login else (DRIVE_FILE,), environ=environ)
        session.freshen(force=True)
    except BridgeError as error:
        return replace(told, works=False, problem=str(error))
    return replace(told, works=True, account=told.account or who(session), expires_at=session.expires_at)


def sign_out(environ: Mapping[str, str] = os.environ) -> SignedOut:
    """Revoke a person's access at Google if it can be reached, and delete the file in any case. Raises SignInFailed."""
    place = credentials.stored(environ)
    with place.locked():
        try:
            login = place.load()
        except BridgeError as error:
            return SignedOut(deleted=place.delete(), revoked=False, why_not=str(error))
        why_not: str | None = "nobody was signed in"
        if login is not None and login.kind is LoginKind.SERVICE_ACCOUNT:
            why_not = "a key stays good until you delete it in Google's console"
        elif login is not None:
            why_not = flow.revoke(login)
        return SignedOut(deleted=place.delete(), revoked=why_not is None, why_not=why_not)


def who(session: SignedIn) -> str | None:
    """The e-mail address of whoever is signed in, as Drive tells it; None if it does not."""
    from bridge.transports.drive.refusals import Changed, Taken, translated

    call = auth.service(session).about().get(fields="user(emailAddress)")
    with (
        contextlib.suppress(BridgeError, Changed, Taken, ValueError, KeyError, TypeError),
        contextlib.closing(session.Get_Http_Object()) as connection,
        translated("the account"),
    ):
        address = call.execute(http=connection)["user"]["emailAddress"]
        return address if isinstance(address, str) else None
    return None


def _kept(login: Login, environ: Mapping[str, str]) -> Login:
    """Store it, and then, because that already works with it, who it is."""
    place = credentials.stored(environ)
    with place.locked():
        place.save(login)
    if login.account is None:
        without_key = {name: value for name, value in environ.items() if name != auth.KEY_VARIABLE}
        account = who(auth.session(login.scopes, environ=without_key))
        with place.locked():
            now = place.load()
            if account and now and now.refresh_token == login.refresh_token:  # else somebody else signed in or out
                login = replace(now, account=account)
                place.save(login)
    return login
