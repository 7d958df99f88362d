"""What `bridge serve` takes from bridge.toml, and where its token comes from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from bridge.cli.serve import AskedGateway
from bridge.core.errors import ConfigError
from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.plan import ServePlan
from bridge.gateway.server import backend_of
from bridge.wiring import EngineSettings, GatewaySettings, gateway_token, loaded_settings
from tests.cli.conftest import Run
from tests.support.keyrings import KeyringOf

TOKEN = ("qwen-bridge", "gateway-token")


def test_every_option_of_serve_is_a_setting_of_its_own_name() -> None:
    assert set(AskedGateway.__annotations__) <= {field.name for field in fields(GatewaySettings)}


def test_the_file_decides_all_that_serve_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bridge.toml").write_text(
        "[gateway]\nport = 8080\nparallel = 4\nwindow = 16384\nmax_tokens = 100\ntimeout_seconds = 30\nmax_waiting = 7\n"
        "idle_seconds = 0\nallow_hosts = ['gpu.lan']\nallow_origins = ['http://localhost:3000']\nbrake_repeats = 0\n"
        "work = false\nmodel = 'qwen2.5-coder:14b'\n"
    )
    monkeypatch.chdir(tmp_path)

    plan = ServePlan.of(loaded_settings().valid().gateway, EngineSettings(model="other", context=4096), token=None)

    assert plan == ServePlan(
        port=8080, lanes=4, num_ctx=16384, max_tokens=100, timeout_s=30.0, longest_line=7, idle_s=0.0,
        allow_hosts=("gpu.lan",), allow_origins=("http://localhost:3000",), brake_repeats=0, work=False,
        model="qwen2.5-coder:14b",
    )  # fmt: skip
    backend = backend_of(ScriptedEngine(), plan)
    assert (backend.idle_s, backend.slots.line.lanes, backend.timeout_s) == (0.0, 4, 30.0)


def test_where_the_file_says_nothing_the_engines_own_table_does() -> None:
    engine = EngineSettings(model="qwen2.5-coder:7b", context=4096, timeout_seconds=90.0)
    plan = ServePlan.of(GatewaySettings(), engine, token=None)
    assert (plan.model, plan.num_ctx, plan.timeout_s) == ("qwen2.5-coder:7b", 4096, 90.0)
    assert ServePlan.of(GatewaySettings(), EngineSettings(), token=None) == ServePlan()


@pytest.mark.parametrize(
    "text",
    ["max_waiting = 0", "idle_seconds = -1", "allow_hosts = ['a b']", "allow_origins = ['localhost:3000']", "parallel = 257",
     "window = 255", "brake_repeats = -1", "work = 1", "engine = ''"],
)  # fmt: skip
def test_a_setting_that_is_wrong_stops_serve_before_it_listens(bridge: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "bridge.toml").write_text(f"[gateway]\n{text}\n")
    done = bridge("serve", "--engine", "scripted", "--port", "0")
    assert done.code == 2
    assert f"bridge.toml:2: gateway.{text.split()[0]} must be" in done.err


# ---- the token


def test_the_variable_beats_the_keyring(keyring_of: KeyringOf) -> None:
    keyring_of({TOKEN: "kept"})
    assert gateway_token({"BRIDGE_TOKEN": "said"}) == "said"
    assert gateway_token({"BRIDGE_TOKEN": ""}) == "kept"


def test_without_either_no_token_is_asked_for(keyring_of: KeyringOf) -> None:
    assert gateway_token({}) is None
    keyring_of({})
    assert gateway_token({}) is None


def test_a_keyring_that_is_locked_is_not_taken_for_an_empty_one(keyring_of: KeyringOf) -> None:
    keyring_of({TOKEN: "kept"}, locked=True)
    with pytest.raises(ConfigError, match="unlock it, or set BRIDGE_TOKEN"):
        gateway_token({})
    assert gateway_token({"BRIDGE_TOKEN": "said"}) == "said"


def test_a_new_token_is_kept_in_the_keyring_and_not_printed(bridge: Run, keyring_of: KeyringOf) -> None:
    held = keyring_of({TOKEN: "old"})
    done = bridge("serve", "--new-token")
    assert done.code == 0
    assert len(held[TOKEN]) >= 43
    assert held[TOKEN] not in done.out + done.err
    assert "keyring get qwen-bridge gateway-token" in done.out
    assert gateway_token({}) == held[TOKEN]


@pytest.mark.parametrize("locked", [True, False])
def test_a_token_that_nothing_keeps_is_printed_once_with_what_to_do(
    bridge: Run, keyring_of: KeyringOf, locked: bool
) -> None:  # fmt: skip
    if locked:
        keyring_of({}, locked=True)
    done = bridge("serve", "--new-token")
    assert (done.code, len(done.out.strip())) == (0, 43)
    assert "set BRIDGE_TOKEN" in done.err
    assert bridge("serve", "--new-token", "--json").json["kept"] is False
