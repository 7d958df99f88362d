"""Signed in to Google Drive: the seam between whoever signed in and whoever calls Drive.

Who it is, in this order: a service account's key named by `BRIDGE_GOOGLE_SERVICE_ACCOUNT`, the login that
`bridge auth login` stored, in Colab the person whose session it is. Nothing of PyDrive2 is imported before `session`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError, MissingExtra, NotSignedIn
from bridge.transports.drive import credentials
from bridge.transports.drive.client import DRIVE_FILE, Key, covers, is_loopback, read_key
from bridge.transports.drive.credentials import Login, LoginKind, Stored

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from bridge.transports.drive.resources import DriveService
    from bridge.transports.drive.signed_in import DriveCredentials, SignedIn

KEY_VARIABLE = "BRIDGE_GOOGLE_SERVICE_ACCOUNT"
URL_VARIABLE = "BRIDGE_DRIVE_URL"
HTTP_TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class CredentialSource:
    """Where a sign-in comes from."""

    kind: LoginKind
    named: str  #: for people
    login: Login | None = None
    key: Key | None = None

    @property
    def account(self) -> str | None:
        """The e-mail address of whoever it is; None: not told."""
        return self.key.email if self.key else self.login.account if self.login else None


def session(
    scopes: Sequence[str] = (DRIVE_FILE,),
    *,
    http_timeout_s: float = HTTP_TIMEOUT_S,
    environ: Mapping[str, str] = os.environ,
) -> SignedIn:
    """A PyDrive2 `GoogleAuth` that is signed in and stays so; its first token is fetched at the first request.

    Asks nobody: a person signs in by `login.sign_in`. Each thread takes its own `Get_Http_Object()`; `freshen()` fetches a
    token at once. Sets `GDRIVE_NON_INTERACTIVE`, so that PyDrive2 opens no web server even where somebody calls it behind
    our back.

    Args:
        scopes: what must be allowed.
        http_timeout_s: for each call, of Drive and of the account server.

    Raises:
        MissingExtra: PyDrive2 is not installed.
        NotSignedIn: nobody is, or not for these scopes; says what to run.
        ConfigError: a key or the stored login cannot be read.
    """
    require_pydrive()
    from bridge.transports.drive.signed_in import SignedIn

    os.environ["GDRIVE_NON_INTERACTIVE"] = "1"
    source = find_source(environ)
    if source is None:
        raise NotSignedIn
    made = _credentials(source, tuple(scopes), credentials.stored(environ))
    return SignedIn(made, account=source.account, http_timeout_s=http_timeout_s)


def find_source(environ: Mapping[str, str] = os.environ) -> CredentialSource | None:
    """Who is signed in, without asking anybody. Raises ConfigError, NotSignedIn for a damaged login."""
    if given := environ.get(KEY_VARIABLE):
        key = read_key(Path(given).expanduser().absolute())
        return CredentialSource(kind=LoginKind.SERVICE_ACCOUNT, named=KEY_VARIABLE, key=key)
    place = credentials.stored(environ)
    login = place.load()
    if login is not None:
        return CredentialSource(
            kind=login.kind,
            named=str(place.path),
            login=login,
            key=read_key(login.key_file) if login.key_file else None,
        )
    if in_colab():
        return CredentialSource(kind=LoginKind.COLAB, named="Colab")
    return None


def service(auth: SignedIn, root_url: str | None = None) -> DriveService:
    """Drive v2, from the description that googleapiclient brings along: no request is made.

    Each call passes `http=` of its own thread to `execute`. `root_url`, by default `BRIDGE_DRIVE_URL`, leads to a stand-in on
    this machine; `client_options.api_endpoint` would not, because uploads keep https (facts on Drive, 1.1).

    Raises:
        ConfigError: the address is not http on this machine. Tokens would be sent there.
    """
    from googleapiclient.discovery import build_from_document
    from googleapiclient.discovery_cache import get_static_doc

    description = json.loads(get_static_doc("drive", "v2"))
    root = root_url or os.environ.get(URL_VARIABLE)
    if root:
        if not is_loopback(root):
            raise ConfigError(f"{URL_VARIABLE} is for tests and must be http://127.0.0.1:PORT, not another machine")
        description["rootUrl"] = root.rstrip("/") + "/"
        description["baseUrl"] = description["rootUrl"] + description["servicePath"]
    made: DriveService = build_from_document(description, http=auth.Get_Http_Object())
    return made


def in_colab() -> bool:
    """Whether this runs in a Colab session."""
    try:
        return find_spec("google.colab") is not None
    except (ModuleNotFoundError, ValueError):  # no package `google` at all; a stand-in without a spec
        return False


def _credentials(source: CredentialSource, scopes: tuple[str, ...], place: Stored) -> DriveCredentials:
    from bridge.transports.drive import signed_in

    if source.key is not None:
        return signed_in.of_key(source.key, scopes)
    if source.login is not None:
        if not covers(source.login.scopes, scopes):
            raise NotSignedIn(
                f"the login allows {', '.join(_short(scope) for scope in source.login.scopes)}, but "
                f"{', '.join(_short(scope) for scope in scopes)} is needed: run `bridge auth login --full-drive`"
            )
        return signed_in.of_login(source.login, place)
    return signed_in.of_google(_colabs_own(scopes), LoginKind.COLAB)


def _colabs_own(scopes: tuple[str, ...]) -> Credentials:
    """What Colab allows this session: it asks the person, unless that was done before.

    https://github.com/googlecolab/colabtools `google/colab/auth.py`: returns at once if the default credentials are valid,
    and raises whatever its front end raises, also where there is none (a program started with `!`).
    """
    import google.auth

    try:
        from google.colab import auth

        auth.authenticate_user()
        given, _project = google.auth.default(scopes=list(scopes))
    except Exception as error:
        raise NotSignedIn(
            f"Colab did not sign you in ({type(error).__name__}): run `from google.colab import auth; "
            "auth.authenticate_user()` in a cell, and then this again"
        ) from error
    granted: Credentials = given
    return granted


def _short(scope: str) -> str:
    return scope.rpartition("/")[2]


def require_pydrive() -> None:
    """Make sure that PyDrive2 is there. Raises MissingExtra."""
    try:
        import bridge.transports.drive.signed_in  # noqa: F401
    except ImportError as error:
        raise MissingExtra("PyDrive2", "drive") from error
