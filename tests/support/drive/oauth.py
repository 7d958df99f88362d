"""Google's OAuth 2.0 endpoints: the consent page that answers by itself, `/token`, `/revoke`.

Sources: RFC 6749 (codes, refresh tokens, errors), RFC 7636 (PKCE), RFC 7523 (signed assertions of service accounts).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.drive.values import CLIENT, PERSON, SCOPE, Caller, Clock, Json, Refusal

CODE_LIFE_S = 600
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Consent(Enum):
    """What the person does on the consent page."""

    ALLOW = "allow"
    DENY = "deny"  # error=access_denied
    FORGE_STATE = "forge state"  # a redirect with a code and another state, as an attacker's would be
    SILENT = "silent"  # the page stays open: no redirect ever comes


class Refused(Exception):
    """An error of the token endpoint: RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.status, self.body = status, {"error": error, "error_description": description}


@dataclass(frozen=True, kw_only=True)
class _Grant:
    caller: Caller
    until: datetime
    refresh: str = ""  #: the refresh token that it came with


@dataclass(frozen=True, kw_only=True)
class _Code:
    caller: Caller
    until: datetime
    redirect_uri: str
    challenge: str
    plain: bool
    offline: bool


class OAuth:
    """Accounts, clients and tokens. Fields may be changed by a test at any time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.client_id, self.client_secret = CLIENT, "stand-in-secret"
        self.account = PERSON  #: who sits before the consent page
        self.consent = Consent.ALLOW
        self.granted_scopes: frozenset[str] | None = None  #: what the person ticks; None: all that is asked
        self.token_life_s = 3600
        self.pkce_required = False
        self.url = ""  #: of this server: the audience of assertions
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Grant] = {}
        self._refresh: dict[str, Caller] = {}
        self._keys: dict[str, str] = {}  #: public keys of service accounts, PEM
        self._lock = threading.RLock()

    # ---- for tests ------------------------------------------------------------------------------------------------

    def mint(self, caller: Caller) -> str:
        """An access token without any ceremony."""
        with self._lock:
            return str(self._answer(caller)["access_token"])

    def trust(self, email: str, public_key_pem: str) -> None:
        """A service account whose assertions are believed if this key signed them."""
        self._keys[email] = public_key_pem

    def expire(self) -> None:
        """Every access token is over now; refresh tokens live."""
        with self._lock:
            self._access.clear()

    def revoke_all(self) -> None:
        """The person takes back what was granted: every token is over."""
        with self._lock:
            self._access.clear()
            self._refresh.clear()

    def state(self) -> tuple[Any, ...]:
        """Tokens and keys, to be pickled."""
        with self._lock:
            return dict(self._access), dict(self._refresh), dict(self._keys)

    def restore(self, state: tuple[Any, ...]) -> None:
        with self._lock:
            self._access, self._refresh, self._keys = state

    # ---- endpoints ------------------------------------------------------------------------------------------------

    def caller(self, authorization: str | None) -> Caller:
        """Whose token this is. Raises Refusal (401)."""
        realm = 'Bearer realm="https://accounts.google.com/"'
        if not authorization:
            raise Refusal(401, "required", "Login Required", location="Authorization", location_type="header",
                          headers={"WWW-Authenticate": realm})  # fmt: skip
        with self._lock:
            grant = self._access.get(authorization.removeprefix("Bearer "))
            if authorization.startswith("Bearer ") and grant and grant.until > self.clock.peek():
                return grant.caller
        raise Refusal(401, "authError", "Invalid Credentials", location="Authorization", location_type="header",
                      headers={"WWW-Authenticate": f"{realm}, error=\"invalid_token\""})  # fmt: skip

    def authorize(self, query: dict[str, str]) -> str | None:
        """Where the browser is sent; None: nowhere, ever. Raises Refused, which is shown in the browser."""
        redirect = query.get("redirect_uri", "")
        if query.get("client_id") != self.client_id:
            raise Refused("invalid_client", "The OAuth client was not found.", 401)
        if urlsplit(redirect).hostname not in ("127.0.0.1", "localhost", "::1") or urlsplit(redirect).scheme != "http":
            raise Refused("redirect_uri_mismatch", "A desktop client is sent to a loopback address only.")
        if query.get("response_type") != "code" or not query.get("scope"):
            raise Refused("invalid_request", "response_type=code and a scope are required.")
        method = query.get("code_challenge_method", "plain")
        if method not in ("plain", "S256") or (self.pkce_required and method != "S256"):
            raise Refused("invalid_request", "code_challenge_method must be S256.")
        if self.consent is Consent.SILENT:
            return None
        state = query.get("state")
        if self.consent is Consent.DENY:
            back: dict[str, str] = {"error": "access_denied"}
        else:
            scopes = frozenset(query["scope"].split())
            scopes = scopes if self.granted_scopes is None else scopes & self.granted_scopes
            code = "4/" + secrets.token_urlsafe(24)
            back = {"code": code, "scope": " ".join(sorted(scopes))}
            with self._lock:
                self._codes[code] = _Code(
                    caller=Caller(account=self.account, client=self.client_id, scopes=scopes),
                    until=self.clock.peek() + timedelta(seconds=CODE_LIFE_S),
                    redirect_uri=redirect,
                    challenge=query.get("code_challenge", ""),
                    plain=method == "plain",
                    offline=query.get("access_type") == "offline",
                )
        if self.consent is Consent.FORGE_STATE:
            state = "forged"
        return redirect + ("&" if "?" in redirect else "?") + urlencode(back | ({"state": state} if state else {}))

    def token(self, form: dict[str, str]) -> Json:
        """The answer of `/token`. Raises Refused."""
        grants = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh,
            JWT_BEARER: self._by_assertion,
        }
        grant = grants.get(form.get("grant_type", ""))
        if grant is None:
            raise Refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        with self._lock:
            return grant(form)

    def revoke(self, token: str) -> None:
        """An access token takes its refresh token with it, and the other way round. Raises Refused."""
        with self._lock:
            refresh = self._access[token].refresh if token in self._access else token
            if token not in self._access and token not in self._refresh:
                raise Refused("invalid_token", "Token expired or revoked")
            self._refresh.pop(refresh, None)
            gone = [t for t, g in self._access.items() if t == token or (refresh and g.refresh == refresh)]
            for access in gone:
                del self._access[access]

    # ---- grants ---------------------------------------------------------------------------------------------------

    def _check_client(self, form: dict[str, str]) -> None:
        if form.get("client_id") != self.client_id or form.get("client_secret", "") != self.client_secret:
            raise Refused("invalid_client", "Unauthorized", 401)

    def _by_code(self, form: dict[str, str]) -> Json:
        self._check_client(form)
        code = self._codes.pop(form.get("code", ""), None)  # used up, also by a wrong attempt
        if code is None or code.until <= self.clock.peek():
            raise Refused("invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Refused("redirect_uri_mismatch", "Bad Request")
        verifier = form.get("code_verifier", "")
        if code.challenge:
            digest = hashlib.sha256(verifier.encode()).digest()
            proof = verifier if code.plain else base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if not verifier:
                raise Refused("invalid_grant", "Missing code verifier.")
            if not secrets.compare_digest(proof, code.challenge):
                raise Refused("invalid_grant", "Invalid code verifier.")
        elif verifier:
            raise Refused("invalid_grant", "code_verifier or verifier is not needed.")
        refresh = ""
        if code.offline:
            refresh = "1//" + secrets.token_urlsafe(32)
            self._refresh[refresh] = code.caller
        answer = self._answer(code.caller, refresh)
        return answer | ({"refresh_token": refresh} if refresh else {})

    def _by_refresh(self, form: dict[str, str]) -> Json:
        self._check_client(form)
        refresh = form.get("refresh_token", "")
        if refresh not in self._refresh:
            raise Refused("invalid_grant", "Token has been expired or revoked.")
        return self._answer(self._refresh[refresh], refresh)

    def _by_assertion(self, form: dict[str, str]) -> Json:
        claims = self._verified(form.get("assertion", ""))
        now = self.clock.peek().timestamp()
        if not (claims.get("iat", 0) - 300 <= now < claims.get("exp", 0) <= claims.get("iat", 0) + 3600):
            raise Refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes).")
        if claims.get("aud") not in (f"{self.url}/token", "https://oauth2.googleapis.com/token"):
            raise Refused("invalid_grant", "Invalid JWT: Failed audience check.")
        if not claims.get("scope"):
            raise Refused("invalid_scope", "Empty or missing scope not allowed.")
        account = claims.get("sub") or claims["iss"]
        service = account == claims["iss"]
        caller = Caller(
            account=account, client=claims["iss"], scopes=frozenset(claims["scope"].split()), service=service
        )
        return self._answer(caller)

    def _verified(self, assertion: str) -> Json:
        """The claims, if the key that is trusted for `iss` signed them with RS256."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import padding
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            signed, _, signature = assertion.rpartition(".")
            header, claims = (json.loads(_unpadded(part)) for part in signed.split("."))
            key: Any = load_pem_public_key(self._keys[claims["iss"]].encode())
        except (ValueError, KeyError):
            raise Refused("invalid_grant", "Invalid grant: account not found") from None
        try:
            key.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), SHA256())
        except InvalidSignature:
            raise Refused("invalid_grant", "Invalid JWT Signature.") from None
        if header.get("alg") != "RS256":
            raise Refused("invalid_grant", "Invalid JWT: alg must be RS256.")
        return dict(claims)

    def _answer(self, caller: Caller, refresh: str = "") -> Json:
        access = "ya29." + secrets.token_urlsafe(24)
        until = self.clock.peek() + timedelta(seconds=self.token_life_s)
        self._access[access] = _Grant(caller=caller, until=until, refresh=refresh)
        return {
            "access_token": access,
            "expires_in": self.token_life_s,
            "scope": " ".join(sorted(caller.scopes or {SCOPE})),
            "token_type": "Bearer",
        }


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
