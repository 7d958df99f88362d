"""A loopback stand-in for Google's account server, and for the one call of Drive that tells who is signed in.

Speaks RFC 6749 with PKCE (7636), refresh, the JWT bearer grant (7523) with the signature checked, and revocation (7009).
Like Google it takes each code once, and gives a refresh token only for `access_type=offline`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

EMAIL = "person@example.org"
ROBOT = "robot@project.iam.gserviceaccount.com"
#: What an assertion is for, whatever address it is sent to: https://developers.google.com/identity/protocols/oauth2/service-account
AUDIENCES = {"https://oauth2.googleapis.com/token"}
SCOPE = "https://www.googleapis.com/auth/drive.file"


@dataclass
class LoopbackAccounts:
    """The server; a context manager."""

    deny: bool = False  #: the person says no
    broken_drive: bool = False  #: Drive breaks off each answer
    unticked: bool = False  #: the person allows, but not Drive
    lifetime_s: int = 3600  #: of access tokens
    #: What the next calls of the token endpoint suffer: (status, body), "slow" (until `released`) or "cut".
    faults: deque[tuple[int, str] | str] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)  #: "POST /token refresh_token", …
    refresh_tokens: set[str] = field(default_factory=set)  #: that are good
    access_tokens: set[str] = field(default_factory=set)  #: that are good
    secrets: set[str] = field(default_factory=set)  #: all that must never be shown

    def __post_init__(self) -> None:
        self.client_id = "1234-abc.apps.googleusercontent.com"
        self.client_secret = self.secret("GOCSPX-")
        self.codes: dict[str, dict[str, str]] = {}
        self.keys: dict[str, Any] = {}
        self.released = threading.Event()
        self.arrived = threading.Event()

    def __enter__(self) -> LoopbackAccounts:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"accounts": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def secret(self, prefix: str) -> str:
        """A new secret, of which the tests know that it is one."""
        made = prefix + secrets.token_urlsafe(24)
        self.secrets.add(made)
        return made

    def client_file(self, folder: Path, kind: str = "installed", **changes: Any) -> Path:
        """A `client_secret.json` as Google's console gives it."""
        told = {
            "client_id": self.client_id,
            "project_id": "my-project",
            "auth_uri": f"{self.url}/auth",
            "token_uri": f"{self.url}/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_secret": self.client_secret,
            "redirect_uris": ["http://localhost"],
            "revoke_uri": f"{self.url}/revoke",
        }
        file = folder / "client_secret.json"
        file.write_text(json.dumps({kind: {**told, **changes}}), encoding="utf-8")
        return file

    def key_file(self, folder: Path, *, known: bool = True, **changes: Any) -> Path:
        """A service account's key as Google's console gives it; the account server knows its public half, or not."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self.secrets.update(line for line in pem.splitlines() if not line.startswith("-"))
        if known:
            self.keys[ROBOT] = key.public_key()
        told = {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "k1",
            "private_key": pem,
            "client_email": ROBOT,
            "client_id": "42",
            "token_uri": f"{self.url}/token",
        }
        file = folder / "key.json"
        file.write_text(json.dumps({**told, **changes}), encoding="utf-8")
        file.chmod(0o600)
        return file

    def grant(self) -> str:
        """A refresh token that is good."""
        made = self.secret("1//")
        self.refresh_tokens.add(made)
        return made

    def access(self) -> str:
        """An access token that is good."""
        made = self.secret("ya29.")
        self.access_tokens.add(made)
        return made

    def authorize(self, query: dict[str, str]) -> dict[str, str]:
        """What the browser is sent back with."""
        back = {"state": query["state"]} if "state" in query else {}
        if self.deny:
            return {**back, "error": "access_denied"}
        code = self.secret("4/")
        self.codes[code] = query
        return {**back, "code": code, "scope": query["scope"]}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What the token endpoint answers."""
        kind = form.get("grant_type")
        if kind == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            problem = self._assertion_problem(form["assertion"])
            return (400, {"error": "invalid_grant", "error_description": problem}) if problem else (200, self._access())
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client", "error_description": "Unauthorized"}
        if kind == "refresh_token":
            if form["refresh_token"] not in self.refresh_tokens:
                return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            return 200, self._access()
        asked = self.codes.pop(form.get("code", ""), None)
        if kind != "authorization_code" or asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant", "error_description": "Bad Request"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if asked.get("code_challenge") != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
            return 400, {"error": "invalid_grant", "error_description": "Invalid code verifier."}
        lasting = {"refresh_token": self.grant()} if asked.get("access_type") == "offline" else {}
        return 200, {**self._access("openid" if self.unticked else asked["scope"]), **lasting}

    def _access(self, scope: str = SCOPE) -> dict[str, Any]:
        return {"access_token": self.access(), "expires_in": self.lifetime_s, "scope": scope, "token_type": "Bearer"}

    def _assertion_problem(self, assertion: str) -> str | None:
        signed, _, signature = assertion.rpartition(".")
        claims = json.loads(_unpacked(signed.partition(".")[2]))
        key = self.keys.get(claims["iss"])
        if key is None:
            return "Invalid grant: account not found"
        try:
            key.verify(_unpacked(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "Invalid JWT Signature."
        good = (
            claims["aud"] in AUDIENCES | {f"{self.url}/token"}
            and claims["iat"] <= time.time() + 60
            and claims["exp"] > time.time()
        )
        return None if good and claims["scope"] else "Invalid JWT."


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Handler(BaseHTTPRequestHandler):
    accounts: LoopbackAccounts

    def do_GET(self) -> None:
        accounts, parts = self.accounts, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        accounts.calls.append(f"GET {parts.path}")
        if parts.path == "/auth":
            known = query.get("client_id") == accounts.client_id and query.get("response_type") == "code"
            if not known or query.get("code_challenge_method") != "S256":
                return self._send(400, {"error": "invalid_request"})
            back = urlencode(accounts.authorize(query))
            self.send_response(302)
            self.send_header("Location", f"{query['redirect_uri']}?{back}")
            self.end_headers()
            return None
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in accounts.access_tokens:
            return self._send(401, {"error": {"code": 401, "message": "Invalid Credentials"}})
        if accounts.broken_drive:
            return self._send_raw(200, b"{}    ", cut=True)
        if parts.path == "/drive/v2/about":
            return self._send(200, {"kind": "drive#about", "user": {"emailAddress": EMAIL}})
        if parts.path == "/drive/v2/files":
            return self._send(200, {"kind": "drive#fileList", "items": []})
        return self._send(404, {"error": {"code": 404}})

    def do_POST(self) -> None:
        accounts, path = self.accounts, urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        accounts.calls.append(f"POST {path} {form.get('grant_type', '')}".strip())
        if path == "/revoke":
            known = form.get("token") in accounts.refresh_tokens | accounts.access_tokens
            accounts.refresh_tokens.discard(form.get("token", ""))
            return self._send(*((200, {}) if known else (400, {"error": "invalid_token"})))
        fault = accounts.faults.popleft() if accounts.faults else None
        if fault == "slow":
            accounts.arrived.set()
            accounts.released.wait(60)
        status, answer = accounts.token(form)
        if isinstance(fault, tuple):
            return self._send_raw(fault[0], fault[1].encode())
        return self._send_raw(status, json.dumps(answer).encode(), cut=fault == "cut")

    def _send(self, status: int, value: dict[str, Any]) -> None:
        self._send_raw(status, json.dumps(value).encode())

    def _send_raw(self, status: int, body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)

    def log_message(self, *_: Any) -> None:
        pass
