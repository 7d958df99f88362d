from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from bridge.transports.drive import credentials
from bridge.transports.drive.client import DRIVE_FILE, read_client
from bridge.transports.drive.credentials import Login, LoginKind, Stored
from tests.support.drive import StandIn
from tests.support.drive.wire import Wire
from tests.support.drive_queues import Machine, machine
from tests.support.google_accounts import EMAIL, LoopbackAccounts


@pytest.fixture
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config folder of its own; what PyDrive2 is told by the environment ends with the test."""
    folder = tmp_path / "config"
    monkeypatch.setenv("BRIDGE_CONFIG_DIR", str(folder))
    monkeypatch.setenv("GDRIVE_NON_INTERACTIVE", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def accounts(
    own_config: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[LoopbackAccounts]:
    """Google's account server and Drive; at the end no log holds a secret of theirs."""
    caplog.set_level(logging.DEBUG)
    with LoopbackAccounts() as server:
        monkeypatch.setenv("BRIDGE_DRIVE_URL", server.url)
        yield server
        logged = "\n".join(
            record.getMessage()
            for phase in ("setup", "call")
            for record in caplog.get_records(phase)  # type: ignore[arg-type]
        )
        assert not [secret for secret in server.secrets if secret in logged]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A stored login, and where."""

    login: Login
    place: Stored


@pytest.fixture
def keep(accounts: LoopbackAccounts, own_config: Path, tmp_path: Path) -> Callable[..., Kept]:
    """Stores a login of a person: `keep(expired=True)`, `keep(left_s=60)`."""

    def make(*, expired: bool = False, left_s: float = 3000, refresh_token: str | None = None, **changes: Any) -> Kept:
        facts: dict[str, Any] = {
            "kind": LoginKind.USER,
            "scopes": (DRIVE_FILE,),
            "account": EMAIL,
            "client": read_client(accounts.client_file(tmp_path)),
            "refresh_token": refresh_token or accounts.grant(),
            "access_token": accounts.access(),
            "expires_at": datetime.now(UTC) + timedelta(seconds=-5 if expired else left_s),
        }
        login = Login(**{**facts, **changes})
        place = credentials.stored()
        place.save(login)
        return Kept(login=login, place=place)

    return make


@pytest.fixture
def drive() -> Iterator[StandIn]:
    """A Drive of our own."""
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def wire(drive: StandIn) -> Iterator[Wire]:
    """Plain HTTP to it."""
    made = Wire(drive)
    yield made
    made.close()


@pytest.fixture
def here(drive: StandIn, tmp_path: Path) -> Iterator[Machine]:
    """A machine that is signed in."""
    made = machine(drive, tmp_path / "here")
    yield made
    made.close()


@pytest.fixture
def there(drive: StandIn, tmp_path: Path) -> Iterator[Machine]:
    """Another one."""
    made = machine(drive, tmp_path / "there")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries follow at once, as many as ever."""
    with stamina.set_testing(True, attempts=6):
        yield
