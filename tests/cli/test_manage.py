from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.cli.app import COMMANDS
from tests.cli.conftest import Run
from tests.support.answers import fail

ANSWER = "Here it is:\n\n```python\ndef f():\n    return 1\n```\n"


def state(bridge: Run, job: str) -> str:
    return bridge("show", job, "--json").json["state"]


@pytest.mark.parametrize(
    "name", sorted(COMMANDS.keys() - {"auth", "config", "engines", "models", "route", "service"})
)  # groups
def test_every_command_has_help_for_people_and_json_for_programs(bridge: Run, name: str):
    told = bridge(name, "--help")

    assert told.code == 0
    assert "--json" in told.out
    assert ("--queue" in told.out) == (
        name not in {"completion", "demo", "usage"}
    )  # which are about no queue that is there
    assert len(told.out.splitlines()[2].strip()) > 20  # a sentence


@pytest.mark.parametrize(
    "name",
    sorted(
        set(COMMANDS)
        - {
            "auth",
            "completion",
            "config",
            "demo",
            "doctor",
            "engines",
            "init",
            "models",
            "route",
            "serve",
            "service",
            "usage",
        }
    ),
)
def test_without_a_queue_every_command_says_how_to_make_one(bridge: Run, name: str):
    needed = {
        "apply": ["X"],
        "wait": ["X"],
        "show": ["X"],
        "answer": ["X"],
        "add": ["X"],
        "run": ["X"],
        "cancel": ["X"],
        "retry": ["X"],
        "export": [],
        "edit": ["X", "Y"],
        "forget": ["X", "--yes"],
        "purge": ["--older-than", "1d"],
    }
    failed = bridge(name, *needed.get(name, []), input="x")

    assert failed.code == 2
    assert "bridge init" in failed.err


def test_the_copy_and_paste_way_gives_a_result_like_any_other(queue: Run, tmp_path: Path):
    [job] = queue("add", "Write f", "--lang", "python").ids
    (tmp_path / "answer.md").write_text(ANSWER)

    queue("answer", job[:12], "-f", "answer.md", "--by", "me")

    facts = queue("show", job, "--json").json
    assert (facts["state"], facts["answer"], facts["worker"]) == ("succeeded", ANSWER, {"id": "me", "engine": "manual"})
    assert queue("show", job, "--answer").out == ANSWER
    assert queue("show", job, "--code").out == "def f():\n    return 1\n"
    again = queue("answer", job, "-f", "answer.md")
    assert again.code == 2
    assert "retry" in again.err


def test_an_answer_that_is_not_there_is_the_jobs_own_failure(queue: Run):
    [job] = queue("add", "Write f").ids

    assert queue("show", job, "--answer").code == 1


def test_ids_may_be_shortened_as_long_as_they_are_unambiguous(queue: Run):
    first, second = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n').ids

    common = next(first[:n] for n in range(26, 0, -1) if second.startswith(first[:n]))
    assert "matches 2 jobs" in queue("show", common).err
    assert queue("show", first.lower(), "--json").json["id"] == first
    assert "no job" in queue("show", "7ZZZ").err


def test_cancel_and_retry_by_id_and_by_filter(queue: Run):
    first, second = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b", "caller": "x"}\n').ids

    assert queue("cancel", first).ids == [first]
    assert queue("cancel", "--caller", "x").ids == [second]
    assert [state(queue, j) for j in (first, second)] == ["cancelled", "cancelled"]
    assert queue("cancel", first).code == 0  # twice changes nothing
    assert sorted(queue("retry", "--state", "cancelled").ids) == sorted([first, second])
    assert [state(queue, j) for j in (first, second)] == ["queued", "queued"]


def test_retry_of_what_failed_takes_failures_that_were_handed_over_too(queue: Run):
    first, second, open_ = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n{"prompt": "c"}\n').ids
    with Bridge() as bridge:
        fail(bridge, first, "out of memory")
        fail(bridge, second, "out of memory")
        bridge.wait([first])

    assert [state(queue, j) for j in (first, second, open_)] == ["failed", "failed", "queued"]
    listed = queue("list", "--state", "failed", "--json").json["jobs"]
    assert sorted(line["id"] for line in listed) == sorted([first, second])
    assert sorted(queue("retry", "--state", "failed").ids) == sorted([first, second])
    assert [state(queue, j) for j in (first, second)] == ["queued", "queued"]
    assert queue("retry", "--state", "failed").code == 0  # none is left


def test_what_makes_no_sense_is_refused_and_changes_nothing(queue: Run):
    open_, done = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n').ids
    queue("answer", done, input=ANSWER)

    for args, says in (
        (("cancel", done), "nothing left to cancel"),
        (("retry", open_), "waits for its answer"),
        (("archive", open_), "only finished jobs"),
        (("cancel", open_, done), "nothing left to cancel"),  # all or none
        (("cancel",), "ids or a filter"),
        (("answer", open_), "is empty"),
    ):
        refused = queue(*args, input="")
        assert refused.code == 2
        assert says in refused.err
    assert [state(queue, j) for j in (open_, done)] == ["queued", "succeeded"]


def test_archived_jobs_leave_the_notebook_and_stay_known(queue: Run, tmp_path: Path):
    [job] = queue("add", "a").ids
    queue("answer", job, input=ANSWER)

    assert queue("archive", job).ids == [job]

    assert job not in (tmp_path / "notebooks" / "qwen_bridge.ipynb").read_text()
    facts = queue("show", job, "--json").json
    assert (facts["state"], facts["answer"], facts["outcome"]["state"]) == ("archived", ANSWER, "succeeded")
    assert job in (tmp_path / "notebooks" / facts["archive"]).read_text()


def test_export_writes_openai_batch_output_and_error_lines(queue: Run, tmp_path: Path):
    done, cancelled, _ = queue(
        "add", "--jsonl", "-", input='{"prompt":"a","key":"k"}\n{"prompt":"b"}\n{"prompt":"c"}\n'
    ).ids
    queue("answer", done, input=ANSWER)
    queue("cancel", cancelled)

    told = queue("export", "--jsonl", "out.jsonl", "--errors", "err.jsonl", "--json")

    assert told.json == {"results": 1, "errors": 1, "open": 1}
    [result] = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert (result["custom_id"], result["response"]["status_code"], result["error"]) == ("k", 200, None)
    assert result["response"]["body"]["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}
    [error] = [json.loads(line) for line in (tmp_path / "err.jsonl").read_text().splitlines()]
    assert (error["custom_id"], error["response"], error["error"]["code"]) == (cancelled, None, "batch_cancelled")


def test_status_counts_every_job_once(queue: Run):
    jobs = queue("add", "--jsonl", "-", input='{"prompt":"a"}\n' * 5).ids
    queue("answer", jobs[0], input=ANSWER)
    queue("cancel", jobs[1])
    queue("archive", jobs[0])

    told = queue("status", "--json").json

    assert {s: n for s, n in told["counts"].items() if n} == {"queued": 3, "cancelled": 1, "archived": 1}
    assert told["oldest_queued_s"] >= 0


def test_a_cell_that_a_person_typed_is_reported_and_becomes_a_job(queue: Run, tmp_path: Path):
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    value = json.loads(notebook.read_bytes())
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "abc",
        "metadata": {},
        "outputs": [],
        "source": ["%%qwen\n", "Write g"],
    }
    value["cells"].append(cell)
    notebook.write_text(json.dumps(value))

    assert queue("status", "--json").json["new_cells"] == 1
    queue("add", "another")
    told = queue("status", "--json").json
    assert (told["new_cells"], told["counts"]["queued"]) == (0, 2)


def test_a_header_that_cannot_be_read_waits_to_be_mended_and_says_why(queue: Run, tmp_path: Path):
    [job] = queue("add", "Write g", "--lang", "go").ids
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    good = notebook.read_text()
    notebook.write_text(good.replace("--lang go", "--langg go"))

    assert state(queue, job) == "broken"
    told = queue("status", "--json").json
    assert "--langg" in told["problems"][0]["problem"]
    queue("add", "another")  # one broken cell does not stop the queue
    assert "--langg go" in notebook.read_text()  # and stays as it was typed
    notebook.write_text(notebook.read_text().replace("--langg go", "--lang go"))
    assert state(queue, job) == "queued"


def test_rebuild_writes_a_lost_notebook_from_the_journal(queue: Run, tmp_path: Path):
    [job] = queue("add", "keep me").ids
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    notebook.unlink()

    assert "bridge rebuild" in queue("status").err
    assert queue("rebuild", "--json").json["notebooks"] == ["qwen_bridge.ipynb"]
    assert queue("show", job, "--json").json["prompt"] == "keep me"


def test_rebuild_moves_a_damaged_notebook_aside_and_writes_it_again(queue: Run, tmp_path: Path):
    [job] = queue("add", "keep me").ids
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    notebook.write_text("{ half")

    queue("rebuild", "--notebooks")

    assert job in notebook.read_text()
    assert (tmp_path / "notebooks" / "damaged" / "qwen_bridge.ipynb").read_text() == "{ half"


def test_rebuild_makes_the_journal_from_the_notebooks(queue: Run, own_surroundings: Path):
    done, open_ = queue("add", "--jsonl", "-", input='{"prompt":"a"}\n{"prompt":"b"}\n').ids
    queue("answer", done, input=ANSWER)
    queue("archive", done)

    assert queue("rebuild", "--journal", "--json").json["jobs"] == 2

    assert (state(queue, done), state(queue, open_)) == ("archived", "queued")


def test_doctor_names_what_is_wrong_and_what_to_do(queue: Run, tmp_path: Path):
    good = {f["check"]: f for f in queue("doctor", "--json").json["findings"]}
    assert good["queue"]["grade"] == good["journal"]["grade"] == good["qwen_bridge.ipynb"]["grade"] == "ok"

    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    (tmp_path / "notebooks" / "qwen_bridge (1).ipynb").write_bytes(notebook.read_bytes())
    notebook.write_text('{"cells": [')
    told = queue("doctor", "--json")
    assert told.code == 3
    bad = {f["check"]: f for f in told.json["findings"]}
    assert "rebuild" in bad["qwen_bridge.ipynb"]["remedy"]
    assert bad["qwen_bridge (1).ipynb"]["grade"] == "warning"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not whole JSON"),
        ('{"cells": [], "metadata"', "not whole JSON"),  # half-written
        ("[1, 2]", "not a notebook"),
        ('{"nbformat": 3, "nbformat_minor": 0, "worksheets": [], "metadata": {}}', "nbformat 3.0"),
        ('{"nbformat": 4, "nbformat_minor": 9, "cells": [], "metadata": {}}', "nbformat 4.9"),
        ('{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {}}', "without `bridge` metadata"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"bridge": {"queue_id": "q", "schema": 7}}}',
            "schema 7",
        ),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {"bridge": {"queue_id": "../x", "schema": 1, "part": 1}}}',
            "queue_id that is none",
        ),
    ],
)
def test_a_file_that_is_no_queue_is_named_and_left_alone(bridge: Run, tmp_path: Path, content: str, says: str):
    (tmp_path / "q.ipynb").write_text(content)

    for args in (("add", "x"), ("status",), ("cancel", "x")):
        failed = bridge(*args, "--queue", "q.ipynb")
        assert failed.code == 3
        assert says in failed.err
    assert (tmp_path / "q.ipynb").read_text() == content


def test_a_queue_path_that_is_a_folder_is_named(bridge: Run, tmp_path: Path):
    failed = bridge("status", "--queue", str(tmp_path))

    assert failed.code == 3
    assert "is a folder" in failed.err


def test_errors_are_json_too(bridge: Run):
    failed = bridge("status", "--json")

    assert failed.json["error"]["kind"] == "QueueNotFound"
    assert failed.json["error"]["exit_code"] == failed.code == 2


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("queue = 3", "queue must be a text, not 3"),
        ("colour = 'red'", "unknown setting colour"),
        ("queue = ", "bridge.toml:1: cannot read"),
        ("write_mode = 'fast'", "write_mode"),
    ],
)
def test_a_wrong_setting_is_named(queue: Run, tmp_path: Path, toml: str, says: str):
    (tmp_path / "bridge.toml").write_text(toml)

    failed = queue("status")

    assert failed.code == 2
    assert says in failed.err
