"""queue_schema.json and the code say the same: what is written validates, and what validates is read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import nbformat
import pytest
from jsonschema import Draft202012Validator

from bridge.core.job import Attempt, Cancellation, Job, Lease, Options, Result, ResultStatus, Spec, State
from bridge.format import codec, merge, prompt_cell, schema, template
from bridge.format.cell import CellKind
from bridge.format.other_metadata import OtherMetadata
from bridge.kernel import grammar
from tests.support.shipped import shipped

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ID = "01JD3K6S7M2W8Q5V4T9R0XYZAB"


def full_job(*, failed: bool = False) -> Job:
    """A job with every field set."""
    body = "Write it"
    result = Result(
        job=ID, attempt=3, status=ResultStatus.FAILED if failed else ResultStatus.SUCCEEDED, finished_at=NOW,
        prompt_sha256=grammar.prompt_sha256(body), worker={"id": "w", "engine": "ollama", "engine_version": "0.33.0"},
        answer="" if failed else "Here", finish_reason="stop", model="m", model_digest="sha256:ab",
        usage={"prompt_tokens": 1, "completion_tokens": 2}, timing_s={"total": 0.5, "answer": 0.25},
        error={"kind": "engine_down", "message": "gone"} if failed else None,
    )  # fmt: skip
    attempt = Attempt(
        attempt=2, worker="v", status=ResultStatus.FAILED, finished_at=NOW, answer_sha256="0" * 64, error="e", late=True
    )
    return Job(
        id=ID,
        spec=Spec(
            body=body, position="V", created_at=NOW, key="k", caller="c", batch="b", endpoint="/v1/completions", parent=ID, round=1,
            options=Options(lang="go", out="a.go", model="m", max_tokens=5, temperature=0.5, top_p=0.9, seed=1, stop=("x",), priority=2),
        ),
        edit=1, attempt_floor=1, cancelled=Cancellation(attempt_floor=1, at=NOW, by="me"),
        lease=Lease(worker="v", attempt=9, expires_at=NOW, released=True), attempts=(attempt,), results=(result,),
        outcome={"archived_at": "2026-11-21T09:30:00.000Z", "state": "succeeded"},
    )  # fmt: skip


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": schema.queue_schema()["$defs"]})


def test_the_schema_is_one_and_its_examples_are_valid():
    whole = schema.queue_schema()

    Draft202012Validator.check_schema(whole)
    assert whole["$id"]
    for name, definition in whole["$defs"].items():
        assert "title" in definition, name
        for example in definition.get("examples", []):
            if isinstance(example, dict):
                validator(name).validate(example)
                Draft202012Validator(whole).validate(example)


@pytest.mark.parametrize("failed", [False, True])
def test_everything_that_the_code_writes_is_described(failed: bool):
    raw = prompt_cell.write_job(full_job(failed=failed), {"w1": 7})

    validator("job").validate(raw["metadata"]["bridge"])
    record, _ = grammar.parse_result("".join(raw["outputs"][0]["data"]["text/plain"]))
    validator("result").validate(record)


def test_every_field_of_the_schema_is_written_by_the_code():
    """A field that is described but never written would be a lie the other way round."""
    other = OtherMetadata(values={"tags": ["mine"]}, edit=1)
    written = prompt_cell.write_job(full_job(), {"w1": 7}, other)["metadata"]["bridge"]
    described = schema.queue_schema()["$defs"]["job"]["properties"]

    assert written.keys() == described.keys()
    attempt = next(a for a in written["attempts"] if a["attempt"] == 2)
    assert attempt.keys() == schema.queue_schema()["$defs"]["attempt"]["properties"].keys()


def test_what_the_schema_describes_is_read_back():
    job = full_job()
    raw = prompt_cell.write_job(job, {"w1": 7})

    assert prompt_cell.read_job(raw, ID, "V") == job


def test_statuses_and_ids_agree():
    statuses = schema.queue_schema()["$defs"]["status"]["enum"]

    assert statuses == [status.value for status in ResultStatus]
    assert set(statuses) <= {state.value for state in State}
    assert grammar.JOB_ID.pattern == schema.JOB_ID.pattern
    assert schema.queue_schema()["$defs"]["job"]["properties"]["id"]["pattern"] == f"^{grammar.JOB_ID.pattern}$"


def test_a_whole_notebook_validates_and_a_damaged_one_is_named():
    part = codec.read_part(template.queue_notebook("q-1", examples=True))
    cells = {**part.cells, ID: merge.job_cell(full_job(), {"w1": 7})}
    notebook = codec.write_part(codec.Part(queue_id="q-1", context={"w1": 7}, cells=cells, metadata=part.metadata))

    assert schema.problems(notebook) == []
    notebook["cells"][-1]["metadata"]["bridge"]["edit"] = -1
    assert re.search(r"cell \d: edit", schema.problems(notebook)[0])
    notebook["metadata"]["bridge"].pop("queue_id")
    assert "notebook metadata" in schema.problems(notebook)[0]


def test_the_shipped_notebooks_are_what_the_template_makes_and_open_without_errors():
    for file, made in shipped().items():
        assert file.read_bytes() == made, "run python -m tests.support.shipped"
        nbformat.validate(json.loads(made))


def test_the_shipped_queue_holds_three_jobs_that_can_be_run():
    [queue] = [data for file, data in shipped().items() if file.name == "qwen_bridge.ipynb"]

    jobs = [c.job for c in codec.read_part(json.loads(queue)).in_order() if c.kind is CellKind.JOB]

    assert [j.spec.options.out for j in jobs] == [
        "src/lib/email.ts",
        "src/app/notes/actions.ts",
        "src/webhooks/paystack.ts",
    ]
    assert all(j.spec.broken is None and j.spec.options.lang == "typescript" for j in jobs)
