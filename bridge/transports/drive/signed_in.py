"""PyDrive2's `GoogleAuth`, made safe to leave alone: it refreshes by itself and never asks anybody.

As PyDrive2 has it, any call with an expired token opens a web server and waits for a browser for ever, and credentials
that were set from outside are not refreshed (facts on Drive, section 1). Here each request looks at the token first,
those that several processes share are refreshed once for all, and what cannot be refreshed is `NotSignedIn`.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httplib2
from oauth2client.client import AccessTokenRefreshError, HttpAccessTokenRefreshError, OAuth2Credentials, Storage
from oauth2client.service_account import ServiceAccountCredentials
from pydrive2.auth import GoogleAuth

from bridge.core.errors import BridgeError, ConfigError, DriveUnreachable, NotSignedIn
from bridge.transports.drive.client import Key
from bridge.transports.drive.credentials import Login, LoginKind, Stored

#: A token that ends so soon is refreshed before it is used.
LEEWAY = timedelta(seconds=60)
#: httplib2 raises its own, http.client's and the socket's.
_BROKEN = (OSError, httplib2.HttpLib2Error, http.client.HTTPException)
_REMEDY = {
    LoginKind.USER: "run `bridge auth login`",
    LoginKind.SERVICE_ACCOUNT: "make a new key for the service account and run `bridge auth login --service-account KEY.json`",
    LoginKind.COLAB: "run the cell again and allow access to your Google account",
}

Now = Callable[[], datetime]


class SignedIn(GoogleAuth):  # type: ignore[misc]  # PyDrive2 has no types
    """A `GoogleAuth` with credentials. Safe for several threads: each asks for its own `Get_Http_Object`."""

    def __init__(
        self, credentials: Any, *, kind: LoginKind, account: str | None, http_timeout_s: float, now: Now
    ) -> None:
        super().__init__(settings_file=None, http_timeout=http_timeout_s)
        self.kind = kind
        self.account = account
        self.credentials = credentials
        self._now = now
        self._refreshing = threading.Lock()

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends, UTC; None: there is none yet, or nobody said."""
        ends = self.credentials.token_expiry
        return ends.replace(tzinfo=UTC) if ends else None

    def freshen(self, *, force: bool = False) -> None:
        """Refresh the access token if it ends soon, or is refused already.

        Raises:
            NotSignedIn: Google does not renew it.
            DriveUnreachable: Google cannot be asked now.
        """
        with self._refreshing:
            ends = self.expires_at
            late = ends is not None and ends - LEEWAY <= self._now()
            if force or late or self.credentials.invalid or not self.credentials.access_token:
                with self._translated(), contextlib.closing(self._build_http()) as connection:
                    self.credentials.refresh(connection)

    def Get_Http_Object(self) -> Any:  # noqa: N802  # PyDrive2's name
        """A connection for one thread, with a time limit, whose every request carries a token that is good."""
        connection = super().Get_Http_Object()
        send = connection.request

        def request(*args: Any, **kwargs: Any) -> Any:
            self.freshen()
            try:
                return send(*args, **kwargs)
            except AccessTokenRefreshError as error:  # the token was refused all the same, and so was its renewal
                raise self._named(error) from error

        request.credentials = self.credentials  # type: ignore[attr-defined]  # googleapiclient looks for it there
        connection.request = request
        return connection

    def LocalWebserverAuth(self, *_args: Any, **_kwargs: Any) -> None:  # noqa: N802  # PyDrive2's name
        """Refreshes. PyDrive2 calls this before any call whose token has expired: no web server is opened."""
        self.freshen(force=True)

    CommandLineAuth = ServiceAuth = LocalWebserverAuth

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except BridgeError:
            raise
        except AccessTokenRefreshError as error:
            raise self._named(error) from error
        except _BROKEN as error:
            raise DriveUnreachable(
                f"cannot reach Google's account server ({type(error).__name__}): are you offline? Try again later"
            ) from error
        except (ValueError, KeyError, TypeError):  # their texts may hold a token
            raise DriveUnreachable(
                "Google's account server sent no token, but something else: try again later"
            ) from None

    def _named(self, error: AccessTokenRefreshError) -> BridgeError:
        status = int(getattr(error, "status", 0) or 0)
        if status == 429 or status >= 500:
            return DriveUnreachable(f"Google's account server answers {status}: try again later")
        word = str(error).partition(":")[0].strip()
        reason = word if word.replace("_", "").isalpha() and len(word) < 40 else f"HTTP {status}"
        return NotSignedIn(f"Google no longer accepts the sign-in ({reason}): {_REMEDY[self.kind]}")


class Shared(Storage):  # type: ignore[misc]  # oauth2client has no types
    """The stored login as oauth2client wants it: whoever refreshes looks first whether another process just did."""

    def __init__(self, place: Stored) -> None:
        super().__init__()
        self._place = place
        self._held = contextlib.ExitStack()
        self._own: Any = None

    def credentials(self, login: Login) -> Any:
        """oauth2client's credentials of a user, tied to the file."""
        self._own = _of_user(login)
        self._own.set_store(self)
        return self._own

    def acquire_lock(self) -> None:
        """Alone among all processes; `LockHeld` after a while."""
        held = contextlib.ExitStack()
        held.enter_context(self._place.locked())
        self._held = held  # only now: until here it is another thread's

    def release_lock(self) -> None:
        """Let others go on."""
        self._held.pop_all().close()

    def locked_get(self) -> Any:
        """What the file says now; None if there is no user's login any more."""
        login = self._place.load()
        if login is None or login.kind is not LoginKind.USER:
            raise NotSignedIn("signed out in the meantime: run `bridge auth login`")
        found = _of_user(login)
        # A new login by another process: what is renewed from here on is that one, not the one it replaced.
        for name in ("refresh_token", "client_id", "client_secret", "token_uri"):
            setattr(self._own, name, getattr(found, name))
        return found

    def locked_put(self, credentials: Any) -> None:
        """Remember a renewed token; what failed is not worth remembering, and what was signed out stays so."""
        login = self._place.load()
        if login is None or login.kind is not LoginKind.USER or credentials.invalid:
            return
        ends = credentials.token_expiry
        self._place.save(
            replace(
                login,
                access_token=credentials.access_token,
                refresh_token=credentials.refresh_token,
                expires_at=ends.replace(tzinfo=UTC) if ends else None,
            )
        )


def of_key(key: Key, scopes: tuple[str, ...]) -> Any:
    """oauth2client's credentials of a service account. Raises ConfigError if the private key is damaged."""
    try:
        return ServiceAccountCredentials.from_json_keyfile_dict(dict(key.content), scopes=" ".join(scopes))
    except Exception:  # noqa: BLE001  # whatever the crypto library of the day raises; its text may hold the key
        raise ConfigError(f"the private key in {key.path} is damaged: download the key again") from None


class OfColab(OAuth2Credentials):  # type: ignore[misc]  # oauth2client has no types
    """Credentials of google-auth, which is what Colab gives, as oauth2client's."""

    def __init__(self, given: Any) -> None:
        super().__init__(None, None, None, None, None, None, None)
        self._given = given

    def _do_refresh_request(self, _http: Any) -> None:
        from google.auth import exceptions
        from google.auth.transport.requests import Request

        try:
            self._given.refresh(Request())
        except exceptions.TransportError as error:
            raise ConnectionError("Colab's account server") from error
        except exceptions.GoogleAuthError as error:
            self.invalid = True
            raise HttpAccessTokenRefreshError("invalid_grant", status=400) from error
        self.access_token, self.token_expiry, self.invalid = self._given.token, self._given.expiry, False


def _of_user(login: Login) -> Any:
    client = login.client
    assert client is not None  # a user's login has one
    return OAuth2Credentials(
        login.access_token,
        client.client_id,
        client.client_secret,
        login.refresh_token,
        login.expires_at.astimezone(UTC).replace(tzinfo=None) if login.expires_at else None,
        client.token_uri,
        None,
        revoke_uri=client.revoke_uri,
        scopes=" ".join(login.scopes),
    )
