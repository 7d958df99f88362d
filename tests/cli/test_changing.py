"""Jobs changed by `bridge retry`, `bridge edit`, `bridge forget` and `bridge purge`; and what the help promises."""

from __future__ import annotations

import re
from pathlib import Path

import click
import click.testing
import pytest

from bridge.cli import main
from bridge.cli.app import COMMANDS, SECTIONS
from tests.cli.conftest import Run
from tests.support.ollama import LoopbackOllama

GOOD = "```python\ndef f():\n    return 1\n```\n"


def options(queue: Run, job: str) -> dict[str, object]:
    return queue("show", job, "--json").json["options"]


def state(queue: Run, job: str) -> str:
    return queue("show", job, "--json").json["state"]


def test_a_retry_may_ask_for_another_model_a_longer_answer_and_a_wider_window(queue: Run) -> None:
    [job] = queue("add", "Write f", "--model", "small", "--lang", "python").ids
    queue("answer", job, input=GOOD)

    assert queue("retry", job, "--model", "large", "--max-tokens", "9000", "--window", "16384").ids == [job]

    assert options(queue, job) == {"lang": "python", "model": "large", "max_tokens": 9000, "window": 16384}
    assert state(queue, job) == "queued"
    assert queue("retry", job, "--window", "12").code == 2


def test_the_window_of_a_job_is_what_its_engine_is_asked_for(queue: Run) -> None:
    with LoopbackOllama(models=("m",)) as server:
        queue("add", "--jsonl", "-", input='{"prompt": "a", "window": 4096}\n{"prompt": "b"}\n')
        assert queue("work", "--base-url", server.url, "--model", "m", "--window", "2048").code == 0

        asked = {request["options"]["num_ctx"] for request in server.requests if "options" in request}
    assert asked == {4096, 2048}


def test_an_edited_prompt_is_asked_anew_and_a_stale_tab_does_not_bring_the_old_one_back(
    queue: Run, tmp_path: Path
) -> None:
    [job] = queue("add", "Write f", "--key", "k").ids
    queue("answer", job, input=GOOD)
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    stale = notebook.read_bytes()

    assert queue("edit", "k", "Write g", "--lang", "go").ids == [job]
    assert (state(queue, job), queue("show", job, "--json").json["prompt"]) == ("queued", "Write g")
    assert options(queue, job) == {"lang": "go"}

    notebook.write_bytes(stale)
    assert (state(queue, job), queue("show", job, "--json").json["prompt"]) == ("queued", "Write g")


def test_other_options_alone_leave_an_answer_as_it_is(queue: Run) -> None:
    [job] = queue("add", "Write f").ids
    queue("answer", job, input=GOOD)

    queue("edit", job, "--out", "src/f.py")

    assert (state(queue, job), options(queue, job)) == ("succeeded", {"out": "src/f.py"})
    assert queue("edit", job, "--out", "../f.py").code == 2


def test_what_is_forgotten_stands_nowhere_any_more_and_no_stale_copy_brings_it_back(
    queue: Run, tmp_path: Path, own_surroundings: Path
) -> None:
    gone, kept = queue("add", "--jsonl", "-", input='{"prompt": "OLDWORDS", "key": "k"}\n{"prompt": "b"}\n').ids
    queue("answer", gone, input="```python\nOLDANSWER = 1\n```\n")
    queue("watch", "--once", "--no-archive")
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    stale = notebook.read_bytes()
    queue("archive", gone)

    assert queue("forget", "k", "--yes").ids == [gone]

    held = [*(tmp_path / "notebooks").rglob("*"), *own_surroundings.rglob("*")]
    told = b"".join(file.read_bytes() for file in held if file.is_file())
    assert b"OLDWORDS" not in told
    assert b"OLDANSWER" not in told
    notebook.write_bytes(stale)
    assert [line["id"] for line in queue("list", "--json").json["jobs"]] == [kept]
    assert queue("add", "again", "--key", "k").err == ""  # the key is free


def test_an_open_job_is_not_forgotten_and_nobody_is_forgotten_unasked(queue: Run) -> None:
    done, open_ = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n').ids
    queue("answer", done, input=GOOD)

    assert "--yes agrees" in queue("forget", done).err
    assert "bridge cancel" in queue("forget", done, open_, "--yes").err
    assert len(queue("list", "--json").json["jobs"]) == 2  # all or none


def test_purge_takes_what_is_old_enough_and_in_the_state_that_was_named(queue: Run) -> None:
    old, cancelled, open_ = queue(
        "add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n{"prompt": "c"}\n'
    ).ids
    queue("answer", old, input=GOOD)
    queue("archive", old)
    queue("cancel", cancelled)

    assert queue("purge", "--older-than", "1d", "--yes").ids == []
    assert queue("purge", "--older-than", "0s", "--dry-run").ids == [old]
    assert queue("purge", "--older-than", "0s").code == 2
    assert queue("purge", "--older-than", "0s", "--state", "archived", "--state", "cancelled", "--yes").ids == [
        old,
        cancelled,
    ]
    assert [line["id"] for line in queue("list", "--json").json["jobs"]] == [open_]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_two_examples_that_are_commands(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    examples = re.findall(rf"^ *(?:\S+ \| )?bridge {name}\b(.*)$", command.help or "", re.MULTILINE)

    assert len(examples) >= 2
    flags = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)} | {"--"}
    if not isinstance(command, click.Group):
        used = [
            flag for example in examples for flag in re.findall(r"(?<=\s)--?[a-z][a-z-]*", example.split(" -- ")[0])
        ]
        assert {flag for flag in used if flag != "-c"} <= flags, used


def test_the_help_is_in_groups() -> None:
    told = click.testing.CliRunner().invoke(main, ["--help"]).output

    at = [told.index(f"\n{heading}:\n") for heading in SECTIONS]
    assert at == sorted(at)
    assert list(SECTIONS) == ["Everyday", "Workers and servers", "Results", "Upkeep"]
