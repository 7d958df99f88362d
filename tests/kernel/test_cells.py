"""Which cells of a notebook are jobs, and which of these are done."""

from __future__ import annotations

import pytest

from bridge.kernel.cells import read_cells
from bridge.kernel.display import to_display
from bridge.kernel.grammar import JOB_ID, adopted_id, failure_text, prompt_sha256, render_result
from tests.support.notebooks import code_cell, job_ids, notebook, prompt_cell

JOB, OTHER = job_ids(2)


def result(
    body: str, *, job: str = JOB, attempt: int = 1, status: str = "succeeded", text: str = "An answer.\n"
) -> str:
    record = {"schema": 1, "job": job, "attempt": attempt, "status": status, "prompt_sha256": prompt_sha256(body)}
    return render_result(record, text)


def output(text: object, carrier: str = "text/markdown") -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {carrier: text}}


def only(*cells: dict):
    (found,) = read_cells(notebook(*cells))
    return found


@pytest.mark.parametrize(
    ("outputs", "done", "attempts"),
    [
        ([output(result("Prompt."))], True, 1),  # complete
        ([output(result("Prompt.").splitlines(keepends=True))], True, 1),  # as Colab saves it: a list of lines
        ([output(result("Prompt."), "text/plain")], True, 1),  # the other carrier is enough
        ([output(to_display(result("Prompt.", text="<b>$")))], True, 1),  # only what is shown of it is left
        ([output(to_display(result("Prompt."))[:-1])], False, 0),  # and was cut
        ([output("Output hidden; open in …", "text/plain"), output(to_display(result("Prompt.")))], True, 1),
        ([output("Output hidden; open in …"), output(result("Prompt."))], True, 1),  # beside something else
        ([output(result("Prompt.", status="truncated"))], True, 1),  # cut at the limit: an answer all the same
        ([output(result("Prompt.", status="failed", text=failure_text("no")))], False, 1),  # to be tried again
        ([output(result("Prompt.")[:-3])], False, 0),  # cut on the way
        ([output(result("Another prompt."))], False, 1),  # the prompt was edited since
        ([output(result("Prompt.", job=OTHER))], False, 1),  # copied from another cell
        ([output(result("Prompt.", attempt=3, status="failed")), output(result("Prompt."))], True, 3),  # best of both
        ([{"output_type": "stream", "text": result("Prompt.")}], False, 0),  # printed is not displayed
        ([], False, 0),  # nothing there
    ],
)
def test_a_job_is_done_when_a_whole_answer_to_its_present_prompt_stands_there(
    outputs: list[dict], done: bool, attempts: int
) -> None:
    cell = only({**prompt_cell(JOB, "Prompt."), "outputs": outputs})
    assert (cell.done is not None, cell.attempts) == (done, attempts)


def test_results_at_or_below_the_floor_do_not_count() -> None:
    cell = code_cell(f"%%qwen {JOB} --floor 2\nPrompt.", outputs=[output(result("Prompt.", attempt=2))])
    assert only(cell).done is None
    cell["outputs"] = [output(result("Prompt.", attempt=3))]
    assert only(cell).done


@pytest.mark.parametrize(
    ("cell", "job"),
    [
        (prompt_cell(JOB, "x"), JOB),  # the header says it
        (code_cell(f"%%qwen {JOB}\nx", metadata={"bridge": {"id": OTHER}}), OTHER),  # our metadata is stronger
        (code_cell("%%qwen\nx", id=OTHER), OTHER),  # the cell id, when it is a job id
        (code_cell("%%qwen\nx", metadata={"id": OTHER}), OTHER),  # where Colab moves it
        (code_cell("%%qwen\nx", id="4_qQv72S8s5o"), adopted_id("", "x")),  # a person's cell: from its prompt
    ],
)
def test_a_jobs_identity_comes_from_the_strongest_place(cell: dict, job: str) -> None:
    assert only(cell).job == job


def test_an_adopted_id_follows_from_the_words_of_the_header_and_the_prompt() -> None:
    first = adopted_id("--lang go", "Write a poem.")
    assert JOB_ID.fullmatch(first)
    assert adopted_id("  --lang   go ", "Write a poem.\r\n") == first
    assert adopted_id(f"{JOB.lower()} --lang go", "Write a poem.") == first  # an id that another cell has is no word
    assert len({first, adopted_id("", "Write a poem."), adopted_id("--lang c", "Write a poem.")}) == 3


def test_two_typed_cells_with_one_prompt_and_other_options_are_two_jobs() -> None:
    first, second = read_cells(notebook(code_cell("%%qwen --lang go\nx"), code_cell("%%qwen --lang c\nx")))
    assert first.key != second.key
    assert first.job != second.job


def test_what_is_no_job_is_left_alone() -> None:
    markdown = {"cell_type": "markdown", "metadata": {}, "source": "%%qwen\nx"}
    broken = code_cell("%%qwen --nonsense\nx")
    other = code_cell("%%qwenx\nx")
    assert read_cells(notebook(markdown, broken, other, code_cell("1 + 1"))) == []
    assert only(code_cell(f"%%qwen {JOB} --cancelled\nx")).header.cancelled
    assert not only(code_cell(f"%%qwen {JOB}\n \n")).body.strip()
    assert read_cells({}) == []
