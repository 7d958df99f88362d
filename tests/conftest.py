"""What every test gets: a state folder of its own, and no settings of the machine it runs on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.keyrings import keyring_of  # noqa: F401  # a fixture


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Journals go to a temporary folder; BRIDGE_*, OLLAMA_*, OPENAI_* and QWENCODER_* of the machine are out of sight, and so is its keyring."""
    for name in [n for n in os.environ if n.startswith(("BRIDGE_", "OLLAMA_", "OPENAI_", "QWENCODER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(state))
    return state
