"""What is stored of a sign-in, and who may see it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.core.errors import ConfigError, LockHeld, NotSignedIn, SignInFailed
from bridge.transports.drive import auth, credentials
from bridge.transports.drive.client import DRIVE, DRIVE_FILE, OAuthClient, covers, read_client, read_key, trusted_url
from bridge.transports.drive.credentials import Login, LoginKind, Stored
from tests.drive.conftest import Kept
from tests.support.google_accounts import LoopbackAccounts

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights are POSIX's")
LOGIN = Login(
    kind=LoginKind.USER,
    scopes=(DRIVE_FILE,),
    client=OAuthClient(client_id="c", client_secret="s"),
    refresh_token="1//r",
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def place(own_config: Path) -> Stored:
    return credentials.stored()


def test_what_is_stored_is_read_back_whole(keep: Callable[..., Kept]):
    kept = keep()

    assert kept.place.load() == kept.login


def test_a_login_that_an_earlier_version_stored_is_read(place: Stored):
    place.path.parent.mkdir()
    place.path.write_text(
        """{"version": 1, "kind": "user", "account": "a@example.org", "scopes": ["s"], "client": {"client_id": "c",
        "client_secret": "s", "auth_uri": "https://a.example/", "token_uri": "https://t.example/", "revoke_uri": null},
        "refresh_token": "1//r", "access_token": "ya29.a", "expires_at": "2026-11-21T10:00:00.000678+00:00",
        "key_file": null}"""
    )

    assert place.load() == Login(
        kind=LoginKind.USER,
        account="a@example.org",
        scopes=("s",),
        client=OAuthClient(
            client_id="c",
            client_secret="s",
            auth_uri="https://a.example/",
            token_uri="https://t.example/",
            revoke_uri=None,
        ),
        refresh_token="1//r",
        access_token="ya29.a",
        expires_at=datetime(2026, 11, 21, 10, 0, 0, 678, tzinfo=UTC),
    )


def test_where_nothing_is_stored_there_is_no_login(place: Stored):
    assert place.load() is None


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_file_and_its_folder_are_for_the_user_alone_under_any_umask(place: Stored, umask: int):
    before = os.umask(umask)
    try:
        place.save(LOGIN)
    finally:
        os.umask(before)

    assert (mode(place.path), mode(place.path.parent)) == (0o600, 0o700)


@posix
def test_a_file_that_others_could_read_is_theirs_no_more_once_written(place: Stored):
    place.path.parent.mkdir(mode=0o755)
    place.path.write_text("{}")
    place.path.chmod(0o644)

    place.save(LOGIN)

    assert (mode(place.path), mode(place.path.parent)) == (0o600, 0o700)


@posix
def test_a_file_that_others_could_read_is_theirs_no_more_once_read(place: Stored):
    place.save(LOGIN)
    place.path.chmod(0o644)

    assert place.load() == LOGIN
    assert mode(place.path) == 0o600


@posix
def test_no_file_of_a_login_is_readable_for_others_even_for_an_instant(place: Stored, monkeypatch: pytest.MonkeyPatch):
    seen = []
    real = os.fsync

    def synced(handle: int) -> None:
        status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode):  # its folder is synced too
            seen.append(stat.S_IMODE(status.st_mode))
        real(handle)

    monkeypatch.setattr(os, "fsync", synced)
    opened = []
    real_open = os.open

    def watched(path: str, flags: int, mode: int = 0o777, **other: int) -> int:
        if flags & os.O_CREAT and "google.json." in str(path) and str(path).endswith(".tmp"):
            opened.append((mode, bool(flags & os.O_EXCL)))
        return real_open(path, flags, mode, **other)

    monkeypatch.setattr(os, "open", watched)
    before = os.umask(0)
    try:
        place.save(LOGIN)
    finally:
        os.umask(before)

    assert opened == [(0o600, True)]
    assert seen == [0o600]


@posix
def test_a_login_is_not_kept_behind_a_link(place: Stored, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("mine")
    place.path.parent.mkdir()
    place.path.symlink_to(elsewhere)

    for use in (place.load, lambda: place.save(LOGIN), place.prepare):
        with pytest.raises(ConfigError, match="symbolic link"):
            use()
    assert elsewhere.read_text() == "mine"


@posix
def test_deleting_takes_the_link_and_not_what_it_leads_to(place: Stored, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("mine")
    place.path.parent.mkdir()
    place.path.symlink_to(elsewhere)

    assert place.delete()
    assert elsewhere.read_text() == "mine"
    assert not place.delete()


@pytest.mark.parametrize(
    "content",
    [
        b"",  # cut by a full disk
        b'{"version": 1, "kind": "user"',
        b"[]",
        b"\xff\xfe",
        b'{"version": 2}',  # of a later version of the package
        b'{"version": 1, "kind": "user", "account": null, "scopes": [], "client": null, "refresh_token": "1//secret", '
        b'"access_token": null, "expires_at": null, "key_file": null}',  # a user without a client
        b'{"version": 1, "kind": "king", "account": null, "scopes": [], "client": null, "refresh_token": "1//secret", '
        b'"access_token": null, "expires_at": null, "key_file": "k"}',
    ],
)
def test_a_damaged_file_is_called_damaged_and_not_quoted(place: Stored, content: bytes):
    place.path.parent.mkdir()
    place.path.write_bytes(content)

    with pytest.raises(NotSignedIn, match=r"damaged.*bridge auth login") as caught:
        place.load()
    assert "1//secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_stored_address_that_is_not_secure_is_damage(place: Stored):
    place.save(LOGIN)
    stored = json.loads(place.path.read_text())
    stored["client"]["token_uri"] = "http://example.org/token"
    place.path.write_text(json.dumps(stored))

    with pytest.raises(NotSignedIn, match="damaged"):
        place.load()


def test_what_cannot_be_written_leaves_the_older_login_and_no_draft(place: Stored, monkeypatch: pytest.MonkeyPatch):
    place.save(LOGIN)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(SignInFailed, match="No space left"):
        place.save(Login(kind=LoginKind.SERVICE_ACCOUNT, scopes=(DRIVE,), key_file=Path("/k.json")))
    assert place.load() == LOGIN
    assert [file.name for file in place.path.parent.iterdir()] == ["google.json"]


def test_while_one_holds_the_file_another_gives_up_after_its_patience(place: Stored):
    with (
        place.locked(),
        ThreadPoolExecutor(1) as other,
        pytest.raises(LockHeld),
    ):
        other.submit(lambda: place.locked(patience_s=0.01).__enter__()).result()


def test_nothing_that_is_printed_of_a_login_is_a_secret(keep: Callable[..., Kept], accounts: LoopbackAccounts):
    shown = repr(keep())

    assert not [secret for secret in accounts.secrets if secret in shown]


def test_processes_that_refresh_at_once_ask_google_once_and_leave_a_whole_file(
    keep: Callable[..., Kept], accounts: LoopbackAccounts
):
    kept = keep(expired=True)
    accounts.faults.append("slow")
    code = (
        "import sys\nfrom bridge.transports.drive import auth\ns = auth.session()\nprint('ready', flush=True)\n"
        "sys.stdin.readline()\ns.freshen()\nprint(s.expires_at.isoformat())"
    )
    root = str(Path(__file__).parents[2])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": root},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("\n")
            process.stdin.flush()
        assert accounts.arrived.wait(40)
        accounts.released.set()
        told = {process.communicate(timeout=120)[0] for process in processes}
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert accounts.calls == ["POST /token refresh_token"]
    stored = kept.place.load()
    assert stored is not None
    assert stored.expires_at is not None
    assert len(told) == 1
    assert stored.access_token in accounts.access_tokens
    assert stored.access_token != kept.login.access_token


def test_threads_that_share_a_session_refresh_once(keep: Callable[..., Kept], accounts: LoopbackAccounts):
    keep(expired=True)
    session = auth.session()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: session.freshen(), range(8)))

    assert accounts.calls == ["POST /token refresh_token"]


def test_the_config_folder_is_the_one_named_or_the_platforms(tmp_path: Path):
    assert credentials.config_folder({"BRIDGE_CONFIG_DIR": str(tmp_path)}) == tmp_path
    assert credentials.config_folder({}).name == "qwen-bridge"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/token",
        "http://127.0.0.1.example.org/token",
        "http://127.0.0.1@example.org/token",
        "https://user@example.org/token",
        "ftp://127.0.0.1/",
        "https://",
        "http://[::1",
        7,
        None,
    ],
)
def test_secrets_go_only_to_secure_addresses_or_this_machine(url: object):
    with pytest.raises(ConfigError, match="https"):
        trusted_url(url, "token_uri")


@pytest.mark.parametrize("url", ["https://oauth2.googleapis.com/token", "http://127.0.0.1:1/t", "http://[::1]:1/t"])
def test_addresses_that_are_good_enough_are_taken(url: str):
    assert trusted_url(url, "token_uri") == url


def test_a_client_of_the_wrong_type_is_refused_with_what_to_make_instead(accounts: LoopbackAccounts, tmp_path: Path):
    with pytest.raises(ConfigError, match="Desktop app"):
        read_client(accounts.client_file(tmp_path, kind="web"))


def test_a_client_of_another_server_is_never_revoked_at_google(accounts: LoopbackAccounts, tmp_path: Path):
    file = accounts.client_file(tmp_path)
    told = json.loads(file.read_text())
    del told["installed"]["revoke_uri"]
    file.write_text(json.dumps(told))

    assert read_client(file).revoke_uri is None


@pytest.mark.parametrize(
    "change", [{"private_key": 3}, {"type": "authorized_user"}, {"token_uri": "http://example.org/"}]
)
def test_a_key_that_is_none_is_refused_without_quoting_it(
    accounts: LoopbackAccounts, tmp_path: Path, change: dict[str, object]
):
    with pytest.raises(ConfigError) as caught:
        read_key(accounts.key_file(tmp_path, **change))
    assert not [secret for secret in accounts.secrets if secret in str(caught.value)]


def test_the_full_scope_includes_the_small_one_and_not_the_other_way_round():
    assert covers((DRIVE,), (DRIVE_FILE,))
    assert not covers((DRIVE_FILE,), (DRIVE,))
