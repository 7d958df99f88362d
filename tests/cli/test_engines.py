"""`bridge work` and `bridge run` with the engines of bridge.toml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.ollama import LoopbackOllama
from tests.support.openai import LoopbackOpenAI

KEY = "0123456789"
TABLE = """
[engines.house]
kind = "openai"
base_url = "{url}"
model = "large"
key_env = "HOUSE_KEY"
context = 2048
timeout_seconds = 30
"""


@pytest.fixture
def api() -> Iterator[LoopbackOpenAI]:
    with LoopbackOpenAI(key=KEY) as server:
        yield server


def test_work_answers_with_the_engine_that_a_name_stands_for(
    queue: Run,
    tmp_path: Path,
    api: LoopbackOpenAI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (tmp_path / "bridge.toml").open("a") as file:
        file.write(TABLE.format(url=api.url))
    monkeypatch.setenv("HOUSE_KEY", KEY)
    [job] = queue("add", "Write f").ids

    done = queue("work", "--engine", "house")

    assert done.code == 0, done.err
    assert queue("show", job, "--json").json["model"] == "large"
    assert KEY not in done.out + done.err


def test_run_takes_it_too_and_the_command_line_beats_the_table(
    queue: Run,
    tmp_path: Path,
    api: LoopbackOpenAI,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (tmp_path / "bridge.toml").open("a") as file:
        file.write(TABLE.format(url="http://127.0.0.1:1/v1"))
    monkeypatch.setenv("HOUSE_KEY", KEY)

    queue("run", "Write f", "--engine", "house", "--base-url", api.url, "--model", "small", "--no-repair")

    assert [request["model"] for request in api.requests] == ["small"]


def test_a_table_with_the_name_of_a_kind_is_what_that_name_means(
    queue: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LoopbackOllama(answer=lambda _: "from the table") as server:
        monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
        with (tmp_path / "bridge.toml").open("a") as file:
            file.write(f'[engines.ollama]\nbase_url = "{server.url}"\nmodel = "{server.models[0]}"\n')
        [job] = queue("add", "Write f").ids
        assert queue("work").code == 0

    assert queue("show", job).out.count("from the table") == 1


def test_an_engine_that_nobody_knows_is_told_with_those_that_are_known(queue: Run, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text('[engines.house]\nkind = "scripted"\n')

    done = queue("work", "--engine", "hause")

    assert done.code == 2
    assert "unknown engine 'hause'; known are house, ollama, openai, anthropic, llamacpp, scripted" in done.err
