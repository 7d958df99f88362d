"""The stand-in Drive's OAuth, and the stand-in as a process of its own."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.support.drive import SCOPE, Consent, StandIn
from tests.support.drive.wire import Wire

REDIRECT = "http://127.0.0.1:9/back"  # nobody listens there: the redirect is read, not followed
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def consent(drive: StandIn, **changes: str) -> Any:
    """What the consent page answers to a well-made request."""
    query = {
        "client_id": drive.oauth.client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": SCOPE,
        "state": "s1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "access_type": "offline",
    } | changes
    return requests.get(f"{drive.url}/o/oauth2/auth", params=query, allow_redirects=False, timeout=30)


def came_back(answer: Any) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(drive: StandIn, **form: str) -> Any:
    form = {"client_id": drive.oauth.client_id, "client_secret": drive.oauth.client_secret} | form
    return requests.post(f"{drive.url}/token", data=form, timeout=30)


def by_code(drive: StandIn, **changes: str) -> Any:
    code = came_back(consent(drive))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return token(drive, **(form | changes))


def works(drive: StandIn, access: str) -> bool:
    wire = Wire(drive, access)
    told = wire("GET", "about")
    wire.close()
    return told.status == 200


def test_a_code_with_its_verifier_becomes_tokens(drive: StandIn) -> None:
    told = by_code(drive).json()
    assert works(drive, told["access_token"])
    again = token(drive, grant_type="refresh_token", refresh_token=told["refresh_token"]).json()
    assert works(drive, again["access_token"])
    assert (told["token_type"], told["scope"], told["expires_in"]) == ("Bearer", SCOPE, 3600)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"code": "4/other"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:10/"}, "redirect_uri_mismatch"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_what_does_not_fit_gets_no_token(drive: StandIn, changes: dict[str, str], error: str) -> None:
    told = by_code(drive, **changes)
    assert (told.json()["error"], told.status_code) == (error, 401 if error == "invalid_client" else 400)


def test_a_code_is_good_once_and_for_ten_minutes(drive: StandIn) -> None:
    code = came_back(consent(drive))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    assert [token(drive, **form).status_code for _ in range(2)] == [200, 400]
    form["code"] = came_back(consent(drive))["code"]
    drive.clock.advance(601)
    assert token(drive, **form).json()["error"] == "invalid_grant"


def test_the_consent_page_sends_back_code_and_state(drive: StandIn) -> None:
    answer = consent(drive)
    assert answer.headers["Location"].startswith(REDIRECT)
    assert came_back(answer)["state"] == "s1"


def test_the_person_denies_somebody_forges_or_nobody_answers(drive: StandIn) -> None:
    drive.oauth.consent = Consent.DENY
    assert came_back(consent(drive)) == {"error": "access_denied", "state": "s1"}
    drive.oauth.consent = Consent.FORGE_STATE
    assert came_back(consent(drive))["state"] != "s1"
    drive.oauth.consent = Consent.SILENT
    assert "Location" not in consent(drive).headers


def test_a_person_may_tick_less_than_was_asked(drive: StandIn) -> None:
    drive.oauth.granted_scopes = frozenset({f"{SCOPE}.file"})
    answer = consent(drive, scope=f"{SCOPE} {SCOPE}.file")
    assert came_back(answer)["scope"] == f"{SCOPE}.file"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://example.com/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "urn:ietf:wg:oauth:2.0:oob"}, "redirect_uri_mismatch"),
        ({"client_id": "other"}, "invalid_client"),
        ({"response_type": "token"}, "invalid_request"),
        ({"code_challenge_method": "S1"}, "invalid_request"),
    ],
)
def test_the_consent_page_refuses(drive: StandIn, changes: dict[str, str], error: str) -> None:
    assert consent(drive, **changes).json()["error"] == error


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_revoked_token_takes_the_other_with_it(drive: StandIn, which: str) -> None:
    told = by_code(drive).json()
    assert requests.post(f"{drive.url}/revoke", data={"token": told[which]}, timeout=30).status_code == 200
    assert not works(drive, told["access_token"])
    again = token(drive, grant_type="refresh_token", refresh_token=told["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    gone = requests.post(f"{drive.url}/revoke", data={"token": told[which]}, timeout=30)
    assert gone.json()["error"] == "invalid_token"


# ---- service accounts ---------------------------------------------------------------------------------------------


def assertion(drive: StandIn, key: dict[str, Any], **changes: Any) -> str:
    from google.auth import crypt, jwt

    now = int(drive.clock.peek().timestamp())
    claims = {"iss": key["client_email"], "aud": key["token_uri"], "scope": SCOPE, "iat": now, "exp": now + 3600}
    return jwt.encode(crypt.RSASigner.from_service_account_info(key), claims | changes).decode()


def test_a_signed_assertion_becomes_a_token(drive: StandIn) -> None:
    told = token(drive, grant_type=JWT, assertion=assertion(drive, drive.service_account())).json()
    assert works(drive, told["access_token"])
    assert drive.log[-1].account.startswith("robot@")


def test_a_delegated_assertion_acts_for_a_person(drive: StandIn) -> None:
    signed = assertion(drive, drive.service_account(), sub="boss@example.com")
    assert works(drive, token(drive, grant_type=JWT, assertion=signed).json()["access_token"])
    assert drive.log[-1].account == "boss@example.com"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "stranger@example.com"}, "invalid_grant"),
        ({"aud": "https://example.com/token"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
def test_an_assertion_that_does_not_fit_is_refused(drive: StandIn, changes: dict[str, Any], error: str) -> None:
    signed = assertion(drive, drive.service_account(), **changes)
    assert token(drive, grant_type=JWT, assertion=signed).json()["error"] == error


def test_an_assertion_that_was_changed_after_signing_is_refused(drive: StandIn) -> None:
    key = drive.service_account()
    head, _, signature = assertion(drive, key).split(".")
    claims = assertion(drive, key, sub="boss@example.com").split(".")[1]
    told = token(drive, grant_type=JWT, assertion=f"{head}.{claims}.{signature}").json()
    assert told == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


def test_pydrives_own_browser_login_works_against_it(drive: StandIn) -> None:
    from oauth2client.client import OAuth2WebServerFlow

    flow = OAuth2WebServerFlow(
        drive.oauth.client_id,
        drive.oauth.client_secret,
        SCOPE,
        redirect_uri=REDIRECT,
        auth_uri=f"{drive.url}/o/oauth2/auth",
        token_uri=f"{drive.url}/token",
        pkce=True,
        code_verifier=VERIFIER.encode(),
    )
    page = requests.get(flow.step1_get_authorize_url(state="s"), allow_redirects=False, timeout=30)
    import httplib2

    http = httplib2.Http()
    credentials = flow.step2_exchange(came_back(page)["code"], http=http)
    http.close()
    assert works(drive, credentials.access_token)
    assert credentials.refresh_token


# ---- as a process -------------------------------------------------------------------------------------------------


def test_it_runs_as_a_process_and_keeps_its_files_in_a_state_file(tmp_path: Path) -> None:
    port_file, state = tmp_path / "port", tmp_path / "state"
    command = [sys.executable, "-m", "tests.support.drive", "--port-file", str(port_file), "--state", str(state)]
    made = bearer = ""
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
            try:
                assert process.stdout
                url = process.stdout.readline().strip()
                assert url == f"http://127.0.0.1:{port_file.read_text().strip()}"
                if not made:
                    bearer = requests.post(f"{url}/stand-in/token", json={}, timeout=30).json()["access_token"]
                    body = {"title": "a", "content": "text"}
                    made = requests.post(f"{url}/stand-in/files", json=body, timeout=30).json()["id"]
                headers = {"Authorization": f"Bearer {bearer}"}
                fault = {"pattern": "files.download", "status": 429, "retry_after_s": 1}
                requests.post(f"{url}/stand-in/faults", json=fault, timeout=30)
                address = f"{url}/drive/v2/files/{made}?alt=media"
                answers = [requests.get(address, headers=headers, timeout=30) for _ in range(2)]
                assert [(a.status_code, a.text[:4]) for a in answers][1] == (200, "text")
                report = requests.get(f"{url}/stand-in/report", timeout=30).json()
                assert (report["requests"], report["faults"]) == ({"files.download": 2}, {"answer 429": 1})
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0
