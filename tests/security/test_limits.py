"""What has no end, or is too much, at each way in: refused with a sentence, in bounded memory, and nothing is changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bridge import Bridge, NewJob, State
from bridge.core.errors import AnswerRefused, PromptRefused
from bridge.core.options import LONGEST_ANSWER
from tests.cli.conftest import Run
from tests.support.peak import peak_of

NOTEBOOK = Path("notebooks/qwen_bridge.ipynb")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x" * (LONGEST_ANSWER + 1), "1,000,001 characters, 1,000,000 are the limit"),
        ("x" * 50_000_000, "more than 16,000,000 bytes"),  # it is not even read to its end
        (" \n", "is empty"),
    ],
    ids=["a character too many", "50 MB", "nothing"],
)
def test_an_answer_that_no_notebook_can_hold_is_refused(queue: Run, text: str, why: str) -> None:
    job = queue("add", "a prompt").ids[0]
    before = NOTEBOOK.read_bytes()
    ran = queue("answer", job, input=text)
    assert ran.code == 2
    assert why in ran.err
    assert len(ran.err.splitlines()) == 1
    assert NOTEBOOK.read_bytes() == before


def test_the_longest_answer_is_taken_whole(queue: Run) -> None:
    job = queue("add", "a prompt").ids[0]
    assert queue("answer", job, input="x" * LONGEST_ANSWER).code == 0
    assert len(queue("show", job, "--json").json["answer"]) == LONGEST_ANSWER


def test_an_answer_with_a_lone_surrogate_is_refused_in_python(queue: Run) -> None:
    job = queue("add", "a prompt").ids[0]
    with Bridge(str(NOTEBOOK)) as bridge:
        with pytest.raises(AnswerRefused, match="character 3"):
            bridge.answer(job, "ab\ud800")
        assert bridge.get(job).state is State.QUEUED


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and /dev/zero")
@pytest.mark.parametrize(
    "door", [("answer", "JOB", "-f"), ("add", "-f"), ("add", "x", "--context")], ids=lambda d: " ".join(d)
)
def test_a_file_without_an_end_is_refused_in_bounded_memory(queue: Run, door: tuple[str, ...]) -> None:
    job = queue("add", "a prompt").ids[0]
    call = [job if word == "JOB" else word for word in door]
    ran = peak_of(*call, "/dev/zero")
    assert ran.code == 2
    assert "/dev/zero has more than 16,000,000 bytes" in ran.err
    assert ran.peak_mb < 300


#: What the Python door is given that no JSON, and so no other door, can say.
@pytest.mark.parametrize("what", [{"key": "\ud800"}, {"caller": "\ud800"}, {"key": "k" * 100_000}])
def test_a_name_that_no_notebook_can_hold_is_refused(queue: Run, what: dict[str, Any]) -> None:
    with Bridge(str(NOTEBOOK)) as bridge:
        with pytest.raises(PromptRefused, match=next(iter(what))):
            bridge.add_many([NewJob(body="x", **what)], allow_secrets=True)
        assert bridge.jobs() == []


PATHS = ["../x.py", "/etc/x.py", ".git/hooks/pre-commit", "C:\\x.py", "src/COM¹.py", "~/x.py"]


@pytest.mark.parametrize("path", PATHS)
def test_a_header_with_a_path_that_must_not_be_written_breaks_its_job_alone(queue: Run, path: str) -> None:
    spoiled, whole = (queue("add", text, "--out", "a.py").ids[0] for text in ("spoiled", "whole"))
    notebook = json.loads(NOTEBOOK.read_text())
    cell = next(cell for cell in notebook["cells"] if cell["id"] == spoiled)
    cell["source"][0] = cell["source"][0].replace("a.py", f"'{path}'")
    NOTEBOOK.write_text(json.dumps(notebook))
    for command in (["status"], ["list"], ["show", spoiled], ["work", "--engine", "scripted"], ["watch", "--once"]):
        assert queue(*command).code in (0, 1), command
    lines = {line["id"]: line for line in queue("list", "--json").json["jobs"]}
    assert lines[spoiled]["state"] == "broken"
    assert f"out {path!r}" in lines[spoiled]["problem"]
    assert lines[whole]["state"] == "checked"
