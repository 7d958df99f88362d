"""What is refused, and whether the message helps: mistyped commands, paths taken for prompts, lines of a batch, settings."""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.cli.app import COMMANDS
from bridge.cli.groups import MEANT
from bridge.core.errors import MissingExtra
from bridge.core.install import install_command
from tests.cli.conftest import Run
from tests.support.commands import environment

GOOD = "```python\ndef f():\n    return 1\n```\n"
KEY = "sk-ant-" + "api03-" + "Zk3vQ9xWm2Lr8TnB4cYd7HsJ5fGpK1uE6oRaViXqSwNzMbCt0yUhIlPjDgFeAo-9T2QwErTyUiOpAs"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["lst"], "list"),
        (["ls"], "list"),
        (["ad", "x"], "add"),
        (["rerun"], "retry"),
        (["config", "ste"], "config set"),
    ],
)
def test_a_mistyped_command_is_told_which_one_was_meant(bridge: Run, typed: list[str], meant: str) -> None:
    refused = bridge(*typed)

    assert refused.code == 2
    assert f"did you mean `bridge {meant}`?" in refused.err.replace("main", "bridge")


def test_a_command_that_nothing_resembles_is_told_where_they_are_listed(bridge: Run) -> None:
    assert "--help` lists them" in bridge("xyzzy").err


@pytest.mark.parametrize("path", ["prompts/*.md", "prompt.md", "./a", "src/x.py", "C:\\x\\prompt.txt"])
@pytest.mark.parametrize("command", [["run", "--engine", "scripted"], ["add"]])
def test_a_path_that_is_no_file_is_not_asked_as_a_prompt(queue: Run, command: list[str], path: str) -> None:
    refused = queue(*command, path)

    assert refused.code == 2
    assert "looks like a path" in refused.err
    assert queue("list", "--json").json["jobs"] == []


@pytest.mark.parametrize("prompt", ["Explain src/x.py", "fizzbuzz", "Write f. Then g."])
def test_a_prompt_that_only_names_a_path_is_a_prompt(queue: Run, prompt: str) -> None:
    assert queue("add", prompt).code == 0


def test_all_that_is_wrong_with_a_batch_is_told_at_once_in_order_and_by_name(queue: Run, tmp_path: Path) -> None:
    chat = {"method": "POST", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "f"}]}}
    secret = {**chat, "custom_id": "b", "body": {"messages": [{"role": "user", "content": f"x\nkey = {KEY}"}]}}
    many = {**chat, "custom_id": "c", "body": {**chat["body"], "n": 3}}
    lines = [
        json.dumps({**chat, "custom_id": "a"}),
        json.dumps(secret),
        "{",
        json.dumps(many),
        '{"prompt": "", "key": "d"}',
    ]
    (tmp_path / "batch.jsonl").write_text("\n".join(lines))

    refused = queue("add", "--jsonl", "batch.jsonl")

    assert refused.code == 2
    told = [line.strip() for line in refused.err.splitlines() if line.startswith("  line")]
    assert [line.partition(":")[0] for line in told] == ["line 2", "line 3", "line 4", "line 5"]
    assert "custom_id 'b': looks like it holds" in told[0]
    assert "custom_id 'c'" in told[2]
    assert "key 'd'" in told[3]
    assert KEY not in refused.err
    assert queue("list", "--json").json["jobs"] == []
    assert len(queue("add", "--jsonl", "batch.jsonl", "--skip-bad").ids) == 1


def test_a_byte_order_mark_is_no_part_of_a_batch_or_a_prompt(queue: Run, tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(codecs.BOM_UTF8 + b'{"prompt": "Write f"}\n')
    (tmp_path / "p.md").write_bytes(codecs.BOM_UTF8 + b"Write g")
    (tmp_path / "w.jsonl").write_bytes('{"prompt": "Write f"}\n'.encode("utf-16"))

    jobs = [*queue("add", "--jsonl", "b.jsonl").ids, *queue("add", "-f", "p.md").ids]

    assert [queue("show", job, "--json").json["prompt"] for job in jobs] == ["Write f", "Write g"]
    assert "save it as UTF-8" in queue("add", "--jsonl", "w.jsonl").err


def test_lines_of_the_completions_endpoint_are_exported_as_completions(queue: Run, tmp_path: Path) -> None:
    text = {"custom_id": "t", "method": "POST", "url": "/v1/completions", "body": {"prompt": "def f("}}
    chat = {
        "custom_id": "c",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"messages": [{"role": "user", "content": "g"}]},
    }
    for job in queue("add", "--jsonl", "-", input=f"{json.dumps(text)}\n{json.dumps(chat)}\n").ids:
        queue("answer", job, input=GOOD)

    lines = {line["custom_id"]: line["response"]["body"] for line in map(json.loads, queue("export").out.splitlines())}

    assert lines["t"]["object"] == "text_completion"
    assert lines["t"]["choices"] == [{"index": 0, "text": GOOD, "logprobs": None, "finish_reason": "stop"}]
    assert lines["c"]["object"] == "chat.completion"


def test_watch_once_counts_by_channel_and_says_what_is_left(queue: Run, tmp_path: Path) -> None:
    first, _, _ = queue("add", "--jsonl", "-", input='{"prompt": "a"}\n{"prompt": "b"}\n{"prompt": "c"}\n').ids
    queue("answer", first, input=GOOD)

    told = queue("watch", "--once", "--outbox", "box", "--exec", f"{sys.executable} -c exit(1)")
    again = queue("watch", "--once", "--outbox", "box", "--json").json

    assert told.out.strip() == "1 checked, 0 handed over, 1 to outbox, 0 to exec; left: 1 to hand over, 2 to answer"
    assert (again["channels"], again["left_to_hand_over"], again["unanswered"]) == ({"outbox": 0}, 0, 2)


def test_config_set_writes_one_value_and_leaves_everything_else(queue: Run, tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(
        '# ours\nqueue = "notebooks/qwen_bridge.ipynb"  # here\n\n[engines.house]\nkind = "openai"\n\n[router]\n'
    )

    for name, value in (
        ("part_jobs", "200"),
        ("engines.house.base_url", "http://h/v1"),
        ("trust.require_signed", "false"),
    ):
        done = queue("config", "set", name, value)
        assert done.code == 0, done.err
        assert queue("config", "get", name).out.strip() == value
    queue("config", "set", "part_jobs", "300")

    assert file.read_text() == (
        '# ours\nqueue = "notebooks/qwen_bridge.ipynb"  # here\npart_jobs = 300\n\n[engines.house]\nkind = "openai"\n'
        'base_url = "http://h/v1"\n\n[router]\n\n[trust]\nrequire_signed = false\n'
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("part_jobs", "many", "part_jobs must be"),
        ("part_job", "1", "did you mean part_jobs?"),
        ("router.x.y", "1", "unknown setting"),
    ],
)
def test_config_set_refuses_what_cannot_be_and_writes_nothing(
    queue: Run, tmp_path: Path, name: str, value: str, says: str
) -> None:
    before = (tmp_path / "bridge.toml").read_text()

    refused = queue("config", "set", name, value)

    assert refused.code == 2
    assert says in refused.err
    assert (tmp_path / "bridge.toml").read_text() == before


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT")
@pytest.mark.parametrize(
    "args",
    [["wait", "k"], ["watch"], ["work", "--engine", "scripted", "--map", "*=scripted", "--forever"]],
    ids=lambda a: a[0],
)
def test_ctrl_c_ends_every_command_with_130_and_a_word(queue: Run, tmp_path: Path, args: list[str]) -> None:
    queue("add", "Write f", "--key", "k")
    queue("cancel" if args[0] == "work" else "list", *(["k"] if args[0] == "work" else []))
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", *args, *(["--json"] if args[0] == "wait" else [])], cwd=tmp_path, text=True,
        env={**environment(), "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    if args[0] == "wait":
        assert "no worker alive" in process.stderr.readline()  # type: ignore[union-attr]
    else:
        _until_it_handles_signals(process.pid)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert {"wait": "stay queued", "watch": "0 checked", "work": "0 answered"}[args[0]] in out + err


def _until_it_handles_signals(pid: int) -> None:
    """Until the process has a handler of its own for SIGINT, which the kernel tells (proc(5), SigCgt), for SIGTERM too."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    while True:
        caught = next(
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")
        )
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        os.sched_yield()


def test_every_command_that_is_guessed_exists() -> None:
    assert {*MEANT.values()} <= {*COMMANDS}


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'qwen-bridge[lint]'"),
        ({"url": "file:///a%20b/repo", "dir_info": {"editable": True}}, "pip install -e '/a b/repo[lint]'"),
        ({"url": "file:///x/q.whl", "archive_info": {}}, "pip install '/x/q.whl[lint]'"),
        (
            {"url": "https://host/repo.git", "vcs_info": {"vcs": "git", "commit_id": "a"}},
            "pip install 'qwen-bridge[lint] @ git+https://host/repo.git'",
        ),
    ],
)
def test_an_extra_is_installed_from_where_the_package_came(
    origin: object, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "qwen_bridge-9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: qwen-bridge\nVersion: 9\n")
    if origin is not None:
        (folder / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(tmp_path))

    assert install_command("lint") == command
    assert command in str(MissingExtra("ruff", "lint"))
