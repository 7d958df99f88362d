"""The notebooks that ship are what the template makes, and what a run leaves is a queue that the commands understand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bridge import Bridge
from bridge.core.job import State
from bridge.format import template
from tests.support.notebooks import execute, shipped_notebook
from tests.support.ollama import LoopbackOllama
from tests.support.shipped import first_cells, shipped


@pytest.mark.parametrize("path", list(shipped()), ids=lambda path: path.name)
def test_the_shipped_notebooks_are_what_the_template_makes(path: Path) -> None:
    assert path.read_bytes() == shipped()[path], "run python -m tests.support.shipped"
    nbformat.validate(json.loads(path.read_bytes()))


@pytest.mark.filterwarnings("default::DeprecationWarning", "default::ResourceWarning")
def test_after_run_all_in_colab_the_commands_see_every_job_succeeded(tmp_path: Path) -> None:
    path = tmp_path / "qwen_bridge.ipynb"
    path.write_text(json.dumps(shipped_notebook()), encoding="utf-8")
    with Bridge(str(path)) as queue:
        queue.store.publish()  # takes the cells in, as any command that writes does
        assert queue.status().counts[State.QUEUED] == 3
        with LoopbackOllama() as server:
            done: dict[str, Any] = execute(shipped_notebook(), tmp_path, born_in_colab=True, OLLAMA_HOST=server.url)
        (tmp_path / "tab.ipynb").unlink()
        path.write_text(json.dumps(done), encoding="utf-8")  # the tab saves over what is there
        assert [line.state for line in queue.jobs()] == [State.SUCCEEDED] * 3
        assert queue.status().counts[State.SUCCEEDED] == 3


def test_a_choice_in_a_form_is_carried_into_a_newer_form() -> None:
    old = 'lanes = 3 #@param {type: "integer"}\nmodel = "a # b" # @param ["x"]\ngone = 1 #@param\n'
    new = 'model = "y" #@param ["y"]\nlanes = 0 #@param {type: "integer"}\nadded = 1 #@param\n'
    assert template.with_choices(new, old) == (
        'model = "a # b" #@param ["y"]\nlanes = 3 #@param {type: "integer"}\nadded = 1 #@param\n'
    )


def test_the_digests_of_the_first_cells_are_those_of_the_template() -> None:
    path, module = first_cells()
    assert path.read_text(encoding="utf-8") == module, "run python -m tests.support.shipped"
