"""PyDrive2's `GoogleAuth` with credentials of google-auth: it renews by itself and never asks anybody.

PyDrive2 wants credentials of oauth2client's shape, of which it uses two names: `access_token_expired` and `authorize`.
`DriveCredentials` has them; the rest, tokens, signatures and renewals, is google-auth's. As PyDrive2 has it, any call with an
expired token opens a web server and waits for a browser for ever (facts on Drive, section 1). Here a token never looks expired
to PyDrive2: each request looks at it first, and what cannot be renewed is `NotSignedIn`.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httplib2
from google.auth import transport
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.oauth2 import credentials as user
from google.oauth2 import service_account
from google_auth_httplib2 import AuthorizedHttp, Request
from pydrive2.auth import GoogleAuth

from bridge.core.errors import BridgeError, ConfigError, DriveUnreachable, NotSignedIn
from bridge.transports.drive.client import TOKEN_URI, Key
from bridge.transports.drive.credentials import Login, LoginKind, Stored

#: httplib2 raises its own, http.client's and the socket's; google-auth wraps some of them.
_BROKEN = (TransportError, OSError, httplib2.HttpLib2Error, http.client.HTTPException)
_REMEDY = {
    LoginKind.USER: "run `bridge auth login`",
    LoginKind.SERVICE_ACCOUNT: "make a new key for the service account and run `bridge auth login --service-account KEY.json`",
    LoginKind.COLAB: "run the cell again and allow access to your Google account",
}
_NO_TOKEN = "Google's account server sent no token, but something else: try again later"  # noqa: S105  # a message

#: Sends a request to the account server: a `google.auth.transport.Request`, or what acts as one.
Ask = Callable[..., transport.Response]
#: Asks for a new token, given the token that was refused or has ended.
Renew = Callable[[Ask, str | None], Credentials]


class DriveCredentials(Credentials):
    """An access token, and how it is renewed. Safe for several threads."""

    #: What PyDrive2 asks before each call; True would make it open a web server.
    access_token_expired = False

    def __init__(self, renew: Renew, kind: LoginKind, *, token: str | None = None, expires_at: datetime | None = None):
        super().__init__()  # type: ignore[no-untyped-call]  # google-auth's
        self.kind = kind
        self.token, self.expiry = token, _naive(expires_at)
        self._renew = renew
        self._alone = threading.RLock()

    def authorize(self, connection: httplib2.Http) -> AuthorizedHttp:
        """The connection, with a good token on each request. PyDrive2's name."""
        return AuthorizedHttp(self, connection)

    def before_request(self, request: Ask, method: str, url: str, headers: dict[str, str]) -> None:
        """Renew the token if it ends soon; threads that come meanwhile wait and take the new one."""
        with self._alone:
            super().before_request(request, method, url, headers)  # type: ignore[no-untyped-call]  # the same

    def refresh(self, request: Ask) -> None:
        """Ask for a new token.

        Raises:
            NotSignedIn: Google does not renew it.
            DriveUnreachable: Google cannot be asked now.
        """
        with self._alone, self._translated():
            renewed = self._renew(_asked_once(request), self.token)
            self.token, self.expiry = renewed.token, renewed.expiry

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except BridgeError:
            raise
        except _BROKEN as error:
            raise DriveUnreachable(
                f"cannot reach Google's account server ({type(error.__context__ or error).__name__}): are you offline? "
                "Try again later"
            ) from error
        except GoogleAuthError as error:  # its arguments may hold a token
            said = error.args[1] if len(error.args) > 1 else {"error": ""}
            if error.retryable or not (isinstance(said, dict) and "error" in said):
                raise DriveUnreachable(_NO_TOKEN) from None
            word = str(said["error"])
            reason = f" ({word})" if word.replace("_", "").isalpha() and len(word) < 40 else ""
            raise NotSignedIn(f"Google no longer accepts the sign-in{reason}: {_REMEDY[self.kind]}") from None
        except (ValueError, KeyError, TypeError, AttributeError):  # the same of their texts
            raise DriveUnreachable(_NO_TOKEN) from None


class SignedIn(GoogleAuth):  # type: ignore[misc]  # PyDrive2 has no types
    """A `GoogleAuth` with credentials. Safe for several threads: each asks for its own `Get_Http_Object`."""

    def __init__(self, credentials: DriveCredentials, *, account: str | None, http_timeout_s: float) -> None:
        super().__init__(settings_file=None, http_timeout=http_timeout_s)
        self.credentials = credentials
        self.account = account

    @property
    def kind(self) -> LoginKind:
        """Who signed in."""
        return self.credentials.kind

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends, UTC; None: there is none yet, or nobody said."""
        return _aware(self.credentials.expiry)

    def freshen(self, *, force: bool = False) -> None:
        """Renew the access token if it ends soon; `force`: in any case. Raises NotSignedIn, DriveUnreachable."""
        with contextlib.closing(self.Get_Http_Object()) as connection:
            request = Request(connection.http)
            if force:
                self.credentials.refresh(request)
            else:
                self.credentials.before_request(request, "GET", "", {})


def of_login(login: Login, place: Stored) -> DriveCredentials:
    """A person's, tied to the file: whoever renews looks first whether another process just did."""

    def renew(request: Ask, ended: str | None) -> Credentials:
        with place.locked():
            now = place.load()
            if now is None or now.kind is not LoginKind.USER:
                raise NotSignedIn("signed out in the meantime: run `bridge auth login`")
            found = _of_user(now)
            if now.access_token == ended or not found.valid:
                found.refresh(request)
                place.save(
                    replace(
                        now,
                        access_token=found.token,
                        refresh_token=found.refresh_token,
                        expires_at=_aware(found.expiry),
                    )
                )
            return found

    return DriveCredentials(renew, LoginKind.USER, token=login.access_token, expires_at=login.expires_at)


def of_key(key: Key, scopes: tuple[str, ...]) -> DriveCredentials:
    """A service account's. Raises ConfigError if the private key is damaged."""
    try:
        given = service_account.Credentials.from_service_account_info(
            {"token_uri": TOKEN_URI, **key.content}, scopes=list(scopes)
        )
    except Exception:  # noqa: BLE001  # whatever the crypto library of the day raises; its text may hold the key
        raise ConfigError(f"the private key in {key.path} is damaged: download the key again") from None
    return of_google(given, LoginKind.SERVICE_ACCOUNT)


def of_google(given: Credentials, kind: LoginKind) -> DriveCredentials:
    """Those that google-auth made, with our errors."""

    def renew(request: Ask, _ended: str | None) -> Credentials:
        given.refresh(request)
        return given

    return DriveCredentials(renew, kind)


def _of_user(login: Login) -> user.Credentials:
    client = login.client
    assert client is not None  # a user's login has one
    return user.Credentials(
        login.access_token,
        refresh_token=login.refresh_token,
        token_uri=client.token_uri,
        client_id=client.client_id,
        client_secret=client.client_secret,
        expiry=_naive(login.expires_at),
    )


def _asked_once(request: Ask) -> Ask:
    """Requests that fail at once if the server is out of reach: google-auth would sleep and ask three times, under our lock."""

    def ask(*args: object, **kwargs: object) -> transport.Response:
        kwargs.pop("timeout", None)  # the connection has a time limit, and httplib2 takes no other
        answer = request(*args, **kwargs)
        if answer.status == 429 or answer.status // 100 in (3, 5):  # a redirect is a network that wants something first
            raise DriveUnreachable(f"Google's account server answers {answer.status}: try again later")
        return answer

    return ask


def _naive(moment: datetime | None) -> datetime | None:
    """As google-auth has them: UTC that does not say so."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
