from __future__ import annotations

import json
from pathlib import Path

import nbformat

from bridge.setup import wheel
from tests.cli.conftest import Run


def test_init_makes_a_queue_that_every_command_finds_from_here_and_below(bridge: Run, tmp_path, monkeypatch):
    made = bridge("init", "--json").json

    names = ["qwen_bridge.ipynb", "setup_ollama.ipynb", wheel.NAME, "bridge.toml"]
    assert [Path(f).name for f in made["files"]] == names
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert bridge("status", "--json").json["queue_id"] == made["queue_id"]


def test_two_queues_never_share_an_id(bridge: Run):
    first, second = (bridge("init", folder, "--no-config", "--json").json["queue_id"] for folder in ("a", "b"))

    assert first != second


def test_init_overwrites_nothing(queue: Run, tmp_path: Path):
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    again = queue("init")

    assert again.code == 2
    assert "is not overwritten" in again.err
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_the_notebooks_are_valid_and_the_examples_wait_in_the_queue(bridge: Run, tmp_path: Path):
    bridge("init", "--examples")

    for file in (tmp_path / "notebooks").glob("*.ipynb"):
        nbformat.validate(json.loads(file.read_bytes()))
    assert bridge("status", "--json").json["counts"]["queued"] == 3


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(bridge: Run, tmp_path: Path):
    (tmp_path / "taken").write_text("a file")

    made = bridge("init", "taken/below")

    assert made.code == 3
    assert "taken" in made.err


def test_refresh_says_what_it_changed_and_that_all_is_well(queue: Run, tmp_path: Path):
    assert queue("refresh", "--json").json == {"files": []}
    copy = tmp_path / "notebooks" / wheel.NAME
    copy.unlink()
    assert queue("refresh").out.split() == [str(copy)]
    assert "all is of this version" in queue("refresh").err
