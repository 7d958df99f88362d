"""`bridge list` and `bridge show` as people see them, and the names by which jobs can be called."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.core.job import NewJob
from tests.cli.conftest import Run

GOOD = "```python\ndef f():\n    return 1\n```\n"
BROKEN = "```python\ndef f():\n    return undefined_name\n```\n"
BATCH = '{"prompt": "Write a function that adds two numbers and returns them as a list of strings, sorted", "key": "nightly-1"}\n{"prompt": "Write g"}\n'


def test_a_job_can_be_called_by_its_id_its_start_its_end_or_its_key(queue: Run) -> None:
    first, second = queue("add", "--jsonl", "-", input=BATCH).ids

    for name in (first, first.lower(), "nightly-1", first[-6:], first[:-1]):
        assert queue("show", name, "--json").json["id"] == first, name
    assert queue("show", second[-5:], "--json").json["id"] == second
    assert queue("cancel", "nightly-1").ids == [first]
    assert "no job has the id or key 'nightly-7'" in queue("show", "nightly-7").err


def test_a_batch_has_a_name_to_list_wait_retry_and_apply_by(queue: Run, tmp_path: Path) -> None:
    mine = queue("add", "--jsonl", "-", "--batch", "nightly", "--out", "x.py", input='{"prompt": "a"}\n').ids
    other = queue("add", "b").ids
    for job in (*mine, *other):
        queue("answer", job, input=GOOD)

    assert [line["id"] for line in queue("list", "--batch", "nightly", "--json").json["jobs"]] == mine
    assert [line["batch"] for line in queue("list", "--json").json["jobs"]] == ["nightly", None]
    assert queue("wait", "--batch", "nightly").code == 0
    assert [job["job"] for job in queue("apply", "--batch", "nightly", "--json").json["jobs"]] == mine
    assert (tmp_path / "x.py").read_text() == "def f():\n    return 1\n"
    assert queue("retry", "--batch", "nightly").ids == mine
    assert queue("status", "--json").json["counts"]["queued"] == 1


def test_the_name_of_a_batch_stands_in_the_notebook_and_survives_a_new_journal(queue: Run) -> None:
    mine = queue("add", "a", "--batch", "nightly").ids

    queue("rebuild", "--journal")

    assert [line["id"] for line in queue("list", "--batch", "nightly", "--json").json["jobs"]] == mine


def test_a_round_of_repair_stands_below_its_job_and_has_its_state(queue: Run) -> None:
    first, second = queue("add", "--jsonl", "-", "--lang", "python", input=BATCH).ids
    queue("answer", first, input=BROKEN)
    queue("watch", "--once", "--no-archive", "--max-rounds", "1")
    [repair] = [line["id"] for line in queue("list", "--json").json["jobs"] if line["parent"]]
    assert [line["id"] for line in queue("list", "--json").json["jobs"]] == [first, repair, second]

    queue("answer", repair, input=GOOD)
    queue("watch", "--once", "--no-archive", "--max-rounds", "1")

    listed = {line["id"]: line["state"] for line in queue("list", "--json").json["jobs"]}
    assert listed[first] == listed[repair] == "checked"
    assert queue("wait", first).code == 0
    assert queue("list", "--state", "succeeded", "--json").json["jobs"] == []


def test_piped_a_list_has_whole_ids_states_keys_and_the_first_words(queue: Run) -> None:
    first, _ = queue("add", "--jsonl", "-", input=BATCH).ids

    head, row, _ = queue("list").out.splitlines()

    assert head.split("\t") == ["id", "state", "verdict", "key", "age", "prompt"]
    assert row.split("\t")[:4] == [first, "queued", "", "nightly-1"]
    assert row.split("\t")[5].startswith("Write a function that adds two numbers")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_of_80_columns_each_job_is_one_line_with_a_short_id(queue: Run, tmp_path: Path) -> None:
    from tests.support.terminal import running  # needs termios

    first, _ = queue("add", "--jsonl", "-", input=BATCH).ids

    with running("list", cwd=tmp_path, width=80) as terminal:
        assert terminal.ended() == 0
        lines = terminal.lines()

    assert len(lines) == 3
    assert all(len(line) <= 80 for line in lines)
    short, *_ = lines[1].split()
    assert first.endswith(short)
    assert len(short) < 10
    assert "nightly-1" in lines[1]
    assert "Write a function that adds" in lines[1]


def test_show_begins_with_what_went_wrong_and_the_answer(queue: Run) -> None:
    [job] = queue("add", "Write the function f", "--lang", "python", "--key", "k").ids
    queue("answer", job, input=BROKEN)
    queue("watch", "--once", "--no-archive", "--no-repair")

    told = queue("show", job).out.splitlines()

    assert told[0] == f"{job} checked errors key k"
    assert "undefined_name" in told[1]
    assert ":2:" in told[1]
    assert "```python" in told
    assert "Write the function f" not in "\n".join(told)
    assert "Write the function f" in queue("show", job, "--facts").out
    assert queue("show", job, "--prompt").out.strip() == "Write the function f"


def test_a_thousand_jobs_are_listed_without_reading_them_one_by_one(queue: Run) -> None:
    with Bridge() as bridge:
        bridge.add_many([NewJob(body=f"Write function number {n}") for n in range(1000)])

    rows = queue("list").out.splitlines()[1:]

    assert [row.split("\t")[5] for row in rows] == [f"Write function number {n}" for n in range(1000)]
