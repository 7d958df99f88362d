"""Domains of bridge.toml for jobs, and the models that have to be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.ollama import LoopbackOllama

CONFIG = '[domains.front]\nmodel_preference = ["qwen2.5-coder:7b", "qwen2.5-coder:3b"]\npaths = ["web", "*.css"]\n'


def model_of(queue: Run, *asked: str) -> str | None:
    added = queue("add", "Fix it", *asked)
    assert added.code == 0, added.err
    [job] = added.ids
    model = queue("show", job, "--json").json["model"]
    assert model is None or isinstance(model, str)
    return model


def test_a_job_gets_the_model_of_its_domain_unless_it_names_one(queue: Run, tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text(config.read_text() + CONFIG)
    assert model_of(queue, "--domain", "front") == "qwen2.5-coder:7b"
    assert model_of(queue, "--out", "web/a.ts") == model_of(queue, "--out", "b.css") == "qwen2.5-coder:7b"
    assert model_of(queue, "--out", "src/a.ts") is None
    assert model_of(queue, "--domain", "front", "--model", "auto") == "auto"
    unknown = queue("add", "Fix it", "--domain", "back")
    assert unknown.code == 2
    assert "known are front" in unknown.err


def test_doctor_names_the_command_that_fetches_what_is_required(
    queue: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text(config.read_text() + '[router]\nrequire_models = ["qwen2.5-coder:32b", "small"]\n')
    with LoopbackOllama(models=("small",)) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        found = queue("doctor", "--json").json["findings"]
    assert [one["remedy"] for one in found if "required" in one["found"]] == ["bridge models fetch qwen2.5-coder:32b"]
