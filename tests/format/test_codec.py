"""A notebook as values and back, in whatever shape it comes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.errors import NotAQueue
from bridge.core.job import Job, Options, State
from bridge.format import codec, json_bytes, merge, prompt_cell, template
from bridge.format.cell import Cell, CellKind
from bridge.format.codec import Part, read_part
from bridge.kernel import grammar
from bridge.kernel.cells import read_cells
from tests.support.colab import Save, colab_save, saves
from tests.support.values import jobs

quick = settings(deadline=None, derandomize=True)
JOB = "01JD3K6S7M2W8Q5V4T9R0XYZAB"


def notebook(*cells: dict[str, Any], minor: int = 5, **stamp: Any) -> dict[str, Any]:
    bridge = {"schema": 1, "queue_id": "q1", "part": 1, "context": {}, **stamp}
    return {"cells": list(cells), "metadata": {"bridge": bridge}, "nbformat": 4, "nbformat_minor": minor}


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source, **more}


def part_of(*jobs: Job) -> Part:
    cells = {job.id: merge.job_cell(job, {"w1": n}) for n, job in enumerate(jobs, 1)}
    return Part(queue_id="q1", context={"w1": len(jobs)}, cells=cells)


def only(part: Part) -> Cell:
    [cell] = part.cells.values()
    return cell


def through_bytes(part: Part) -> bytes:
    return json_bytes.join_notebook(
        [json_bytes.dump_cell({**c.raw, "id": c.id}) for c in part.in_order()], codec.write_metadata(part)
    )


def saved_by_vscode(data: bytes) -> bytes:
    """The file after VS Code read and saved it: it ends every item of a list of lines with a line feed.

    Source: `concatMultilineString` of extensions/ipynb/src/deserializers.ts in microsoft/vscode.
    """

    def joined(value: Any) -> Any:
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return "".join(item if item.endswith("\n") else item + "\n" for item in value[:-1]) + value[-1]
        return value

    notebook = json_bytes.loads(data)
    for cell in notebook["cells"]:
        cell["source"] = joined(cell["source"])
        for output in cell["outputs"]:
            output["data"] = {mime: joined(text) for mime, text in output["data"].items()}
    return json_bytes.dumps(notebook)


def comparable(job: Job) -> object:
    best = job.best(grammar.prompt_sha256(job.spec.body))
    visible = prompt_cell.visible_attempts(job, best)
    return job.evolve(results=(best,) if best else (), attempts=visible, lease=job.open_lease)


@quick
@given(jobs=st.lists(jobs(), max_size=3, unique_by=lambda job: job.id))
def test_jobs_read_back_as_they_were_written(jobs: list[Job]) -> None:
    part = part_of(*jobs)
    read = read_part(json_bytes.loads(through_bytes(part)))
    assert read.context == part.context
    assert [cell.id for cell in read.in_order()] == sorted(job.id for job in jobs)
    for job in jobs:
        cell = read.cells[job.id]
        assert cell.job == comparable(job)
        assert cell.dots == part.cells[job.id].dots
        assert not cell.touched, "nobody edited it"


@quick
@given(jobs=st.lists(jobs(), max_size=3, unique_by=lambda job: job.id))
def test_vscode_gives_prompts_and_answers_back_as_they_were(jobs: list[Job]) -> None:
    read = read_part(json_bytes.loads(saved_by_vscode(through_bytes(part_of(*jobs)))))
    assert [read.cells[job.id].job for job in jobs] == [comparable(job) for job in jobs]
    assert not any(cell.touched for cell in read.cells.values()), "nobody edited them"


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\r"])
def test_only_a_line_feed_ends_a_line_of_a_written_cell(character: str) -> None:
    typed = code(f"%%qwen {JOB}\nWrite `a{character}b`.\nAnd a test.")
    source = prompt_cell.write_job(only(read_part(notebook(typed))).job, {"w": 1})["source"]
    assert source == [f"%%qwen {JOB}\n", f"Write `a{character}b`.\n", "And a test."]


@quick
@given(job=jobs(), save=saves)
def test_a_colab_save_keeps_what_a_worker_needs(job: Job, save: Save) -> None:
    data = colab_save(through_bytes(part_of(job)), save)
    read = read_part(json_bytes.loads(data)).cells[job.id].job
    assert (read.id, read.spec.body, read.spec.form) == (job.id, job.spec.body, job.spec.form)
    assert read.spec.options == job.spec.options
    assert (read.attempt_floor, read.is_cancelled) == (job.attempt_floor, job.is_cancelled)
    if save.hide is None:
        sha = grammar.prompt_sha256(job.spec.body)
        assert read.best(sha) == job.best(sha)
    if not save.stripped:
        assert read.attempts == comparable(job).attempts
        assert (read.lease, read.edit, read.spec) == (job.open_lease, job.edit, job.spec)


@quick
@given(jobs=st.lists(jobs(), max_size=2, unique_by=lambda job: job.id), save=saves)
def test_what_is_written_after_a_save_is_valid_nbformat(jobs: list[Job], save: Save) -> None:
    part = read_part(json_bytes.loads(colab_save(through_bytes(part_of(*jobs)), save)))
    written = codec.write_part(part)
    try:
        json.dumps(written, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return  # nbformat cannot hold a lone surrogate
    nbformat.validate(nbformat.from_dict(written))


@pytest.mark.parametrize("minor", range(6))
def test_nbformat_4_0_to_4_5_is_read_and_4_5_written(minor: int) -> None:
    part = read_part(notebook(code(f"%%qwen {JOB}\nhello"), minor=minor))
    assert only(part).job.spec.body == "hello"
    assert codec.write_part(part)["nbformat_minor"] == 5


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not a notebook"),  # JSON, but no object
        ({"cells": []}, "not a notebook"),  # no nbformat
        ({"nbformat": 3, "nbformat_minor": 0, "worksheets": [], "metadata": {}}, r"nbformat 3\.0"),  # too old
        ({**notebook(), "nbformat_minor": 6}, r"nbformat 4\.6"),  # too new
        ({**notebook(), "nbformat": 5}, r"nbformat 5"),  # much too new
        ({**notebook(), "metadata": {}}, "without `bridge` metadata"),  # some other notebook
        ({**notebook(), "metadata": {"bridge": {"schema": 1}}}, "without `bridge` metadata"),  # no queue_id
        ({**notebook(), "cells": None}, "without `bridge` metadata"),  # no cells
        (notebook(schema=2), "schema 2"),  # written by a later version
        (notebook(queue_id="../x"), "queue_id"),  # it names a folder
        (notebook(part="one"), "damaged"),  # not a number
        (notebook(context=[]), "damaged"),  # not a mapping
    ],
)
def test_what_is_no_queue_is_refused_with_the_reason(value: object, reason: str) -> None:
    with pytest.raises(NotAQueue, match=reason):
        read_part(value, name="x.ipynb")


def test_unknown_flags_make_a_broken_job_and_the_cell_stays_as_typed() -> None:
    source = f"%%qwen {JOB} --language go\n  hello {{}}"
    part = read_part(notebook(code(source)))
    job = only(part).job
    assert job.id == JOB
    assert "unknown flag '--language'" in str(job.spec.broken)
    assert job.state(None, now=datetime(2026, 1, 1, tzinfo=UTC)) is State.BROKEN
    again = merge.job_cell(job, {"w": 1})
    assert json_bytes.join_lines(again.raw["source"]) == source


def test_a_persons_cell_without_an_id_gets_the_same_id_twice() -> None:
    typed = code("%%qwen --lang go\nhello\n")
    ids = {only(read_part(notebook(typed))).id for _ in range(2)}
    ids |= {only(read_part(notebook(code("%%qwen   --lang go\r\nhello", id="abc")))).id}  # line ends and spaces
    assert len(ids) == 1
    assert grammar.JOB_ID.fullmatch(ids.pop())
    assert only(read_part(notebook(code("%%qwen --lang go\nhello!")))).id != only(read_part(notebook(typed))).id


def test_identity_is_the_stamp_then_the_header_then_the_id_then_the_metadata_id() -> None:
    a, b, c, d = (JOB[:-1] + letter for letter in "ABCD")
    stamp = {"bridge": {"id": a}, "id": d}
    assert only(read_part(notebook(code(f"%%qwen {b}\nx", metadata=stamp, id=c)))).id == a
    assert only(read_part(notebook(code(f"%%qwen {b}\nx", metadata={"id": d}, id=c)))).id == b
    assert only(read_part(notebook(code("%%qwen\nx", metadata={"id": d}, id=c)))).id == c
    assert only(read_part(notebook(code("%%qwen\nx", metadata={"id": d})))).id == d


def test_equal_doubles_are_folded_with_the_results_of_both() -> None:
    sha = grammar.prompt_sha256("hello")
    record = {"schema": 1, "job": JOB, "attempt": 1, "status": "succeeded", "finished_at": "2026-01-01T00:00:00Z"}
    text = grammar.render_result({**record, "prompt_sha256": sha, "worker": {"id": "w"}}, "the answer")
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}}
    cell = only(read_part(notebook(code(f"%%qwen {JOB}\nhello"), code(f"%%qwen {JOB}\nhello", outputs=[output]))))
    assert [result.answer for result in cell.job.results] == ["the answer"]


def test_a_changed_copy_becomes_a_job_of_its_own_and_the_original_keeps_its_id() -> None:
    written = prompt_cell.write_job(only(read_part(notebook(code(f"%%qwen {JOB}\nhello")))).job, {"w": 1})
    copy = {**written, "source": f"%%qwen {JOB}\nhello, changed"}
    for cells in ((copy, written), (written, copy)):
        part = read_part(notebook(*cells))
        assert {cell.job.spec.body for cell in part.cells.values()} == {"hello", "hello, changed"}
        assert part.cells[JOB].job.spec.body == "hello"
        other = next(cell for job, cell in part.cells.items() if job != JOB)
        assert all(writer.startswith("~") for writer in other.dots), "a new job, not the old one's dots"


def test_changed_copies_of_a_note_are_all_kept() -> None:
    a, b = code("x = 1", id="note"), code("x = 2", id="note")
    assert sorted(json_bytes.join_lines(c.raw["source"]) for c in read_part(notebook(a, b, a)).cells.values()) == [
        "x = 1",
        "x = 2",
    ]


@pytest.mark.parametrize("before", ["a note", f"%%qwen {JOB}\nhello"])
def test_a_cell_that_changed_its_kind_does_not_carry_the_old_dots(before: str) -> None:
    """They are covered by every context, and the new cell would look deleted long ago."""
    old = only(read_part(notebook(code(before, id="abc"))))
    if old.kind is CellKind.NOTE:
        raw = codec.note_cell(old.raw, "abc", old.position, {"w": 1}, 0).raw
        changed = {**raw, "source": "%%qwen\na note"}
    else:
        changed = {**prompt_cell.write_job(old.job, {"w": 1}), "source": "hello, just a note"}
    cell = only(read_part(notebook(changed, context={"w": 1})))
    assert cell.kind is not old.kind
    assert all(writer.startswith("~") for writer in cell.dots)


@pytest.mark.parametrize("position", ["-", "---", "", "Ü", 5, None, "A-"])
def test_a_position_that_leaves_no_room_is_not_taken_over(position: object) -> None:
    stamp = {"bridge": {"id": "n", "position": position}}
    part = read_part(notebook(code("first", id="f"), code("x", metadata=stamp, id="n")))
    assert [cell.id for cell in part.in_order()] == ["f", "n"]


def test_an_option_given_as_a_whole_number_is_not_an_edit_when_it_is_read_back() -> None:
    job = only(read_part(notebook(code(f"%%qwen {JOB}\nhello")))).job
    job = job.evolve(spec=prompt_cell.Spec(body="hello", options=Options(temperature=1), position=JOB))
    read = only(read_part(notebook(prompt_cell.write_job(job, {"w": 1}))))
    assert not read.touched


def test_a_cell_of_markdown_that_shows_the_magic_is_a_note() -> None:
    assert (
        only(read_part(notebook({"cell_type": "markdown", "metadata": {}, "source": "%%qwen x"}))).kind is CellKind.NOTE
    )


def test_a_new_queue_is_valid_nbformat_and_reads_back() -> None:
    made = template.queue_notebook("q1", examples=True)
    nbformat.validate(nbformat.from_dict(made))
    part = read_part(json_bytes.loads(template.notebook_bytes(made)))
    assert sum(cell.kind is CellKind.JOB for cell in part.cells.values()) == 3
    assert codec.write_part(part) == made


def test_the_kernel_and_the_queue_adopt_a_typed_cell_under_one_id() -> None:
    typed = notebook(code("%%qwen --lang go --stop '\"}\"'\nWrite a poem.\n\n", id="4_qQv72S8s5o"))
    [known] = read_cells(typed)
    assert list(read_part(typed).cells) == [known.job]


@pytest.mark.parametrize(
    "strange",
    [
        {"cell_type": "heading"},  # a cell type of nbformat 3
        "text",  # no object
        code(5),  # a source that is no text
        {"cell_type": ["code"], "source": "x"},  # a type that is none
    ],
)
def test_a_cell_that_is_none_is_kept_as_text_and_spoils_no_other(strange: object) -> None:
    part = codec.read_part(notebook(code("%%qwen\nwell"), strange))
    assert sorted(cell.kind.value for cell in part.cells.values()) == ["job", "note"]
    note = next(cell for cell in part.cells.values() if cell.kind is CellKind.NOTE)
    assert json_bytes.loads(note.raw["source"].encode()) == strange
