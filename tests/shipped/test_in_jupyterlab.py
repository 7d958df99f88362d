"""The queue as a person uses it in JupyterLab: opened, run, watched, saved, read back, and mistreated in the usual ways."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge
from bridge.core.job import State
from bridge.format import template
from tests.support.jupyter_lab import Lab, jupyter_lab
from tests.support.ollama import LoopbackOllama
from tests.support.patience import LONG_S
from tests.support.queues import ids_in, load

pytestmark = [
    pytest.mark.slow,
    # nbformat, tornado and jupyter_client warn about each other: none of it is ours.
    pytest.mark.filterwarnings("default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::ResourceWarning"),
    pytest.mark.filterwarnings("default::UserWarning"),
]
JOBS = [job for job, _, _ in template.EXAMPLES]
PRICE = "It costs $5 to $10."


class Desk:
    """A browser with JupyterLab, and the Ollama that its kernels find."""

    def __init__(self, lab: Lab, server: LoopbackOllama, room: Path) -> None:
        self.lab = lab
        self.server = server
        self.room = room

    def new_queue(self, *, lanes: int = 1) -> Path:
        """A queue with the three example prompts, open in the browser."""
        path = self.room / f"queue-{uuid.uuid4().hex[:8]}.ipynb"
        book = json.dumps(template.queue_notebook(str(uuid.uuid4()), examples=True))
        book = book.replace('model = \\"qwen2.5-coder:32b\\"', 'model = \\"qwen2.5-coder:7b\\"')
        path.write_text(book.replace("lanes = 0 #", f"lanes = {lanes} #"), encoding="utf-8")
        self.lab.open(path)
        return path

    def run_all(self) -> None:
        self.lab.run("notebook:run-all-cells")

    def await_panel(self, words: str) -> str:
        """The panel below the set-up cell, as soon as it says this."""
        found: str = self.lab.until(
            f"(() => {{ const t = ({_PANEL})(book); return t.includes({json.dumps(words)}) && t; }})()"
        )
        return found

    def await_results(self, count: int) -> None:
        self.lab.until(f"({_RESULTS})(book).length >= {count}")

    def save(self) -> None:
        self.lab.ask("jupyterapp.shell.currentWidget.context.save().then(() => 0)")


_JOINED = "(v => Array.isArray(v) ? v.join('') : v || '')"
_PANEL = f"""book => book.cells.filter(c => c.id === "bridge-setup").flatMap(c => c.outputs).map(
  o => {_JOINED}(o.data?.["text/markdown"])).join("\\n")"""
_RESULTS = f"""book => book.cells.filter(c => c.cell_type === "code").flatMap(c => c.outputs).map(
  o => {_JOINED}(o.data?.["text/plain"])).filter(t => t.startsWith("<!-- bridge-result"))"""


@pytest.fixture(scope="module")
def browser_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("lab")
    with (
        LoopbackOllama(parallel=4) as server,
        jupyter_lab(folder, OLLAMA_HOST=server.url, BRIDGE_SPOOL=str(folder / "spool.jsonl")) as lab,
    ):
        yield Desk(lab, server, folder / "room")


@pytest.fixture
def desk(browser_desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The browser of all these tests, and an Ollama that answers at once."""
    monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / "state"))
    browser_desk.server.answer = lambda prompt: f"Done. {PRICE}\n"
    browser_desk.server.requests.clear()
    (browser_desk.room.parent / "spool.jsonl").unlink(missing_ok=True)  # the prompts are the same in each test
    yield browser_desk
    browser_desk.lab.ask("jupyterapp.shell.currentWidget?.sessionContext?.shutdown().then(() => 0)")


def states(path: Path) -> list[State]:
    with Bridge(str(path)) as bridge:
        bridge.store.publish()  # the examples become jobs
        return [bridge.get(job).line.state for job in JOBS]


def outputs_of(book: dict[str, Any], job: str) -> list[dict[str, Any]]:
    [cell] = [cell for cell in book["cells"] if cell["id"] == job]
    return list(cell["outputs"])


def test_the_runtime_is_folded_and_the_first_cell_links_to_the_prompts(desk: Desk) -> None:
    desk.new_queue()
    hidden = desk.lab.until(
        """widget.content.widgets.filter(w => w.model.type === 'code' && w.inputHidden).map(w => w.model.id)"""
    )
    assert hidden == ["bridge-runtime"]
    desk.lab.until("""document.querySelector('.jp-RenderedMarkdown a[href="#Prompts"]')
        && document.querySelector('h2[data-jupyter-id=Prompts]') ? 1 : 0""")


def test_run_all_is_watched_saved_and_read_back(desk: Desk) -> None:
    held = threading.Event()

    def answer(prompt: str) -> str:
        held.wait(LONG_S)
        return f"Done. {PRICE}\n"

    desk.server.answer = answer
    path = desk.new_queue()
    desk.run_all()
    panel = desk.await_panel("queued, 2nd of 2")
    assert "answering" in panel
    assert "lane 1" in panel
    held.set()
    assert "**3 answered. Now save.**" in desk.await_panel("Now save.")
    desk.await_results(3)
    looks = desk.lab.ask("""[document.querySelectorAll("mjx-container").length,
        [...document.querySelectorAll(".jp-RenderedMarkdown sub")].map(e => e.textContent).filter(t => t.endsWith("whole")).length,
        [...document.querySelectorAll(".jp-RenderedMarkdown p")].filter(e => e.textContent === "Done. It costs $5 to $10.").length]""")
    assert looks == [0, 3, 3]
    desk.save()
    book = load(path)
    assert [len(outputs_of(book, job)) for job in JOBS] == [1, 1, 1]
    assert states(path) == [State.SUCCEEDED] * 3
    with Bridge(str(path)) as bridge:
        assert bridge.get(JOBS[0]).answer == f"Done. {PRICE}\n"
    desk.run_all()  # again: nothing is asked
    desk.lab.until(
        "widget.sessionContext.session.kernel.status === 'idle' && book.cells.every(c => c.cell_type !== 'code' || c.execution_count > 3)"
    )
    assert len(desk.server.requests) == 3


def test_a_stale_tab_that_is_saved_over_new_prompts_loses_none(desk: Desk) -> None:
    path = desk.new_queue()
    with Bridge(str(path)) as bridge:
        added = bridge.add("Added while the tab was open.")
        desk.run_all()
        desk.await_results(3)
        desk.lab.ask("void jupyterapp.shell.currentWidget.context.save(); 0")
        desk.lab.until("""[...document.querySelectorAll(".jp-Dialog button")].filter(
            b => b.textContent.trim() === "Overwrite").map(b => b.click()).length""")
        desk.lab.until("!widget.context.model.dirty")
        assert added not in ids_in(load(path))
        assert {line.id: line.state for line in bridge.jobs()} == {
            **dict.fromkeys(JOBS, State.SUCCEEDED), added: State.QUEUED,
        }  # fmt: skip
        bridge.store.publish()
    assert sorted(ids_in(load(path))) == sorted([*JOBS, added])


def test_after_an_interrupt_and_a_restart_the_rest_is_answered_and_nothing_twice(desk: Desk) -> None:
    held = threading.Event()

    def answer(prompt: str) -> str:
        if "Supabase" in prompt:
            held.wait(LONG_S)
        return "Done.\n"

    desk.server.answer = answer
    path = desk.new_queue()
    desk.run_all()
    desk.await_panel("queued, 1st of 1")  # the second is under way
    desk.lab.run("notebook:interrupt-kernel")
    desk.lab.until("""book.cells.flatMap(c => c.outputs || []).some(o => o.ename === "Interrupted")""")
    assert "2 stopped. Run all again to go on." in desk.await_panel("stopped")
    held.set()
    desk.lab.ask("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => 0)")
    desk.run_all()
    desk.await_panel("2 answered. Now save.")
    desk.await_results(3)
    desk.save()
    assert states(path) == [State.SUCCEEDED] * 3
    asked = [prompt for prompt in desk.server.prompts[-len(desk.server.requests) :] if "Paystack" in prompt]
    assert len(asked) == 1


def test_moved_and_copied_cells_stay_the_jobs_that_they_are(desk: Desk) -> None:
    path = desk.new_queue()
    at = f"widget.content.widgets.findIndex(w => w.model.id === '{JOBS[0]}')"
    desk.lab.until(f"(() => {{ widget.content.activeCellIndex = {at}; return 1; }})()")
    for command in ("copy-cell", "paste-cell-below", "move-cell-down"):
        desk.lab.ask(f"jupyterapp.commands.execute('notebook:{command}').then(() => 0)")
    desk.run_all()
    desk.await_results(4)
    assert len(desk.server.requests) == 3  # the copy shows the answer of what it is a copy of
    desk.save()
    assert states(path) == [State.SUCCEEDED] * 3
    with Bridge(str(path)) as bridge:
        assert sorted(line.id for line in bridge.jobs()) == JOBS
    assert sorted(ids_in(load(path))) == JOBS  # and was folded into it
