"""One bad value in a notebook costs one job, never a command."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.security.mutations import attack, make_base

NOTEBOOK = Path("notebooks/qwen_bridge.ipynb")
DEEP = "[" * 5000 + "]" * 5000
LEASE = {"worker": "w", "attempt": 1, "expires_at": "2026-01-01T00:00:00Z"}

#: (name of a value in a job's metadata, what stands there, what the reason names)
VALUES = [
    ("created_at", "0001-01-01T00:00:00+23:59", "created_at"),  # before the calendar, in UTC
    ("created_at", "9999-12-31T23:59:59-23:59", "created_at"),  # after it
    ("created_at", ["2026"], "created_at"),  # a list where a string belongs
    ("key", "\ud800", "key"),  # a lone surrogate, which UTF-8 cannot hold
    ("caller", "\ud800", "caller"),
    ("caller", ["me"], "caller"),
    ("key", "k" * 1_000_000, "key"),  # too long
    ("parent", "../x", "parent"),  # no job id
    ("round", 10**400, "round"),  # a number that no float holds
    ("edit", 2**63, "edit"),  # more than SQLite holds
    ("edit", True, "edit"),  # no number
    ("lease", {**LEASE, "attempt": 2**63}, "lease.attempt"),
    ("lease", {**LEASE, "expires_at": "0001-01-01T00:00:00+23:59"}, "lease.expires_at"),
    ("lease", {**LEASE, "worker": "\ud800"}, "lease.worker"),
    ("attempts", [{"attempt": 2**63}], "attempts[0].attempt"),
    ("attempts", "many", "attempts"),
    ("cancelled", {"at": 5}, "cancelled.at"),
    ("floor", float("inf"), "floor"),
    ("outcome", DEEP, "outcome"),  # JSON 5,000 deep
]


def write(path: Path, notebook: Any) -> None:
    """A notebook as an attacker writes it: `DEEP` is put in as the JSON that it is."""
    path.write_text(json.dumps(notebook, indent=1).replace(f'"{DEEP}"', DEEP))


def job_cell(notebook: Any, job: str) -> Any:
    return next(cell for cell in notebook["cells"] if cell["id"] == job)


@pytest.fixture
def two(queue: Run) -> tuple[Run, str, str]:
    """A queue with two jobs, of which the first is going to be spoiled."""
    spoiled, whole = (queue("add", text).ids[0] for text in ("spoiled", "whole"))
    return queue, spoiled, whole


@pytest.mark.parametrize(("name", "value", "reason"), VALUES, ids=[f"{n}-{str(v)[:20]}" for n, v, _ in VALUES])
def test_a_bad_value_breaks_its_job_and_no_command(
    two: tuple[Run, str, str], name: str, value: Any, reason: str, own_surroundings: Path
) -> None:
    bridge, spoiled, whole = two
    notebook = json.loads(NOTEBOOK.read_text())
    job_cell(notebook, spoiled)["metadata"]["bridge"][name] = value
    write(NOTEBOOK, notebook)
    forget_all(own_surroundings)
    for command in (["status"], ["list"], ["show", spoiled], ["work", "--engine", "scripted"], ["watch", "--once"]):
        assert bridge(*command).code in (0, 1), command
    lines = {line["id"]: line for line in bridge("list", "--json").json["jobs"]}
    assert lines[spoiled]["state"] == "broken"
    assert reason in lines[spoiled]["problem"]
    assert lines[whole]["state"] in ("checked", "delivered", "succeeded")
    text = NOTEBOOK.read_text()
    kept = DEEP if value == DEEP else json.dumps(value)
    assert kept.replace(" ", "") in "".join(text.split()), "the cell comes back as it was"


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, v, _ in VALUES[::3]])
def test_what_the_journal_knows_stands_against_a_bad_value(two: tuple[Run, str, str], name: str, value: Any) -> None:
    bridge, spoiled, _ = two
    notebook = json.loads(NOTEBOOK.read_text())
    job_cell(notebook, spoiled)["metadata"]["bridge"][name] = value
    write(NOTEBOOK, notebook)
    assert bridge("work", "--engine", "scripted").code == 0
    assert {line["state"] for line in bridge("list", "--json").json["jobs"]} == {"succeeded"}


def test_a_broken_job_is_written_anew_by_cancel_and_retry(two: tuple[Run, str, str], own_surroundings: Path) -> None:
    bridge, spoiled, _ = two
    notebook = json.loads(NOTEBOOK.read_text())
    job_cell(notebook, spoiled)["metadata"]["bridge"]["round"] = "x"
    write(NOTEBOOK, notebook)
    forget_all(own_surroundings)
    assert bridge("cancel", spoiled).code == 0
    assert bridge("retry", spoiled).code == 0
    assert bridge("work", "--engine", "scripted").code == 0
    assert {line["state"] for line in bridge("list", "--json").json["jobs"]} == {"succeeded"}


@pytest.mark.parametrize(
    "spoil",
    [
        {"job": "01JD3K6S7M2W8Q5V4T9R0XYZAB"},  # a record of another job
        {"attempt": 2**63},
        {"model": "\ud800"},
        {"model": ["m"]},
        {"usage": {"completion_tokens": 10**400}},
        {"timing_s": {"total": float("inf")}},
        {"finished_at": "0001-01-01T00:00:00+23:59"},
        {"error": DEEP},
    ],
    ids=lambda spoil: next(iter(spoil)),
)
def test_a_record_that_cannot_be_is_no_result(
    two: tuple[Run, str, str], spoil: dict[str, Any], own_surroundings: Path
) -> None:
    bridge, spoiled, whole = two
    bridge("work", "--engine", "scripted")
    notebook = json.loads(NOTEBOOK.read_text())
    data = job_cell(notebook, spoiled)["outputs"][0]["data"]
    del data["text/markdown"]  # the display form, which would still say it
    for lines in data.values():
        record = json.loads(lines[0][lines[0].index("{") : lines[0].rindex("}") + 1]) | spoil
        lines[0] = f"<!-- bridge-result {json.dumps(record).replace(json.dumps(DEEP), DEEP)} -->\n"
    write(NOTEBOOK, notebook)
    forget_all(own_surroundings)
    assert bridge("status").code == 0
    lines = {line["id"]: line for line in bridge("list", "--json").json["jobs"]}
    assert lines[spoiled]["state"] in ("queued", "running")  # its lease is still there
    assert lines[whole]["state"] == "succeeded"
    assert "record" in lines[spoiled]["problem"] or "attempt" in lines[spoiled]["problem"]


def test_a_job_that_calls_itself_a_repair_round_is_checked(two: tuple[Run, str, str], own_surroundings: Path) -> None:
    bridge, spoiled, whole = two
    notebook = json.loads(NOTEBOOK.read_text())
    stamp = job_cell(notebook, spoiled)["metadata"]["bridge"]
    stamp |= {"parent": whole, "round": 1, "key": f"repair:{whole}:x:1"}
    write(NOTEBOOK, notebook)
    forget_all(own_surroundings)
    bridge("work", "--engine", "scripted")
    bridge("watch", "--once", "--no-repair")
    lines = {line["id"]: line for line in bridge("list", "--json").json["jobs"]}
    assert lines[spoiled]["verdict"] is not None


def test_random_mutations_kill_no_command_and_touch_no_other_job(tmp_path: Path) -> None:
    tally = attack(make_base(tmp_path / "base", jobs=5), mutations=80, rng=random.Random(20261121), commands=2)
    assert not tally.faults
    assert tally.slowest_s < 10


def forget_all(state: Path) -> None:
    """The journal is gone, as on another machine."""
    shutil.rmtree(state)
    state.mkdir()
