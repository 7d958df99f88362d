"""The log, the variables, and what the commands refuse before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.service import MANAGERS
from bridge.core.errors import ConfigError
from bridge.setup.service.base import ManagerKind
from bridge.setup.service.environment import kept_variables, read_variables, secret_variables, without_ours
from bridge.setup.service.log_file import RotatingLog, last_lines
from bridge.setup.service.operate import gateway_url, url_of
from bridge.setup.service.spec_file import read_spec, write_spec
from tests.cli.conftest import Run
from tests.service.specs import spec


def test_a_log_keeps_its_newest_lines_in_files_of_a_bounded_size(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "log", most_bytes=100, kept=2)
    for number in range(1_000):
        log.write(b"line %04d\n" % number)
    log.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert last_lines(tmp_path / "log", 15).splitlines() == [f"line {number:04d}" for number in range(985, 1_000)]
    assert last_lines(tmp_path / "nowhere", 15) == ""


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    for _ in range(2):
        log = RotatingLog(tmp_path / "log", most_bytes=100)
        log.write(b"x" * 60 + b"\n")
        log.close()
    assert [path.stat().st_size for path in sorted(tmp_path.iterdir())] == [61, 61]


def test_secrets_of_the_environment_are_named_and_not_kept() -> None:
    environ = {
        "BRIDGE_TOKEN": "t", "BRIDGE_WEBHOOK_SECRET": "s", "OPENAI_API_KEY": "k", "HOUSE_KEY": "k", "BRIDGE_QUEUE": "q",
        "QWENCODER_PORT": "1", "OLLAMA_HOST": "h", "PATH": "p", "EDITOR": "vi", "BRIDGE_CALLER": "",
    }  # fmt: skip
    assert kept_variables(environ) == {"BRIDGE_QUEUE": "q", "QWENCODER_PORT": "1", "OLLAMA_HOST": "h", "PATH": "p"}
    assert secret_variables(environ, ["HOUSE_KEY", "UNSET_KEY"]) == [
        "BRIDGE_TOKEN", "BRIDGE_WEBHOOK_SECRET", "HOUSE_KEY", "OPENAI_API_KEY",
    ]  # fmt: skip
    assert without_ours(environ) == {"PATH": "p", "EDITOR": "vi", "HOUSE_KEY": "k"}


def test_the_file_for_secrets_is_read_as_systemd_reads_it(tmp_path: Path) -> None:
    (file := tmp_path / "env").write_text("# a remark\n\nA=1\n B = two words \nC=\"quoted\"\nD='x=y'\n; another\n")
    assert read_variables(file) == {"A": "1", "B": "two words", "C": "quoted", "D": "x=y"}
    assert read_variables(tmp_path / "nowhere") == {}


def test_a_service_is_read_as_it_was_written(tmp_path: Path) -> None:
    service = spec(tmp_path, ManagerKind.DETACHED, environment={"A": "b"}, port=1, host="::1", log_bytes=7)
    write_spec(service)
    assert read_spec(service.file("json")) == service
    service.file("json").write_text("{}")
    with pytest.raises(ConfigError, match="`bridge service install` writes it again"):
        read_spec(service.file("json"))


def test_the_address_is_that_of_the_options_then_of_the_folders_settings(tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("[gateway]\nport = 8080\n")
    assert gateway_url(spec(tmp_path, ManagerKind.DETACHED)) == "http://127.0.0.1:8080"
    assert gateway_url(spec(tmp_path, ManagerKind.DETACHED, port=9)) == "http://127.0.0.1:9"
    said = spec(tmp_path, ManagerKind.DETACHED, environment={"QWENCODER_PORT": "7"})
    assert gateway_url(said) == "http://127.0.0.1:7"
    assert gateway_url(spec(tmp_path, ManagerKind.DETACHED, port=0)) is None
    assert url_of("::", 1) == "http://[::1]:1"
    assert url_of("0.0.0.0", 1) == "http://127.0.0.1:1"


def test_the_command_offers_every_manager() -> None:
    assert ("auto", *(kind.value for kind in ManagerKind)) == MANAGERS


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--", "--port", "many"], "not a valid integer"),
        (["--", "--no-such-option"], "No such option"),
        (["work", "--", "--port", "1"], "No such option"),
        (["polish"], "polish is none of them"),
        (["--", "--new-token"], "run it by itself"),
    ],
)
def test_wrong_options_are_refused_when_a_service_is_installed(
    bridge: Run, own_surroundings: Path, words: list[str], said: str
) -> None:
    done = bridge("service", "install", "--manager", "detached", *words)
    assert done.code == 2
    assert said in done.err
    assert not (own_surroundings / "services").exists()


@pytest.mark.parametrize("manager", [kind.value for kind in ManagerKind])
def test_a_line_end_is_refused_because_it_could_write_a_line_of_a_unit(
    bridge: Run, own_surroundings: Path, monkeypatch: pytest.MonkeyPatch, manager: str
) -> None:
    done = bridge("service", "install", "--manager", manager, "--dry-run", "--", "--model", "a\nExecStart=b")
    assert (done.code, "has a control character" in done.err) == (2, True)
    monkeypatch.setenv("BRIDGE_CALLER", "a\nExecStart=b")
    assert bridge("service", "install", "--manager", manager, "--dry-run").code == 2


@pytest.mark.parametrize("command", ["start", "stop", "restart", "logs", "uninstall"])
def test_a_service_that_is_not_installed_is_said_with_what_to_do(bridge: Run, command: str) -> None:
    done = bridge("service", command, "work")
    assert (done.code, "`bridge service install work` does that" in done.err) == (2, True)
    assert bridge("service", "status", "work", "--json").json["installed"] is False


@pytest.mark.parametrize("manager", [kind.value for kind in ManagerKind])
def test_a_dry_run_prints_what_would_be_written_and_writes_nothing(
    bridge: Run, own_surroundings: Path, manager: str
) -> None:
    done = bridge("service", "install", "work", "--manager", manager, "--dry-run", "--json")
    assert done.code == 0
    assert all(not Path(file["path"]).exists() and file["text"] for file in done.json["files"])
    assert done.json["command"][-3:] == ["work", "--wait-for-engine", "--forever"]
    assert list(own_surroundings.iterdir()) == []
