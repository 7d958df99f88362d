"""The attack corpus: hostile values at each place of a notebook and of a record, and how many inputs there are in each class.

What must happen stands with each class. Those that need a command, a browser or a checker have tests of their own, named here.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from bridge.format import codec, json_bytes, result_record
from bridge.format.cell import CellKind
from bridge.kernel.cells import read_cells
from tests.fuzz.campaign import KEPT
from tests.intake import secret_examples
from tests.security.injections import injections
from tests.security.mutations import DEEP, HOSTILE
from tests.security.test_hostile_notebooks import VALUES
from tests.security.test_limits import PATHS

JOB, OTHER = "01JD3K6S7M2W8Q5V4T9R0XYZAB", "01JD3K6S7M2W8Q5V4T9R0XYZAC"
FIELDS = (
    "id", "dots", "edit", "sha", "position", "created_at", "key", "caller", "parent", "round", "floor", "cancelled", "lease", "attempts", "outcome",
    "lease.worker", "lease.attempt", "lease.expires_at", "cancelled.at", "cancelled.by", "cancelled.floor",
)  # fmt: skip
RECORD = (
    "schema", "job", "attempt", "status", "finish_reason", "model", "model_digest", "prompt_sha256", "finished_at", "usage", "timing_s", "worker",
    "error", "tool_calls", "usage.completion_tokens", "timing_s.total", "worker.id",
)  # fmt: skip
HEADERS = (
    "--lang", "--out", "--model", "--max-tokens", "--temperature", "--top-p", "--seed", "--stop", "--priority", "--floor", "--chat=", "--nosuch",
)  # fmt: skip


def _as_json(value: object) -> bytes:
    return json.dumps(value).replace(json.dumps(DEEP), "[" * 5000 + "]" * 5000).encode()


def _cell(job: str, **stamp: Any) -> dict[str, Any]:
    source = [f"%%qwen {job}\n", "Write f."]
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": job,
        "metadata": {"bridge": {"id": job, **stamp}},
        "outputs": [],
        "source": source,
    }


def _notebook(*cells: object) -> dict[str, Any]:
    stamp = {"schema": 1, "queue_id": "q", "part": 1, "context": {"w": 5}}
    return {"cells": list(cells), "metadata": {"bridge": stamp}, "nbformat": 4, "nbformat_minor": 5}


def _put(into: dict[str, Any], place: str, value: object) -> None:
    *above, name = place.split(".")
    for part in above:
        into = into.setdefault(
            part, {"worker": "w", "attempt": 1, "expires_at": "2026-01-01T00:00:00Z"} if part == "lease" else {}
        )
    into[name] = value


@pytest.mark.parametrize("place", FIELDS)
def test_a_hostile_value_in_a_cells_metadata_costs_that_job_at_most(place: str) -> None:
    for value in HOSTILE:
        spoiled = _cell(JOB)
        _put(spoiled["metadata"]["bridge"], place, copy.deepcopy(value))
        data = _as_json(_notebook(spoiled, _cell(OTHER)))
        part = codec.read_part(json_bytes.loads(data))
        jobs = {cell.id: cell.job for cell in part.cells.values() if cell.kind is CellKind.JOB}
        assert jobs[OTHER].spec.unreadable is None
        assert jobs[OTHER].spec.body == "Write f."
        assert len(jobs) == 2, "a job is broken, but none is lost"
        again = codec.read_part(json_bytes.loads(codec.dump_part(part)))
        assert again.cells.keys() == part.cells.keys()


@pytest.mark.parametrize("place", RECORD)
def test_a_hostile_value_in_a_record_makes_no_result_or_one_with_values_of_their_types(place: str) -> None:
    for value in HOSTILE:
        record = {"schema": 1, "job": JOB, "attempt": 1, "status": "succeeded", "worker": {"id": "w"}, "finished_at": "2026-01-01T00:00:00Z",
                  "answer_chars": 1, "answer_sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}  # fmt: skip
        _put(record, place, copy.deepcopy(value))
        line = _as_json(record).decode().replace(">", "\\u003e")
        text = f"<!-- bridge-result {line} -->\nx"
        cell = {
            **_cell(JOB),
            "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/plain": text}}],
        }
        found, problems = result_record.read_results(cell, JOB)
        assert len(found) + len(problems) == 1
        for result in found:
            json.dumps(result_record.record_of(result), allow_nan=False).encode()
        read_cells(_notebook(cell, _cell(OTHER)))


@pytest.mark.parametrize("flag", HEADERS)
def test_a_hostile_value_in_a_header_breaks_that_job_or_is_read(flag: str) -> None:
    for value in HOSTILE:
        word = value if isinstance(value, str) else str(value)
        for text in (f"{flag} {word}", f"{flag} '{word}'", f"{flag}={word}", f"{flag} {word} {flag} {word}"):
            cell = {**_cell(JOB), "source": f"%%qwen {JOB} {text[:60_000]}\nWrite f."}
            part = codec.read_part(json_bytes.loads(_as_json(_notebook(cell, _cell(OTHER)))))
            jobs = {found.id: found.job for found in part.cells.values() if found.kind is CellKind.JOB}
            assert jobs[OTHER].spec.unreadable is None
            assert {JOB, OTHER} <= jobs.keys()


#: {class: (inputs, where they run and what must happen)}
CLASSES = {
    "script and loads in an answer": (len(injections()), "test_display_in_a_browser: nothing runs, no request leaves"),
    "values in a cell's metadata": (
        len(FIELDS) * len(HOSTILE) + len(VALUES),
        "here and test_hostile_notebooks: one job is broken",
    ),
    "values in a result's record": (len(RECORD) * len(HOSTILE), "here: no result, or one with sound values"),
    "values in a header": (len(HEADERS) * len(HOSTILE) * 4, "here: one job is broken"),
    "paths": (
        len(PATHS),
        "test_limits, tests/intake/test_doors, tests/delivery/test_apply: refused, nothing is written",
    ),
    "secrets in prompts": (
        len(secret_examples.GITLEAKS) + len(secret_examples.MORE),
        "tests/intake/test_secret_scan: found before anything is stored",
    ),
    "inputs that fuzzing found": (
        sum(1 for path in KEPT.rglob("*") if path.is_file()),
        "tests/fuzz: no crash, no hang",
    ),
}


def test_the_corpus_has_more_than_a_thousand_inputs() -> None:
    assert sum(count for count, _ in CLASSES.values()) >= 1_000
    assert all(count for count, _ in CLASSES.values())
