"""In all that is no job, `--engine qwen-bridge` does what papermill does: each case is run by both, and compared."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bridge.papermill.engine import QwenBridgeEngine
from tests.shipped.test_papermill import add_cell, load, run
from tests.support.notebooks import code_cell
from tests.support.ollama import LoopbackOllama
from tests.support.shipped import SHIPPED_QUEUE

papermill = pytest.importorskip("papermill")

pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
    pytest.mark.filterwarnings("default::FutureWarning"),
]


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """The queue as it ships, without its jobs, and a person's cells."""
    path = tmp_path / "q" / "qwen_bridge.ipynb"
    path.parent.mkdir()
    book = json.loads(SHIPPED_QUEUE.read_bytes())
    book["cells"] = book["cells"][:3]
    path.write_text(json.dumps(book), encoding="utf-8")
    add_cell(path, code_cell("greet = 'default'", id="parameters", metadata={"tags": ["parameters"]}))
    add_cell(
        path, code_cell("import sys; print('said', greet); print('aside', file=sys.stderr); 6 * 7", id="mine"), at=4
    )
    return path


def by_stock(queue: Path, **how: Any) -> Any:
    """The same notebook without the cells that only a queue has, run by papermill's own engine."""
    book = load(queue)
    book["cells"] = [cell for cell in book["cells"] if cell["id"] not in ("bridge-runtime", "bridge-setup")]
    plain = queue.with_name("plain.ipynb")
    plain.write_text(json.dumps(book), encoding="utf-8")
    return papermill.execute_notebook(plain, queue.with_name("plain-out.ipynb"), progress_bar=False, **how)


def by_ours(queue: Path, **how: Any) -> Any:
    from papermill.engines import papermill_engines

    papermill_engines.register("qwen-bridge", QwenBridgeEngine)
    with LoopbackOllama() as server:
        how["parameters"] = {"base_url": server.url, **how.get("parameters", {})}
        return papermill.execute_notebook(queue, queue, engine_name="qwen-bridge", **{"progress_bar": False, **how})


def shown(book: Any) -> list[tuple[str, Any, Any, Any]]:
    """What a reader of the notebook sees of the cells that both engines run."""
    cells = [cell for cell in book["cells"] if cell["id"] not in ("bridge-runtime", "bridge-setup")]
    return [
        (
            "(injected)" if "injected-parameters" in cell["metadata"].get("tags", []) else cell["source"],
            [{k: v for k, v in output.items() if k != "execution_count"} for output in cell.get("outputs", [])],
            cell["metadata"].get("papermill", {}).get("status"),
            cell["metadata"].get("jupyter"),
        )
        for cell in book["cells"]
        if cell in cells
    ]


def test_parameters_overwrite_those_of_the_cell_that_is_tagged(queue: Path) -> None:
    stock = by_stock(queue, parameters={"greet": "hi"})
    ours = by_ours(queue, parameters={"greet": "hi"})
    assert shown(ours) == shown(stock)
    assert "said hi" in json.dumps(shown(ours))
    places = [cell["metadata"].get("tags") for cell in load(queue)["cells"]]
    assert places[places.index(["parameters"]) + 1] == ["injected-parameters"]  # it is kept, in its place


def test_a_second_run_replaces_the_injected_cell(queue: Path) -> None:
    by_ours(queue, parameters={"greet": "hi"})
    ours = by_ours(queue, parameters={"greet": "you"})
    injected = [cell for cell in load(queue)["cells"] if "injected-parameters" in cell["metadata"].get("tags", [])]
    assert ['greet = "you"' in "".join(cell["source"]) for cell in injected] == [True]
    assert "said you" in json.dumps(shown(ours))


def test_the_notebook_says_how_the_run_went(queue: Path) -> None:
    stock = by_stock(queue, parameters={"greet": "hi"})
    by_ours(queue, parameters={"greet": "hi"})
    said = load(queue)["metadata"]["papermill"]
    assert said.keys() == stock["metadata"]["papermill"].keys()
    assert said["exception"] is None
    assert said["duration"] > 0
    assert said["parameters"]["greet"] == "hi"


def test_report_mode_hides_the_code(queue: Path) -> None:
    stock = by_stock(queue, parameters={"greet": "hi"}, report_mode=True)
    ours = by_ours(queue, parameters={"greet": "hi"}, report_mode=True)
    assert shown(ours) == shown(stock)
    assert load(queue)["cells"][-1]["metadata"]["jupyter"] == {"source_hidden": True}


def test_output_is_logged_and_written_to_files(queue: Path, caplog: pytest.LogCaptureFixture) -> None:
    out, err = io.StringIO(), io.StringIO()
    with caplog.at_level(logging.INFO, logger="papermill"):
        by_ours(queue, log_output=True, stdout_file=out, stderr_file=err)
    assert (out.getvalue(), err.getvalue()) == ("said default\n", "aside\n")
    assert [text for text in caplog.messages if text.startswith(("said", "aside", "42"))] == [
        "said default\n",
        "aside\n",
        "42",
    ]


def test_a_progress_bar_is_drawn(queue: Path, capfd: pytest.CaptureFixture[str]) -> None:
    by_ours(queue, progress_bar={"desc": "Mine"})
    assert "Mine" in capfd.readouterr().err


def test_sys_exit_ends_the_run_and_is_no_failure(queue: Path) -> None:
    add_cell(queue, code_cell("import sys; sys.exit(0)", id="exit"), at=4)
    stock, ours = by_stock(queue), by_ours(queue)
    assert [said[2] for said in shown(ours)][1:] == [said[2] for said in shown(stock)]  # less the injected cell
    assert "said" not in json.dumps([said[1] for said in shown(ours)])


def test_a_failing_cell_is_marked_as_papermill_marks_it_and_the_marks_go(queue: Path) -> None:
    add_cell(queue, code_cell("1 / 0", id="bad"), at=4)
    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        by_ours(queue)
    texts = ["".join(cell["source"]) for cell in load(queue)["cells"]]
    assert "An Exception was encountered" in texts[0]
    book = load(queue)
    book["cells"] = [{**cell, "source": "1"} if cell["id"] == "bad" else cell for cell in book["cells"]]
    queue.write_text(json.dumps(book), encoding="utf-8")
    by_ours(queue)
    assert "papermill-error" not in queue.read_text(encoding="utf-8")


def test_a_notebook_object_is_an_input_like_a_path(queue: Path) -> None:
    node = nbformat.read(queue, as_version=4)
    target = queue.with_name("answered.ipynb")
    with LoopbackOllama() as server:
        done = run(node, target, server, greet="hi")  # type: ignore[arg-type]
    assert "said hi" in json.dumps(shown(done))
    assert json.dumps(shown(load(target))).count("said hi") == 1


def test_without_an_output_path_the_result_is_returned_and_nothing_is_left(queue: Path) -> None:
    before = {path: path.read_bytes() for path in queue.parent.rglob("*")}
    with LoopbackOllama() as server:
        done = run(queue, None, server, greet="hi")  # type: ignore[arg-type]
    assert "said hi" in json.dumps(shown(done))
    assert {path: path.read_bytes() for path in queue.parent.rglob("*")} == before
