"""OAuth for a desktop program: the page where a person consents, and the code that comes back changed into tokens.

Our own, because PyDrive2 checks no `state`, knows no PKCE and waits without end, and google-auth-oauthlib writes tokens to the
log and ends the wait at the first request of anybody (docs/decisions.md). RFC 6749, 7636 (S256) and 8252; Google's page on them:
https://developers.google.com/identity/protocols/oauth2/native-app
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
import webbrowser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bridge.core.errors import DriveUnreachable, SignInFailed
from bridge.transports.drive.client import OAuthClient, covers
from bridge.transports.drive.credentials import Login, LoginKind
from bridge.transports.drive.loopback import Receiver

CALL_TIMEOUT_S = 20.0
CONSENT_TIMEOUT_S = 180.0


def consent(
    client: OAuthClient,
    scopes: tuple[str, ...],
    *,
    tell: Callable[[str], None],
    open_browser: bool = True,
    timeout_s: float = CONSENT_TIMEOUT_S,
    clock: Callable[[], float] = time.monotonic,
    browse: Callable[[str], object] | None = None,
) -> Login:
    """The login of a person who consents in the browser, on this machine; its scopes are those left ticked. Not stored yet.

    Args:
        client: whose name the person sees.
        scopes: what is asked for.
        tell: is given the address to open.
        open_browser: open it, too.
        timeout_s: how long the person may take.
        clock: monotonic seconds.
        browse: opens an address; by default Python's `webbrowser`.

    Raises:
        SignInFailed: refused, not all allowed, or too late.
        DriveUnreachable: the account server cannot be asked.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    with Receiver(state=state) as receiver:
        address = consent_url(client, scopes, redirect_uri=receiver.redirect_uri, state=state, verifier=verifier)
        tell(f"open this address in a browser on this machine, within {timeout_s:.0f} s:\n{address}")
        if open_browser:
            # A text browser returns only when it is closed: the time limit stands all the same.
            threading.Thread(target=browse or webbrowser.open, args=(address,), daemon=True).start()
        code = receiver.wait(timeout_s, clock=clock)
        login = exchange(client, code=code, verifier=verifier, redirect_uri=receiver.redirect_uri)
    if not covers(login.scopes, scopes):
        revoke(login)
        raise SignInFailed(
            "access to Drive was not ticked on the consent page, so nothing was stored: run `bridge auth login` again, and tick it"
        )
    return login


def consent_url(client: OAuthClient, scopes: tuple[str, ...], *, redirect_uri: str, state: str, verifier: str) -> str:
    """The page where the person consents. `prompt=consent`, or Google sends no refresh token the second time."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
    }
    return f"{client.auth_uri}{'&' if '?' in client.auth_uri else '?'}{urlencode(query)}"


def exchange(
    client: OAuthClient, *, code: str, verifier: str, redirect_uri: str, timeout_s: float = CALL_TIMEOUT_S
) -> Login:
    """The code, changed into tokens. Raises SignInFailed, DriveUnreachable; neither tells what Google sent."""
    status, told = _post(
        client.token_uri,
        {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "redirect_uri": redirect_uri,
        },
        timeout_s,
    )
    if status == 429 or status >= 500:
        raise DriveUnreachable(f"Google's account server answers {status}: run `bridge auth login` again later")
    if status != 200:
        raise SignInFailed(
            f"Google refused the sign-in ({_word(told.get('error')) or f'HTTP {status}'}): "
            "run `bridge auth login` again; if it says so again, download the client's JSON again"
        )
    refresh, access, scope = told.get("refresh_token"), told.get("access_token"), told.get("scope")
    seconds = told.get("expires_in")
    if not (isinstance(refresh, str) and refresh and isinstance(access, str) and access and isinstance(scope, str)):
        raise SignInFailed("Google sent no lasting access: run `bridge auth login` again")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 10**7:
        seconds = 0  # refreshed before its first use
    return Login(
        kind=LoginKind.USER,
        client=client,
        refresh_token=refresh,
        access_token=access,
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds),
        scopes=tuple(scope.split()),
    )


def revoke(login: Login, *, timeout_s: float = CALL_TIMEOUT_S) -> str | None:
    """Give a person's access back at Google. None: done, or it had ended already; else why not, for people."""
    assert login.client is not None  # a user's login has one
    assert login.refresh_token is not None  # the same
    if login.client.revoke_uri is None:
        return "the client's JSON does not say where to revoke"
    try:
        status, told = _post(login.client.revoke_uri, {"token": login.refresh_token}, timeout_s)
    except DriveUnreachable as error:
        return str(error)
    if status == 200 or told.get("error") == "invalid_token":
        return None
    return f"Google answers {status}"


def _post(url: str, fields: dict[str, str], timeout_s: float) -> tuple[int, dict[str, object]]:
    import requests

    try:
        # Never sent on: a redirect would carry the secrets to another place.
        answer = requests.post(url, data=fields, timeout=timeout_s, allow_redirects=False)
    except requests.RequestException as error:  # its text holds the address, and that may hold a password of a proxy
        raise DriveUnreachable(
            f"cannot reach Google's account server ({type(error).__name__}): are you offline? Run it again later"
        ) from None
    try:
        told = answer.json()
    except ValueError:
        told = {}
    return answer.status_code, told if isinstance(told, dict) else {}


def _word(value: object) -> str | None:
    """An error's name as RFC 6749 has them; anything else is not repeated."""
    return value if isinstance(value, str) and value.replace("_", "").isalpha() and len(value) < 40 else None
