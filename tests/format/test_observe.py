"""What a save stripped is restored from memory, and a stale copy is told from a fresh edit."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.core.job import Job, Spec
from bridge.format import codec, json_bytes, merge
from bridge.format.codec import Part, read_part
from bridge.format.observe import KnownState, observe, unadopted
from tests.support.colab import Save, colab_save

A, B, C = ("01JD3K6S7M2W8Q5V4T9R0XYZA" + letter for letter in "ABC")
STRIPPED = Save(stripped=True, annotated=False)


def known() -> Part:
    """Three jobs; the second has a key, so its id does not say where it stands. Each was edited four times."""
    jobs = [
        Job(id=job, edit=4, spec=Spec(body=f"prompt {job[-1]}\n", position=place, key=key, caller="me"))
        for job, place, key in ((A, A, None), ("5" + B[1:], B, "k"), (C, C, None))
    ]
    cells = {job.id: merge.job_cell(job, {"w1": n}) for n, job in enumerate(jobs, 1)}
    raw = {"cell_type": "markdown", "metadata": {}, "source": "a note"}
    cells["note-1"] = codec.note_cell(raw, "note-1", "-A", {"w1": 4}, 2)
    return Part(queue_id="q1", context={"w1": 4}, cells=cells)


def as_json(part: Part, save: Save = STRIPPED) -> dict[str, Any]:
    saved: dict[str, Any] = json_bytes.loads(colab_save(json_bytes.dumps(codec.write_part(part)), save))
    return saved


def memory(part: Part, **more: Any) -> KnownState:
    cells = part.cells
    history = {i: {c.digest: c.job.edit if c.kind.value == "job" else c.note_edit} for i, c in cells.items()}
    return KnownState(part=part, history=lambda cell: history.get(cell, {}) | more.get("history", {}).get(cell, {}))


@pytest.mark.parametrize("minor", [5, 0])
def test_stripped_cells_get_back_their_dots_edits_and_birth(minor: int) -> None:
    part = known()
    seen = observe(read_part(as_json(part, Save(stripped=True, minor=minor))), memory(part))
    for element in (A, "5" + B[1:], C):
        assert seen.cells[element].job == part.cells[element].job
        assert seen.cells[element].dots == part.cells[element].dots
    assert minor == 0 or (seen.cells["note-1"].dots, seen.cells["note-1"].note_edit) == ({"w1": 4}, 2)


def test_a_fresh_edit_of_a_stripped_cell_is_the_newest() -> None:
    part = known()
    saved = as_json(part)
    saved["cells"][1]["source"] = [*saved["cells"][1]["source"][:1], "something else"]
    job = observe(read_part(saved), memory(part)).cells[A].job
    assert (job.spec.body, job.edit) == ("something else", 5)
    assert job.spec.caller == "me", "an edit does not change who asked"


def test_content_that_was_seen_before_is_that_older_edit_again() -> None:
    part = known()
    saved = as_json(part)
    saved["cells"][1]["source"] = [*saved["cells"][1]["source"][:1], "as it once was"]
    once = read_part(saved).cells[A].digest
    seen = observe(read_part(saved), memory(part, history={A: {once: 1}}))
    assert seen.cells[A].job.edit == 1
    assert merge.merge(part, seen).cells[A].job.spec.body == "prompt A\n"


def test_a_stale_copy_with_its_stamp_is_taken_at_its_word() -> None:
    old = known()
    newer = merge.job_cell(old.cells[A].job.evolve(edit=9, spec=Spec(body="newer", position=A)), {"w1": 1})
    now = Part(queue_id="q1", context={"w1": 4}, cells={**old.cells, A: newer})
    seen = observe(read_part(as_json(old, Save())), memory(now))
    assert merge.merge(now, seen).cells[A].job.spec.body == "newer"


def test_a_cell_that_was_moved_stays_where_it_was_put() -> None:
    part = known()
    for save in (Save(), STRIPPED):
        saved = as_json(part, save)
        saved["cells"].insert(1, saved["cells"].pop())
        seen = observe(read_part(saved), memory(part))
        assert [c.id for c in merge.merge(part, seen).in_order()] == ["note-1", C, A, "5" + B[1:]]


def test_a_stale_copy_in_which_a_cell_was_moved_does_not_bring_back_its_old_prompt() -> None:
    old = known()
    saved = as_json(old, Save())
    saved["cells"].insert(1, saved["cells"].pop())
    newer = merge.job_cell(old.cells[C].job.evolve(edit=9, spec=Spec(body="newer", position=C)), {"w1": 3})
    now = Part(queue_id="q1", context={"w1": 4}, cells={**old.cells, C: newer})
    seen = observe(read_part(saved), memory(now, history={C: {old.cells[C].digest: 4}}))
    merged = merge.merge(now, seen)
    assert merged.cells[C].job.spec.body == "newer"
    assert [c.id for c in merged.in_order()][1] == C, "but it stays where it was put"


def test_an_adopted_cell_is_known_by_the_id_that_its_editor_gave_it() -> None:
    part = known()
    typed = {"cell_type": "code", "id": "colab1", "metadata": {}, "outputs": [], "source": ["%%qwen\n", "prompt A!"]}
    notebook = {**as_json(part), "cells": [typed]}
    plain = observe(read_part(notebook), memory(part))
    assert len(unadopted(plain)) == 1, "without an alias it is a new job"
    alias = KnownState(part=part, history=memory(part).history, aliases={"colab1": A})
    job = observe(read_part(notebook), alias).cells[A].job
    assert (job.spec.body, job.edit) == ("prompt A!", 5)


def test_a_stranger_waits_to_be_adopted_and_cannot_look_deleted() -> None:
    part = known()
    notebook = as_json(part)
    notebook["cells"].append({"cell_type": "code", "metadata": {}, "outputs": [], "source": "%%qwen\nnew"})
    seen = observe(read_part(notebook), memory(part))
    [stranger] = unadopted(seen)
    assert stranger.job.spec.body == "new"
    assert stranger.id in merge.merge(part, seen).cells


def test_a_stripped_copy_of_what_was_archived_has_its_dots_and_is_gone() -> None:
    part = known()
    rest = Part(queue_id="q1", context=part.context, cells={i: c for i, c in part.cells.items() if i != A})
    seen = observe(read_part(as_json(part)), KnownState(part=rest, gone={A: {"w1": 1}}))
    assert A not in merge.merge(rest, seen).cells


def test_a_note_that_became_a_prompt_is_a_new_job() -> None:
    part = known()
    notebook = as_json(part, Save())
    note = notebook["cells"][0]
    note |= {"cell_type": "code", "outputs": [], "source": ["%%qwen\n", "a note"]}
    seen = observe(read_part(notebook), memory(part))
    merged = merge.merge(part, seen)
    assert "a note" in {c.job.spec.body for c in merged.cells.values() if c.kind.value == "job"}
