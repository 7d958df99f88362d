"""`bridge config`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_every_setting_is_listed_with_where_it_came_from(
    bridge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bridge.toml").write_text('part_jobs = 7\n\n[engines.house]\nkind = "openai"\nkey_env = "HOUSE_KEY"\n')
    monkeypatch.setenv("HOUSE_KEY", "a-secret")
    monkeypatch.setenv("BRIDGE_MAX_ATTEMPTS", "9")

    done = bridge("config", "list", "--queue", "q.ipynb")

    lines = done.out.splitlines()
    assert done.code == 0
    assert {"queue\tq.ipynb\t--queue", "part_jobs\t7\tbridge.toml:1", "max_attempts\t9\tBRIDGE_MAX_ATTEMPTS",
            "gateway.port\t11452\tdefault", "engines.house.key_env\tHOUSE_KEY\tbridge.toml:5"} <= set(lines)  # fmt: skip
    assert "a-secret" not in done.out


def test_the_list_as_json_tells_source_and_place(bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("[gateway]\nport = 8080\n")

    listed = bridge("config", "list", "--json").json

    assert listed["file"] == str(tmp_path / "bridge.toml")
    [port] = [setting for setting in listed["settings"] if setting["name"] == "gateway.port"]
    assert port == {"name": "gateway.port", "value": 8080, "source": "file", "where": "bridge.toml:2"}


def test_one_setting_is_printed_bare(bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text('caller = "me"\n[router]\ncoding = ["ollama", "queue"]\n')

    assert bridge("config", "get", "caller").out == "me\n"
    assert bridge("config", "get", "router.coding").out == '["ollama", "queue"]\n'
    assert bridge("config", "get", "drive").out == "\n"
    assert bridge("config", "get", "part_jobs", "--json").json["value"] == 400


def test_a_setting_that_there_is_not_is_wrong_use(bridge: Run) -> None:
    done = bridge("config", "get", "gateway.prot")

    assert (done.code, done.err) == (2, "bridge: there is no setting gateway.prot; did you mean gateway.port?\n")


def test_check_names_every_mistake_and_ends_with_2(bridge: Run, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text("part_jobs = 0\ncolour = 'red'\n")

    done = bridge("config", "check")

    assert done.code == 2
    assert [line.partition(": ")[0] for line in done.out.splitlines()] == ["bridge.toml:1", "bridge.toml:2"]
    assert [m["where"] for m in bridge("config", "check", "--json").json["mistakes"]] == [
        "bridge.toml:1",
        "bridge.toml:2",
    ]


def test_check_of_good_settings_and_of_none_ends_with_0(bridge: Run, tmp_path: Path) -> None:
    assert bridge("config", "check").out == "no bridge.toml here or above: no mistakes\n"
    (tmp_path / "bridge.toml").write_text("part_jobs = 1\n")
    done = bridge("config", "check")
    assert (done.code, done.out) == (0, f"{tmp_path / 'bridge.toml'}: no mistakes\n")


@pytest.mark.parametrize("command", [("config", "list"), ("config", "get", "queue"), ("status",), ("add", "Write f")])
def test_with_a_mistake_in_the_settings_no_command_goes_on(
    bridge: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    assert bridge("init").code == 0
    (tmp_path / "bridge.toml").write_text("[gateway]\nport = 'x'\n")

    done = bridge(*command)

    assert done.code == 2
    assert done.err.startswith("bridge: bridge.toml:2: gateway.port must be")
