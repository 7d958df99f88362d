"""Signing in through the browser, as a service account, in Colab; staying signed in, and no longer being so."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import types
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bridge.core.errors import ConfigError, DriveUnreachable, MissingExtra, NotSignedIn, SignInFailed
from bridge.transports.drive import auth, flow, login
from bridge.transports.drive.client import DRIVE, DRIVE_FILE, OAuthClient, read_client
from bridge.transports.drive.credentials import Login, LoginKind, stored
from bridge.transports.drive.loopback import Receiver, judge
from tests.drive.conftest import Kept
from tests.support.google_accounts import EMAIL, ROBOT, LoopbackAccounts

Keep = Callable[..., Kept]


@pytest.fixture
def client(accounts: LoopbackAccounts, tmp_path: Path) -> OAuthClient:
    return read_client(accounts.client_file(tmp_path))


def get(url: str, host: str | None = None) -> tuple[int, str]:
    """What a browser is shown; follows redirects."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def parts_of(address: str) -> tuple[str, str]:
    """The redirect address and the state of a consent page."""
    query = parse_qs(urlsplit(address).query)
    return query["redirect_uri"][0], query["state"][0]


@contextmanager
def nothing_listens() -> Iterator[None]:
    """No server may be opened in this process."""

    def refuse(*_: Any) -> None:
        raise AssertionError("a server was opened")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "listen", refuse)
        patch.setattr(socket.socket, "bind", refuse)
        yield


# The browser.


def test_a_person_who_consents_is_signed_in(client: OAuthClient, accounts: LoopbackAccounts):
    told: list[str] = []

    tokens = flow.consent(client, (DRIVE_FILE,), tell=told.append, browse=get)

    assert tokens.refresh_token in accounts.refresh_tokens
    assert tokens.scopes == (DRIVE_FILE,)
    assert accounts.calls == ["GET /auth", "POST /token authorization_code"]
    assert client.auth_uri in told[0]


def test_without_a_browser_the_address_is_told_and_not_opened(
    client: OAuthClient, accounts: LoopbackAccounts, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("webbrowser.open", lambda _: pytest.fail("opened"))

    tokens = flow.consent(
        client, (DRIVE_FILE,), tell=lambda text: get(text.splitlines()[1]) and None, open_browser=False
    )

    assert tokens.access_token in accounts.access_tokens


def test_a_forged_answer_neither_wins_nor_ends_the_wait(client: OAuthClient, accounts: LoopbackAccounts):
    seen = []

    def browse(address: str) -> None:
        back, _ = parts_of(address)
        forgeries = (
            {"code": "4/forged", "state": "forged"},
            {"code": "4/forged"},
            {"code": "4/forged", "state": ""},
            {"error": "access_denied", "state": "forged"},
            {"error": "access_denied"},
        )
        seen.extend(get(f"{back}?{urlencode(forged)}")[0] for forged in forgeries)
        get(address)

    tokens = flow.consent(client, (DRIVE_FILE,), tell=lambda _: None, browse=browse)

    assert seen == [403] * 5
    assert tokens.refresh_token in accounts.refresh_tokens


def test_only_the_first_good_answer_counts():
    with Receiver(state="s") as receiver:
        first = get(f"{receiver.redirect_uri}?code=4/first&state=s")
        second = get(f"{receiver.redirect_uri}?code=4/second&state=s")
        third = get(f"{receiver.redirect_uri}?error=access_denied&state=s")

        assert receiver.wait(120) == "4/first"
    assert (first[0], second[0], third[0]) == (200, 410, 410)


def test_a_foreign_host_name_that_was_pointed_here_is_not_served():
    with Receiver(state="s") as receiver:
        status, page = get(f"{receiver.redirect_uri}?code=4/x&state=s", host="evil.example")
        assert get(receiver.redirect_uri + "?code=4/good&state=s")[0] == 200
        assert receiver.wait(120) == "4/good"

    assert status == 421
    assert "4/x" not in page


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("/?code=c&state=s", "127.0.0.1:1", 200),
        ("/?code=c&state=s", "LOCALHOST:1", 200),
        ("/?code=c&state=s", "127.0.0.1:2", 421),  # another port
        ("/?code=c&state=s", "127.0.0.1.evil.example:1", 421),
        ("/?code=c&state=s", None, 421),
        ("/favicon.ico", "127.0.0.1:1", 404),
        ("/?code=c&code=d&state=s", "127.0.0.1:1", 400),  # which one?
        ("/?code=c&state=s&state=t", "127.0.0.1:1", 400),
        ("/?state=s", "127.0.0.1:1", 400),
        ("/?code=&state=s", "127.0.0.1:1", 400),
        ("/?code=c&state=%C3%A4", "127.0.0.1:1", 403),  # no ASCII, which a comparison may not like
        ("//[", "127.0.0.1:1", 400),
    ],
)
def test_what_a_request_is_worth(target: str, host: str | None, status: int):
    judged = judge(target, host, state="s", port=1)

    assert judged.status == status
    assert judged.answers == (status == 200)


def test_what_the_browser_is_shown_is_escaped_and_runs_nothing():
    with Receiver(state="s") as receiver:
        query = urlencode({"error": "<script>alert(1)</script>", "state": "s"})
        with urllib.request.urlopen(f"{receiver.redirect_uri}?{query}", timeout=30) as answer:
            page, headers = answer.read().decode(), answer.headers

    assert "<script" not in page
    assert "&lt;script" in page
    assert headers["Content-Security-Policy"] == "default-src 'none'"
    assert headers["Cache-Control"] == "no-store"


def test_other_methods_are_not_answers():
    with Receiver(state="s") as receiver:
        target = urlsplit(receiver.redirect_uri)
        connection = http.client.HTTPConnection("127.0.0.1", target.port or 0, timeout=30)
        connection.request("POST", "/?code=c&state=s", body="x")
        assert connection.getresponse().status == 501
        connection.close()
        assert get(receiver.redirect_uri + "?code=good&state=s")[0] == 200
        assert receiver.wait(120) == "good"


def test_the_wait_is_reachable_from_this_machine_only():
    with Receiver(state="s") as receiver:
        target = urlsplit(receiver.redirect_uri)
        assert target.hostname == "127.0.0.1"
        with pytest.raises(
            OSError, match=r"refused|assign"
        ):  # the whole of 127/8 is this machine; only one address of it listens
            socket.create_connection(("127.0.0.2", target.port or 0), timeout=120)


def test_a_port_that_is_taken_is_an_error_that_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SignInFailed, match="cannot wait for"):
        Receiver(state="s", port=taken.getsockname()[1])


def test_two_sign_ins_at_once_do_not_meet():
    with Receiver(state="a") as one, Receiver(state="b") as other:
        assert one.redirect_uri != other.redirect_uri
        assert get(f"{other.redirect_uri}?code=c&state=a")[0] == 403


def test_a_person_who_says_no_is_believed(client: OAuthClient, accounts: LoopbackAccounts):
    accounts.deny = True

    with pytest.raises(SignInFailed, match="refused access"):
        flow.consent(client, (DRIVE_FILE,), tell=lambda _: None, browse=get)
    assert accounts.calls == ["GET /auth"]


def test_a_person_who_lets_drive_unticked_is_not_signed_in_and_nothing_is_left_at_google(
    client: OAuthClient, accounts: LoopbackAccounts
):
    accounts.unticked = True

    with pytest.raises(SignInFailed, match="not ticked"):
        flow.consent(client, (DRIVE_FILE,), tell=lambda _: None, browse=get)
    assert not accounts.refresh_tokens


def test_nobody_is_waited_for_longer_than_the_limit(client: OAuthClient):
    ticks = iter(range(0, 10_000, 100))

    with pytest.raises(SignInFailed, match=r"no answer came within 180 s.*bridge auth login"):
        flow.consent(client, (DRIVE_FILE,), tell=lambda _: None, browse=lambda _: None, clock=lambda: next(ticks))


def test_after_the_wait_nothing_listens_any_more(client: OAuthClient):
    ticks = iter(range(0, 10_000, 100))
    told: list[str] = []
    with pytest.raises(SignInFailed):
        flow.consent(client, (DRIVE_FILE,), tell=told.append, open_browser=False, clock=lambda: next(ticks))

    port = urlsplit(parts_of(told[0].splitlines()[1])[0]).port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=120)


def test_a_code_is_worth_nothing_without_the_verifier_of_its_page(client: OAuthClient, accounts: LoopbackAccounts):
    with Receiver(state="s") as receiver:
        page = flow.consent_url(client, (DRIVE_FILE,), redirect_uri=receiver.redirect_uri, state="s", verifier="v" * 43)
        get(page)
        code = receiver.wait(120)

    with pytest.raises(SignInFailed, match="invalid_grant"):
        flow.exchange(client, code=code, verifier="w" * 43, redirect_uri=receiver.redirect_uri)
    assert not accounts.refresh_tokens


def test_each_sign_in_has_its_own_state_and_verifier(client: OAuthClient):
    pages: list[str] = []
    for _ in range(2):
        flow.consent(client, (DRIVE_FILE,), tell=lambda _: None, browse=lambda page: (pages.append(page), get(page)))

    one, other = (parse_qs(urlsplit(page).query) for page in pages)
    for name in ("state", "code_challenge"):
        assert one[name] != other[name]
        assert len(one[name][0]) >= 43
    assert one["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ((503, "busy"), DriveUnreachable),
        ((429, "{}"), DriveUnreachable),
        ("cut", (DriveUnreachable, SignInFailed)),
        ((200, "<html>"), SignInFailed),
        ((200, "[]"), SignInFailed),
        ((200, '{"access_token": "ya29.x", "scope": "s", "expires_in": 5}'), SignInFailed),  # would last an hour
        ((302, ""), SignInFailed),
        ((400, '{"error": "<b>1//leak</b>"}'), SignInFailed),
    ],
)
def test_an_answer_of_the_account_server_that_is_no_good_is_named(
    client: OAuthClient, accounts: LoopbackAccounts, fault: Any, error: Any
):
    accounts.faults.append(fault)

    with pytest.raises(error) as caught:
        flow.consent(client, (DRIVE_FILE,), tell=lambda _: None, browse=get)
    assert "leak" not in str(caught.value)


def test_a_silent_account_server_is_not_waited_for_without_end(client: OAuthClient, accounts: LoopbackAccounts):
    accounts.faults.append("slow")

    with pytest.raises(DriveUnreachable, match="Timeout"):
        flow.exchange(client, code="4/c", verifier="v", redirect_uri="http://127.0.0.1:1/", timeout_s=0.05)


# Staying signed in.


def test_a_token_that_has_ended_is_renewed_before_it_is_used_and_kept(keep: Keep, accounts: LoopbackAccounts):
    kept = keep(expired=True)
    session = auth.session()
    drive = auth.service(session)

    drive.files().list().execute(http=session.Get_Http_Object())

    assert accounts.calls == ["POST /token refresh_token", "GET /drive/v2/files"]
    now = kept.place.load()
    assert now is not None
    assert now.access_token in accounts.access_tokens
    assert now.refresh_token == kept.login.refresh_token
    assert now.account == EMAIL
    auth.session().freshen()  # another program needs no renewal
    assert accounts.calls.count("POST /token refresh_token") == 1


@pytest.mark.parametrize(("left_s", "renewals"), [(600, 0), (60, 1)])
def test_a_token_that_ends_in_a_moment_is_renewed_too(
    keep: Keep, accounts: LoopbackAccounts, left_s: float, renewals: int
):
    keep(left_s=left_s)

    auth.session().freshen()

    assert accounts.calls == ["POST /token refresh_token"] * renewals


def test_a_connection_that_lives_for_hours_renews_its_token(keep: Keep, accounts: LoopbackAccounts):
    keep()
    session = auth.session()
    drive, connection = auth.service(session), session.Get_Http_Object()
    drive.files().list().execute(http=connection)

    accounts.access_tokens.clear()
    session.credentials.expiry -= timedelta(hours=2)
    drive.files().list().execute(http=connection)

    assert accounts.calls == ["GET /drive/v2/files", "POST /token refresh_token", "GET /drive/v2/files"]


def test_a_token_that_google_refuses_early_is_renewed(keep: Keep, accounts: LoopbackAccounts):
    kept = keep()
    accounts.access_tokens.discard(kept.login.access_token or "")
    session = auth.session()

    auth.service(session).files().list().execute(http=session.Get_Http_Object())

    assert accounts.calls[-2:] == ["POST /token refresh_token", "GET /drive/v2/files"]


@pytest.mark.parametrize("expired", [True, False])  # noticed before a request, or by its 401
def test_access_that_was_taken_back_is_not_signed_in_and_opens_no_server(
    keep: Keep, accounts: LoopbackAccounts, expired: bool
):
    kept = keep(expired=expired, refresh_token="1//taken-back")
    accounts.secrets.add("1//taken-back")
    accounts.access_tokens.clear()
    before = kept.place.path.stat()
    session = auth.session()
    drive, connection = auth.service(session), session.Get_Http_Object()

    with nothing_listens(), pytest.raises(NotSignedIn, match=r"invalid_grant.*bridge auth login") as caught:
        drive.files().list().execute(http=connection)
    assert "taken-back" not in str(caught.value)
    assert kept.place.path.stat().st_mtime_ns == before.st_mtime_ns  # still there, untouched: the person decides


def test_pydrives_own_calls_renew_and_never_open_a_server(
    keep: Keep, accounts: LoopbackAccounts, monkeypatch: pytest.MonkeyPatch
):
    from pydrive2.drive import GoogleDrive

    keep(expired=True)
    monkeypatch.delenv("GDRIVE_NON_INTERACTIVE")
    session = auth.session()
    session.service = auth.service(session)

    with nothing_listens():
        assert GoogleDrive(session).ListFile().GetList() == []
        accounts.refresh_tokens.clear()
        session.credentials.expiry = datetime(2020, 1, 1)  # noqa: DTZ001  # google-auth's are naive
        with pytest.raises(NotSignedIn):
            GoogleDrive(session).ListFile().GetList()


def test_nobody_signed_in_is_said_with_what_to_run(own_config: Path):
    with nothing_listens(), pytest.raises(NotSignedIn, match="bridge auth login"):
        auth.session()


def test_who_signs_in_is_signed_in_from_then_on(
    client: OAuthClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accounts: LoopbackAccounts
):
    monkeypatch.setenv("BRIDGE_GOOGLE_CLIENT", str(tmp_path / "client_secret.json"))
    monkeypatch.setattr("webbrowser.open", get)

    made = login.sign_in(tell=lambda _: None)

    session = auth.session()
    assert (session.account, session.credentials.token) == (EMAIL, made.access_token)


def test_a_login_for_less_than_is_needed_is_not_enough(keep: Keep):
    keep()

    with pytest.raises(NotSignedIn, match=r"allows drive.file, but drive is needed.*--full-drive"):
        auth.session((DRIVE,))


@pytest.mark.parametrize(
    "fault", [(500, '{"error": "internal_failure"}'), (429, ""), (307, ""), "cut", (200, "[]"), (200, "{}")]
)
def test_a_failure_that_may_pass_does_not_end_the_sign_in(keep: Keep, accounts: LoopbackAccounts, fault: Any):
    kept = keep(expired=True)
    accounts.faults.append(fault)
    session = auth.session()

    with pytest.raises(DriveUnreachable):
        session.freshen()
    assert kept.place.load() == kept.login
    session.freshen()
    assert session.credentials.token in accounts.access_tokens


def test_a_silent_account_server_does_not_hold_a_session_up(keep: Keep, accounts: LoopbackAccounts):
    keep(expired=True)
    accounts.faults.append("slow")

    with pytest.raises(DriveUnreachable, match="cannot reach"):
        auth.session(http_timeout_s=0.05).freshen()


def test_who_signed_out_meanwhile_is_not_brought_back(keep: Keep, accounts: LoopbackAccounts):
    kept = keep(expired=True)
    session = auth.session()
    kept.place.delete()

    with pytest.raises(NotSignedIn, match="in the meantime"):
        session.freshen()
    assert kept.place.load() is None


def test_a_persons_session_does_not_become_a_service_accounts(keep: Keep, accounts: LoopbackAccounts):
    kept = keep(expired=True)
    session = auth.session()
    kept.place.save(Login(kind=LoginKind.SERVICE_ACCOUNT, scopes=(DRIVE_FILE,), key_file=Path("/key.json")))

    with pytest.raises(NotSignedIn, match="in the meantime"):
        session.freshen()


def test_a_session_goes_on_with_the_login_that_replaced_its_own(keep: Keep, accounts: LoopbackAccounts):
    kept = keep(expired=True, refresh_token="1//old")
    session = auth.session()
    kept.place.save(replace(kept.login, refresh_token=accounts.grant()))

    session.freshen()

    assert session.credentials.token in accounts.access_tokens


def test_each_thread_gets_a_connection_of_its_own_with_a_time_limit(keep: Keep):
    keep()
    session = auth.session()

    one, other = session.Get_Http_Object(), session.Get_Http_Object()

    assert one is not other
    assert one.timeout == other.timeout == 20.0


# A service account.


def test_a_service_account_signs_its_requests_and_gets_in(
    accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(auth.KEY_VARIABLE, str(accounts.key_file(tmp_path)))
    session = auth.session()

    auth.service(session).files().list().execute(http=session.Get_Http_Object())

    assert accounts.calls == ["POST /token urn:ietf:params:oauth:grant-type:jwt-bearer", "GET /drive/v2/files"]
    assert (session.kind, session.account) == (LoginKind.SERVICE_ACCOUNT, ROBOT)


def test_a_key_that_names_no_address_is_for_googles(
    accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = accounts.key_file(tmp_path)
    told = json.loads(file.read_text())
    del told["token_uri"]
    file.write_text(json.dumps(told))
    monkeypatch.setenv(auth.KEY_VARIABLE, str(file))

    assert auth.session().account == ROBOT


def test_a_key_named_by_the_environment_comes_before_the_stored_login(
    keep: Keep, accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    keep()
    monkeypatch.setenv(auth.KEY_VARIABLE, str(accounts.key_file(tmp_path)))

    assert auth.session().kind is LoginKind.SERVICE_ACCOUNT


def test_only_the_path_of_a_key_is_stored(accounts: LoopbackAccounts, tmp_path: Path):
    file = accounts.key_file(tmp_path)
    told: list[str] = []

    login.sign_in_robot(file, tell=told.append)

    text = stored().path.read_text()
    assert str(file) in text
    assert not [secret for secret in accounts.secrets if secret in text]
    assert "no storage" in told[0]
    assert "--full-drive" in told[1]
    session = auth.session()
    session.freshen()
    assert session.account == ROBOT


def test_a_key_that_google_does_not_know_is_not_stored(accounts: LoopbackAccounts, tmp_path: Path):
    with pytest.raises(NotSignedIn, match="new key"):
        login.sign_in_robot(accounts.key_file(tmp_path, known=False), tell=lambda _: None)
    assert stored().load() is None


def test_a_damaged_private_key_is_named_and_not_quoted(
    accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = accounts.key_file(tmp_path, private_key="-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    monkeypatch.setenv(auth.KEY_VARIABLE, str(file))

    with pytest.raises(ConfigError, match="damaged") as caught:
        auth.session()
    assert "AAAA" not in str(caught.value)


# Colab.


class ColabsCredentials:
    """What `google.auth.default` gives in Colab."""

    def __init__(self, accounts: LoopbackAccounts, failure: Exception | None = None) -> None:
        self.accounts, self.failure = accounts, failure
        self.token: str | None = None
        self.expiry: datetime | None = None

    def refresh(self, request: Callable[..., Any]) -> None:
        if self.failure:
            raise self.failure
        request(url=f"{self.accounts.url}/computeMetadata/v1/", method="GET", timeout=3.0)  # as google-auth asks
        self.token = self.accounts.access()
        self.expiry = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None)


@pytest.fixture
def colab(accounts: LoopbackAccounts, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand-ins for the modules that Colab has."""
    import google.auth

    state: dict[str, Any] = {"asked": 0, "given": ColabsCredentials(accounts), "front_end": True}

    def authenticate_user() -> None:
        if not state["front_end"]:
            raise AttributeError("'NoneType' object has no attribute 'kernel'")
        state["asked"] += 1

    package, module = types.ModuleType("google.colab"), types.ModuleType("google.colab.auth")
    package.__spec__ = ModuleSpec("google.colab", None)
    package.auth = module  # type: ignore[attr-defined]
    module.authenticate_user = authenticate_user  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google.colab", package)
    monkeypatch.setitem(sys.modules, "google.colab.auth", module)
    monkeypatch.setattr(google.auth, "default", lambda scopes: (state["given"], "project"))
    return state


def test_in_colab_it_is_the_person_whose_session_it_is(
    colab: dict[str, Any], accounts: LoopbackAccounts, caplog: pytest.LogCaptureFixture
):
    session = auth.session()

    auth.service(session).files().list().execute(http=session.Get_Http_Object())

    assert colab["asked"] == 1
    assert session.kind is LoginKind.COLAB
    assert accounts.calls == ["GET /computeMetadata/v1/", "GET /drive/v2/files"]
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []  # a notebook would show it
    assert stored().load() is None


def test_colabs_token_is_renewed_when_it_has_ended(colab: dict[str, Any], accounts: LoopbackAccounts):
    session = auth.session()
    session.freshen()
    first = session.credentials.token

    session.credentials.expiry -= timedelta(hours=2)
    session.freshen()

    assert session.credentials.token != first


def test_a_stored_login_comes_before_colabs_own(colab: dict[str, Any], keep: Keep):
    keep()

    assert auth.session().kind is LoginKind.USER
    assert colab["asked"] == 0


def test_a_program_in_colab_without_its_front_end_is_told_what_to_run(colab: dict[str, Any]):
    colab["front_end"] = False

    with pytest.raises(NotSignedIn, match=r"auth.authenticate_user\(\)"):
        auth.session()


def test_colabs_refusals_and_outages_are_told_apart(colab: dict[str, Any], accounts: LoopbackAccounts):
    from google.auth import exceptions

    for failure, error in (
        (exceptions.RefreshError("gone"), NotSignedIn),
        (exceptions.RefreshError("busy", retryable=True), DriveUnreachable),
        (exceptions.TransportError("down"), DriveUnreachable),
    ):
        colab["given"] = ColabsCredentials(accounts, failure)
        with pytest.raises(error):
            auth.session().freshen()


# The seam.


@pytest.mark.parametrize(
    "url", ["https://www.example.org", "http://example.org", "https://127.0.0.1:1", "http://127.0.0.1@example.org"]
)
def test_tokens_are_sent_to_no_other_drive_than_googles_or_one_on_this_machine(
    keep: Keep, monkeypatch: pytest.MonkeyPatch, url: str
):
    keep()
    monkeypatch.setenv(auth.URL_VARIABLE, url)
    session = auth.session()

    with pytest.raises(ConfigError, match="BRIDGE_DRIVE_URL"):
        auth.service(session)
    with pytest.raises(ConfigError):
        auth.service(session, url)


def test_without_another_address_it_is_googles(keep: Keep, monkeypatch: pytest.MonkeyPatch):
    keep()
    monkeypatch.delenv(auth.URL_VARIABLE)

    assert auth.service(auth.session())._baseUrl == "https://www.googleapis.com/drive/v2/"


def test_without_pydrive_the_extra_is_named(own_config: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "bridge.transports.drive.signed_in", raising=False)
    monkeypatch.delattr("bridge.transports.drive.signed_in", raising=False)
    monkeypatch.setitem(sys.modules, "pydrive2.auth", None)

    with pytest.raises(MissingExtra, match=r"pip install .*\[drive\]"):
        auth.session()
