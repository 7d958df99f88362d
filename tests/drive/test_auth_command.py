"""`bridge auth`: what it prints, stores and never shows."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.transports.drive import auth, credentials
from bridge.transports.drive.client import CLIENT_VARIABLE, DRIVE, DRIVE_FILE
from tests.cli.conftest import Ran, Run, bridge  # noqa: F401  # a fixture
from tests.drive.conftest import Kept
from tests.support.google_accounts import EMAIL, ROBOT, LoopbackAccounts

Keep = Callable[..., Kept]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(bridge: Run, accounts: LoopbackAccounts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:  # noqa: F811
    """Runs a command, with a browser that consents at once; at the end none of its output holds a secret."""
    shown: list[str] = []

    def browse(address: str) -> None:
        with urllib.request.urlopen(address, timeout=30) as page:
            page.read()

    def watched(*args: str) -> Ran:
        ran = bridge(*args)
        shown.extend((ran.out, ran.err))
        return ran

    monkeypatch.setattr("webbrowser.open", browse)
    yield watched
    assert not [secret for secret in accounts.secrets if secret in "".join(shown)]


def test_signing_in_with_ones_own_client(run: Run, accounts: LoopbackAccounts, tmp_path: Path):
    done = run("auth", "login", "--client", str(accounts.client_file(tmp_path)), "--json")

    assert done.code == 0, done.err
    assert done.json["account"] == EMAIL
    assert done.json["kind"] == "user"
    assert done.json["scopes"] == [DRIVE_FILE]
    assert f"{accounts.url}/auth" in done.err
    login = credentials.stored().load()
    assert login is not None
    assert login.refresh_token in accounts.refresh_tokens
    assert login.client is not None
    assert login.client.client_secret == accounts.client_secret


def test_a_sign_in_stands_even_where_drive_does_not_tell_who_it_is(
    run: Run, accounts: LoopbackAccounts, tmp_path: Path
):
    accounts.broken_drive = True

    done = run("auth", "login", "--client", str(accounts.client_file(tmp_path)))

    assert done.code == 0, done.err
    assert "unknown" in done.out
    assert credentials.stored().load() is not None


def test_the_whole_way_in_a_process_of_its_own_with_a_browser_of_its_own(
    accounts: LoopbackAccounts, own_config: Path, tmp_path: Path
):
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=30).read()\n")
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error::ResourceWarning",
        "BROWSER": f"{shlex.quote(sys.executable)} {shlex.quote(str(browser))} %s",
    }
    command = [sys.executable, "-m", "bridge", "auth"]
    client = str(accounts.client_file(tmp_path))

    shown = ""
    for args in (["login", "--client", client], ["status", "--check"], ["logout"], ["status"]):
        done = subprocess.run([*command, *args], env=env, capture_output=True, text=True, timeout=90, check=False)
        shown += done.stdout + done.stderr
        assert done.returncode == (3 if args == ["status"] else 0), done.stderr
        if args[0] != "logout" and args != ["status"]:
            assert EMAIL in done.stdout
            assert "drive.file" in done.stdout
    assert "revoked at Google" in shown
    assert "Traceback" not in shown
    assert not [secret for secret in accounts.secrets if secret in shown]
    assert not accounts.refresh_tokens
    assert not (own_config / "google.json").exists()


def test_without_a_client_it_says_why_there_is_none_and_where_the_page_is(run: Run):
    done = run("auth", "login")

    assert done.code == 2
    assert "ships none" in done.err
    assert "docs/drive.md" in done.err
    assert "--client" in done.err


def test_the_client_comes_from_the_environment_or_an_earlier_login(
    run: Run, accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = accounts.client_file(tmp_path)
    monkeypatch.setenv(CLIENT_VARIABLE, str(file))
    assert run("auth", "login").code == 0

    monkeypatch.delenv(CLIENT_VARIABLE)
    file.unlink()
    assert run("auth", "login").code == 0
    assert accounts.calls.count("GET /auth") == 2


def test_all_files_are_asked_for_only_on_request(run: Run, accounts: LoopbackAccounts, tmp_path: Path, monkeypatch):
    asked = []
    real = accounts.authorize
    monkeypatch.setattr(accounts, "authorize", lambda query: (asked.append(query["scope"]), real(query))[1])
    client = str(accounts.client_file(tmp_path))

    run("auth", "login", "--client", client)
    run("auth", "login", "--client", client, "--full-drive")

    assert asked == [DRIVE_FILE, DRIVE]


def test_who_says_no_keeps_the_login_that_was_there(run: Run, keep: Keep, accounts: LoopbackAccounts):
    kept = keep()
    accounts.deny = True

    done = run("auth", "login")

    assert done.code == 3
    assert "refused access" in done.err
    assert kept.place.load() == kept.login


def test_a_client_that_would_send_secrets_in_the_clear_is_refused_before_anybody_is_asked(
    run: Run, accounts: LoopbackAccounts, tmp_path: Path
):
    file = accounts.client_file(tmp_path, token_uri="http://accounts.example.org/token")

    done = run("auth", "login", "--client", str(file))

    assert done.code == 2
    assert "https://" in done.err
    assert accounts.calls == []


def test_where_nothing_can_be_stored_nobody_is_asked(
    run: Run, accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(tmp_path / "file"))

    done = run("auth", "login", "--client", str(accounts.client_file(tmp_path)))

    assert done.code in (2, 3)
    assert accounts.calls == []


def test_a_damaged_login_is_written_anew(run: Run, accounts: LoopbackAccounts, keep: Keep, tmp_path: Path):
    kept = keep()
    kept.place.path.write_bytes(b"{")
    assert run("auth", "status").code == 3

    assert run("auth", "login", "--client", str(accounts.client_file(tmp_path))).code == 0
    assert run("auth", "status").code == 0


def test_a_service_account_is_stored_with_a_warning_about_its_storage(
    run: Run, accounts: LoopbackAccounts, tmp_path: Path
):
    done = run("auth", "login", "--service-account", str(accounts.key_file(tmp_path)), "--json")

    assert done.code == 0, done.err
    assert (done.json["kind"], done.json["account"]) == ("service_account", ROBOT)
    assert "no storage" in done.err
    assert run("auth", "status", "--check", "--json").json["works"] is True


@pytest.mark.skipif(sys.platform == "win32", reason="rights are POSIX's")
def test_a_key_that_others_can_read_is_remarked_on(run: Run, accounts: LoopbackAccounts, tmp_path: Path):
    file = accounts.key_file(tmp_path)
    file.chmod(0o644)

    assert "chmod 600" in run("auth", "login", "--service-account", str(file)).err


def test_status_tells_who_what_and_until_when_and_asks_nobody(run: Run, keep: Keep, accounts: LoopbackAccounts):
    keep()

    told = run("auth", "status", "--json").json
    text = run("auth", "status").out

    assert told.keys() == {
        "signed_in", "source", "kind", "account", "scopes", "access_expires_at", "works", "problem",
    }  # fmt: skip
    assert (told["signed_in"], told["account"], told["works"]) == (True, EMAIL, None)
    assert EMAIL in text
    assert "drive.file" in text
    assert "left" in text
    assert accounts.calls == []


def test_status_checks_on_request_and_says_when_it_no_longer_works(run: Run, keep: Keep, accounts: LoopbackAccounts):
    keep()
    assert run("auth", "status", "--check", "--json").json["works"] is True

    accounts.refresh_tokens.clear()
    done = run("auth", "status", "--check", "--json")

    assert done.code == 3
    assert done.json["works"] is False
    assert "bridge auth login" in done.json["problem"]


def test_status_when_nobody_is_signed_in(run: Run):
    done = run("auth", "status")

    assert done.code == 3
    assert "bridge auth login" in done.out
    assert run("auth", "status", "--json").json["signed_in"] is False


def test_status_names_a_key_of_the_environment(
    run: Run, keep: Keep, accounts: LoopbackAccounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    keep()
    monkeypatch.setenv(auth.KEY_VARIABLE, str(accounts.key_file(tmp_path)))

    told = run("auth", "status", "--json").json

    assert (told["source"], told["account"]) == (auth.KEY_VARIABLE, ROBOT)


def test_signing_out_revokes_and_deletes(run: Run, keep: Keep, accounts: LoopbackAccounts):
    kept = keep()

    done = run("auth", "logout", "--json")

    assert done.json == {"deleted": True, "revoked": True, "why_not_revoked": None}
    assert accounts.calls == ["POST /revoke"]
    assert kept.login.refresh_token not in accounts.refresh_tokens
    assert kept.place.load() is None


def test_signing_out_without_google_still_deletes_and_says_what_is_left(run: Run, keep: Keep):
    kept = keep()
    assert kept.login.client is not None
    stored: dict[str, Any] = json.loads(kept.place.path.read_text())
    stored["client"]["revoke_uri"] = "http://127.0.0.1:9/revoke"  # nobody listens there
    kept.place.path.write_text(json.dumps(stored))

    done = run("auth", "logout")

    assert done.code == 0
    assert "deleted from this machine" in done.out
    assert "not revoked at Google" in done.out
    assert kept.place.load() is None


def test_signing_out_twice_is_no_failure(run: Run, keep: Keep):
    keep()
    run("auth", "logout")

    done = run("auth", "logout")

    assert (done.code, done.out) == (0, "nothing was stored on this machine\n")


def test_a_service_accounts_key_stays_where_it_is(run: Run, accounts: LoopbackAccounts, tmp_path: Path):
    file = accounts.key_file(tmp_path)
    run("auth", "login", "--service-account", str(file))

    done = run("auth", "logout", "--json").json

    assert done["deleted"]
    assert not done["revoked"]
    assert "Google's console" in done["why_not_revoked"]
    assert file.exists()


@pytest.mark.parametrize("name", ["login", "status", "logout"])
def test_each_command_has_json_for_programs_and_asks_for_no_queue(run: Run, name: str):
    told = run("auth", name, "--help")

    assert told.code == 0
    assert "--json" in told.out
    assert "--queue" not in told.out
    assert f"\n  {name} " in run("auth", "--help").out


def test_two_kinds_of_sign_in_at_once_are_refused(run: Run):
    assert run("auth", "login", "--client", "a", "--service-account", "b").code == 2
