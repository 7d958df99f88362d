"""A queue's notebook as other programs leave it: nothing is lost, whether this machine knows the queue or sees it for the first time.

The files and their five jobs are described in tests/fixtures/notebooks/README.md.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest

from bridge import Bridge
from bridge.format import codec
from tests.support.queues import HandClock, Queue, ids_in, load

NOTEBOOKS = Path(__file__).parents[1] / "fixtures" / "notebooks"
ORIGINAL = "queue-written-by-0.1.0"
#: When every lease in the files has ended.
LATER = datetime(2026, 11, 21, 18, tzinfo=UTC)

ANSWERED, FAILED, PLAIN, FLAGS, CHAT = JOBS = (
    "01M7ZD8D4PB6VJ73SE4AQB7Q8X",
    "01M7ZD8DAN88658KS0VMQBZGWF",
    "01M7ZD8DWGD8RTXS5AXXZNN63F",
    "7CD6R5C7GTH0F9QEP6CVPJD52K",
    "01M7ZD8E7VDZG4E61YDD7QDQ9G",
)
#: The prompt without an id that a person typed in Colab and in VS Code.
TYPED = "7TX7C5B5WWKKCTMRZT6X17S7SX"
TYPED_IN = {"shaped-like-colab-save", "shaped-like-vscode-save"}
UNTOUCHED = ("succeeded", "failed", "queued", "queued", "queued")
CHAT_RAN = ("succeeded", "failed", "queued", "queued", "succeeded")
ALL_RAN = ("succeeded", "failed", "succeeded", "succeeded", "succeeded")
NOTHING_LEFT = ("queued",) * 5
#: Situation → states of the five jobs (for who sees the queue for the first time, for who knows it).
STATES = {
    ORIGINAL: (UNTOUCHED, UNTOUCHED),
    "saved-by-jupyterlab-4.6": (UNTOUCHED, UNTOUCHED),
    "saved-by-notebook-7.6": (UNTOUCHED, UNTOUCHED),
    "saved-by-nbclassic-1.3": (UNTOUCHED, UNTOUCHED),
    "rewritten-by-nbconvert-7.17": (UNTOUCHED, UNTOUCHED),
    "shaped-like-vscode-save": (UNTOUCHED, UNTOUCHED),
    "source-as-one-string": (UNTOUCHED, UNTOUCHED),
    "source-as-list-of-lines": (UNTOUCHED, UNTOUCHED),
    "stripped-of-cell-metadata": (UNTOUCHED, UNTOUCHED),
    "stripped-of-cell-metadata-and-ids": (UNTOUCHED, UNTOUCHED),
    "executed-in-jupyterlab-4.6": (ALL_RAN, ALL_RAN),
    "executed-by-nbconvert-7.17": (ALL_RAN, ALL_RAN),
    "executed-by-papermill-2.7": (ALL_RAN, ALL_RAN),
    "shaped-like-colab-save": (CHAT_RAN, CHAT_RAN),
    "shaped-like-colab-save-of-nbformat-4.5": (CHAT_RAN, CHAT_RAN),
    # What the file lost runs again for who never saw it; who knows the queue still has it.
    "shaped-like-colab-save-with-hidden-output": (NOTHING_LEFT, UNTOUCHED),
    "cleared-by-nbconvert-7.17": (NOTHING_LEFT, UNTOUCHED),
}
SITUATIONS = [(name, known) for name in STATES for known in (False, True)]


def text_of(name: str) -> bytes:
    return (NOTEBOOKS / f"{name}.ipynb").read_bytes()


def prompts_in(notebook: dict[str, Any]) -> dict[str, str]:
    """{job: what stands below its header}, read by hand."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    heads = [(source.partition("\n")[0].split(), source.partition("\n")[2]) for source in sources]
    return {words[1]: body for words, body in heads if words[:1] == ["%%qwen"] and words[1:2] != ["--lang"]}


def texts_in(notebook: dict[str, Any]) -> list[str]:
    """The cells of text: ours, and what a person or a program put there."""
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


PROMPTS = prompts_in(load(NOTEBOOKS / f"{ORIGINAL}.ipynb"))
WRITTEN = {cell.id: cell.job for cell in codec.read_part(load(NOTEBOOKS / f"{ORIGINAL}.ipynb")).cells.values()}


def opened(folder: Path, name: str, *, known: bool) -> tuple[Queue, Bridge]:
    """The queue with this file as its notebook; `known`: a journal has seen the original before."""
    folder.mkdir(exist_ok=True)
    queue = Queue(folder / "qwen_bridge.ipynb", HandClock(moment=LATER))
    if known:
        queue.path.write_bytes(text_of(ORIGINAL))
        queue.open().store.publish()
        queue.close()
    queue.path.write_bytes(text_of(name))
    bridge = queue.open()
    bridge.store.publish()
    return queue, bridge


def test_every_fixture_is_read_here() -> None:
    assert {file.stem for file in NOTEBOOKS.glob("*.ipynb")} == set(STATES)


@pytest.mark.parametrize(("name", "known"), SITUATIONS)
def test_no_job_is_lost_and_its_state_is_right(tmp_path: Path, name: str, known: bool) -> None:
    queue, bridge = opened(tmp_path / "queue", name, known=known)
    states = {line.id: line.state.value for line in bridge.jobs()}
    assert tuple(states.pop(job) for job in JOBS) == STATES[name][known]
    assert states == ({TYPED: "queued"} if name in TYPED_IN else {})
    queue.close()


@pytest.mark.parametrize(("name", "known"), SITUATIONS)
def test_prompts_and_options_are_those_of_the_original(tmp_path: Path, name: str, known: bool) -> None:
    queue, bridge = opened(tmp_path / "queue", name, known=known)
    for job in JOBS:
        spec = bridge.get(job).job.spec
        assert spec.body == PROMPTS[job]
        assert (spec.options, spec.form) == (WRITTEN[job].spec.options, WRITTEN[job].spec.form)
    queue.close()


@pytest.mark.parametrize(("name", "known"), SITUATIONS)
def test_an_answer_that_is_in_the_file_or_was_seen_is_kept(tmp_path: Path, name: str, known: bool) -> None:
    queue, bridge = opened(tmp_path / "queue", name, known=known)
    [first] = WRITTEN[ANSWERED].results
    if bridge.get(ANSWERED).state.value == "succeeded" and name != "executed-by-nbconvert-7.17":  # which asked anew
        assert bridge.get(ANSWERED).answer == first.answer
    for job, state in zip(JOBS, STATES[name][known], strict=True):
        assert bool(bridge.get(job).answer) == (state == "succeeded")
    queue.close()


@pytest.mark.parametrize(("name", "known"), SITUATIONS)
def test_written_again_the_file_is_valid_and_holds_all_jobs_prompts_and_notes(
    tmp_path: Path, name: str, known: bool
) -> None:
    queue, bridge = opened(tmp_path / "queue", name, known=known)
    more = bridge.add("One more.")
    queue.close()
    written = queue.load()
    nbformat.validate(nbformat.from_dict(written))
    typed = {TYPED} if name in TYPED_IN else set()
    assert sorted(ids_in(written)) == sorted({*JOBS, *typed, more})
    assert {job: body for job, body in prompts_in(written).items() if job in JOBS} == PROMPTS
    assert texts_in(written) == texts_in(load(NOTEBOOKS / f"{name}.ipynb"))


@pytest.mark.parametrize("name", sorted(TYPED_IN))
def test_a_prompt_that_a_person_typed_becomes_the_same_job_on_two_machines(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = []
    for machine in ("one", "two"):
        monkeypatch.setenv("BRIDGE_STATE_DIR", str(tmp_path / machine))
        queue, bridge = opened(tmp_path / f"queue of {machine}", name, known=machine == "one")
        prompts.append(bridge.get(TYPED).prompt)
        queue.close()
    assert prompts == ["Write a Python script that was typed by hand."] * 2


@pytest.mark.parametrize("name", sorted(set(STATES) - {ORIGINAL}))
def test_who_knows_the_queue_and_sees_it_saved_twice_has_nothing_to_write(tmp_path: Path, name: str) -> None:
    """A save that says nothing new is no reason to write: else two programs would answer each other for ever."""
    queue, bridge = opened(tmp_path / "queue", name, known=True)
    bridge.store.publish()
    settled = queue.path.read_bytes()
    bridge.store.publish()
    assert queue.path.read_bytes() == settled
    queue.close()
