"""Merging has a short way for the usual change, an answer more: it must say what the long way says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.job import Job, Options, Result, ResultStatus, Spec, job_id
from bridge.format import codec, merge
from bridge.kernel import grammar

BORN = datetime(2026, 1, 1, tzinfo=UTC)
ID = job_id(BORN, 1)
ASKED = Job(id=ID, spec=Spec(body="Write f", position=ID, created_at=BORN, options=Options(lang="python"), caller="a"))


def result(attempt: int = 1, body: str = "Write f") -> Result:
    return Result(
        job=ID,
        attempt=attempt,
        status=ResultStatus.SUCCEEDED,
        finished_at=BORN,
        prompt_sha256=grammar.prompt_sha256(body),
        worker={"id": f"w{attempt}"},
        answer=f"answer {attempt}",
    )


def raw(job: Job) -> dict[str, Any]:
    return copy.deepcopy(dict(merge.job_cell(job, {"wa": 1}).raw))


def part(cell: dict[str, Any]) -> codec.Part:
    notebook = codec.write_part(codec.Part(queue_id="q", context={"wa": 1}))
    return codec.read_part({**notebook, "cells": [copy.deepcopy(cell)]})


def edited(cell: dict[str, Any]) -> None:
    cell["source"][-1] = "Write g"


def markdown_cut(cell: dict[str, Any]) -> None:
    data = cell["outputs"][0]["data"]
    data["text/markdown"] = data["text/markdown"][:-1]


def plain_cut(cell: dict[str, Any]) -> None:
    data = cell["outputs"][0]["data"]
    data["text/plain"] = data["text/plain"][:-1]


def stripped(cell: dict[str, Any]) -> None:
    cell["metadata"] = {}


def hidden(cell: dict[str, Any]) -> None:
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["Output hidden"]}]


def with_a_print(cell: dict[str, Any]) -> None:
    cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": ["printed"]})


CHANGES: list[tuple[str, Job, Callable[[dict[str, Any]], None] | None, bool]] = [
    ("an answer more", ASKED.evolve(results=(result(),)), None, True),
    ("and a print beside it", ASKED.evolve(results=(result(),)), with_a_print, True),
    ("an answer to another prompt", ASKED.evolve(results=(result(body="Write h"),)), None, False),
    ("an answer that does not count any more", ASKED.evolve(results=(result(),), attempt_floor=1), None, False),
    ("an answer, and the prompt was edited", ASKED.evolve(results=(result(),)), edited, False),
    ("an answer whose Markdown was cut", ASKED.evolve(results=(result(),)), markdown_cut, True),
    ("an answer whose plain text was cut", ASKED.evolve(results=(result(),)), plain_cut, False),
    ("an answer, and our metadata is gone", ASKED.evolve(results=(result(),)), stripped, False),
    ("a text that is no answer", ASKED.evolve(results=(result(),)), hidden, False),
    ("the better of two answers", ASKED.evolve(results=(result(), result(2))), None, False),
]


@pytest.mark.parametrize(("name", "job", "change", "short"), CHANGES, ids=[row[0] for row in CHANGES])
def test_the_short_way_says_what_the_long_way_says(
    monkeypatch: pytest.MonkeyPatch, name: str, job: Job, change: Callable[[dict[str, Any]], None] | None, short: bool
) -> None:
    after = raw(job)
    if change:
        change(after)
    a, b = part(raw(ASKED)), part(after)
    taken = [merge.with_the_answer(x.cells[ID], y.cells[ID]) is not None for x, y in ((a, b), (b, a))]
    assert taken == [short, short]
    quick = [merge.merge(part(raw(ASKED)), part(after)), merge.merge(part(after), part(raw(ASKED)))]
    monkeypatch.setattr(merge, "with_the_answer", lambda x, y: None)
    slow = merge.merge(part(raw(ASKED)), part(after))
    for merged in quick:
        assert merged.cells[ID].essence == slow.cells[ID].essence
        assert merged.cells[ID].dots == slow.cells[ID].dots
        assert merged.cells[ID].job == slow.cells[ID].job


def test_an_edit_that_nobody_has_stamped_goes_the_long_way() -> None:
    asked, answered = raw(ASKED), raw(ASKED.evolve(results=(result(),)))
    for cell in (asked, answered):
        edited(cell)
    answered["outputs"] = copy.deepcopy(
        raw(ASKED.evolve(spec=Spec(body="Write g", position=ID), results=(result(body="Write g"),)))["outputs"]
    )
    a, b = part(asked), part(answered)
    assert merge.with_the_answer(a.cells[ID], b.cells[ID]) is None
    merged = merge.merge(a, b).cells[ID]
    assert merged.job.edit == 1
    assert not merged.touched
