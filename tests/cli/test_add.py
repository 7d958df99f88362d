from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def shown(bridge: Run, job: str) -> dict:
    return bridge("show", job, "--json").json


def test_add_prints_one_id_a_line_and_keeps_every_option(queue: Run):
    added = queue(
        "add", "Write a function", "--lang", "typescript", "--out", "src/a b.ts", "--model", "qwen2.5-coder:14b",
        "--max-tokens", "512", "--temperature", "0.25", "--priority", "3", "--caller", "agent-7",
    )  # fmt: skip

    [job] = added.ids
    facts = shown(queue, job)
    assert facts["options"] == {
        "lang": "typescript", "out": "src/a b.ts", "model": "qwen2.5-coder:14b",
        "max_tokens": 512, "temperature": 0.25, "priority": 3,
    }  # fmt: skip
    assert (facts["state"], facts["caller"], facts["prompt"]) == ("queued", "agent-7", "Write a function")


@pytest.mark.parametrize(
    "prompt",
    [
        "{{braces}} {and} ${more}",  # nothing is interpolated
        "%%qwen\n%%bash\nrm -rf /",  # lines that look like magics are text
        '```python\n"""triple"""\n```\n````',  # fences and triple quotes
        "line\r\nwith CRLF\rand CR",  # line ends that editors normalise
        "a NUL \0 and \x1b[31mANSI\x1b[0m",  # control characters
        "no line end at the end",
        "two at the end\n\n",
        "  leading spaces\n\tand tabs  ",
        "non-ASCII: äöü 漢字 🚀 \u2028 separators \x85",
        "-->",  # what ends an HTML comment
        "--lang python",  # what looks like a flag
    ],
)
def test_a_prompt_comes_back_byte_for_byte(queue: Run, tmp_path: Path, prompt: str):
    (tmp_path / "prompt.txt").write_bytes(prompt.encode())

    [job] = queue("add", "-f", "prompt.txt").ids

    assert shown(queue, job)["prompt"] == prompt
    assert queue("show", job, "--prompt").out == prompt


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"x" * 10_000_000, "10,000,000 bytes"),  # ten of them would fill a notebook
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_prompt_that_cannot_be_stored_is_refused_and_changes_nothing(
    queue: Run, tmp_path: Path, prompt: bytes, says: str
):
    notebook = tmp_path / "notebooks" / "qwen_bridge.ipynb"
    before = notebook.read_bytes()
    (tmp_path / "prompt.txt").write_bytes(prompt)

    refused = queue("add", "-f", "prompt.txt")

    assert refused.code == 2
    assert says in refused.err
    assert notebook.read_bytes() == before
    assert queue("list", "--json").json["jobs"] == []


def test_a_lone_surrogate_is_refused_with_its_place(queue: Run):
    refused = queue("add", "--jsonl", "-", input=b'{"prompt": "ab\\ud800"}\n')

    assert refused.code == 2
    assert queue("list", "--json").json["jobs"] == []


def test_a_system_prompt_and_context_files_reach_the_model(queue: Run, tmp_path: Path):
    (tmp_path / "models.py").write_text("```\nclass A: pass\n")

    [job] = queue("add", "Extend it", "--system", "You write Python.", "--context", "models.py").ids

    prompt = shown(queue, job)["prompt"]
    assert "You write Python." in prompt
    assert "Context file `models.py`:\n\n````\n```\nclass A: pass\n````" in prompt  # a fence longer than any in it


SECRET = "AKIA" + "IOSFODNN7" + "EXAMPLE"


def test_a_secret_is_refused_with_what_and_where_but_never_shown(queue: Run):
    refused = queue("add", f"First line\nuse {SECRET} here")

    assert refused.code == 2
    assert "line 2: looks like a" in refused.err
    assert SECRET not in refused.err
    assert queue("add", f"First line\nuse {SECRET} here", "--allow-secrets").code == 0


def test_a_secret_in_a_context_file_is_named_with_the_file_and_its_line(queue: Run, tmp_path: Path):
    (tmp_path / ".env").write_text("A=1\nB=2\nKEY=" + "AKIA" + "IOSFODNN7" + "EXAMPLE\n")

    refused = queue("add", "Use it", "--context", ".env")

    assert ".env, line 3: looks like an AWS access key" in refused.err


def test_the_same_key_gives_the_first_job_and_adds_nothing(queue: Run):
    first = queue("add", "one", "--key", "k")
    second = queue("add", "another", "--key", "k")

    assert first.ids == second.ids
    assert "asks something else" in second.err
    assert shown(queue, first.ids[0])["prompt"] == "one"
    assert len(queue("list", "--json").json["jobs"]) == 1


def test_a_batch_of_our_lines_and_of_openai_lines_is_added_in_order(queue: Run):
    lines = [
        {"prompt": "ours", "lang": "go", "max-tokens": 9, "stop": ["\n\n"]},
        {
            "custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "m", "messages": [{"role": "user", "content": "theirs"}], "max_tokens": 7, "n": 1},
        },
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]},
    ]  # fmt: skip

    jobs = queue("add", "--jsonl", "-", input="\n".join(map(json.dumps, lines)) + "\n\n").ids

    ours, theirs, chat = (shown(queue, job) for job in jobs)
    assert (ours["prompt"], ours["options"]) == ("ours", {"lang": "go", "max_tokens": 9, "stop": ["\n\n"]})
    assert (theirs["prompt"], theirs["key"], theirs["options"]) == ("theirs", "r-1", {"model": "m", "max_tokens": 7})
    assert chat["prompt"] == "[system]\ns\n\n[user]\nu"


BAD = [
    ("{", "not JSON"),
    ("[]", "not a JSON object"),
    ('{"prompt": ""}', "empty"),
    ('{"prompt": "x", "lnag": "go"}', "unknown field lnag"),
    ('{"prompt": "x", "temperature": 9}', "temperature must be a number from 0 to 2, not 9"),
    ('{"prompt": "x", "max_tokens": true}', "max_tokens must be a whole number from 1, of at most 18 digits, not True"),
    ('{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": {}}', '"url"'),
    (
        '{"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "x"}], "n": 2}}',
        '"n"',
    ),
    (
        '{"custom_id": "a", "url": "/v1/chat/completions", "body": {"messages": [{"role": "wizard", "content": "x"}]}}',
        "role",
    ),
]


def test_all_bad_lines_are_reported_with_their_numbers_and_nothing_is_added(queue: Run):
    batch = "\n".join(['{"prompt": "good"}', *(line for line, _ in BAD)])

    refused = queue("add", "--jsonl", "-", input=batch)

    assert refused.code == 2
    for number, (_, reason) in enumerate(BAD, 2):
        told = next(line for line in refused.err.splitlines() if line.strip().startswith(f"line {number}:"))
        assert reason in told
    assert queue("list", "--json").json["jobs"] == []


def test_skip_bad_adds_the_good_lines_and_names_the_others(queue: Run):
    done = queue("add", "--jsonl", "-", "--skip-bad", "--json", input='{"prompt": "good"}\n{}\n')

    assert done.code == 0
    assert len(done.json["jobs"]) == 1
    assert [s["line"] for s in done.json["skipped"]] == [2]


def test_a_value_that_an_option_cannot_have_is_an_error_that_a_program_can_read(queue: Run):
    refused = queue("add", "a prompt", "--temperature", "7", "--json")

    assert refused.err == "bridge: temperature must be a number from 0 to 2, not 7\n"
    assert refused.json["error"] == {"kind": "BadOption", "message": refused.err[8:-1], "exit_code": 2}


@pytest.mark.parametrize(
    "args",
    [
        (),  # no prompt
        ("a prompt", "-f", "file"),  # two sources
        ("a prompt", "--temperature", "7"),
        ("a prompt", "--max-tokens", "0"),
        ("-f", "missing.txt"),
        ("a prompt", "--context", "missing.txt"),
        ("a prompt", "--lang", " "),
    ],
)
def test_wrong_use_is_exit_code_2_with_a_message(queue: Run, args: tuple[str, ...]):
    refused = queue("add", *args)

    assert refused.code == 2
    assert refused.err
