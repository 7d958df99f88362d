"""No command lets a text from outside reach the terminal as it is, whichever field it stands in; `--json` escapes it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge import Bridge
from bridge.api.local_run import prepared
from bridge.cli import main
from bridge.cli.app import COMMANDS
from bridge.core.errors import BadRequest
from bridge.core.events import ignore
from bridge.core.job import NewJob, Options
from bridge.core.text import HIDDEN
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.wiring import Rules
from bridge.worker.config import WorkerConfig
from tests.cli.conftest import Ran, Run
from tests.cli.test_seeing import beat
from tests.support.queues import load, note, save
from tests.support.terminal import running

#: Names the window, clears the screen, turns text around, and what else a terminal obeys or a reader does not see.
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\x85\u00ad\U000e0041\x08\r"
#: The same as far as a header's flags take it.
EVIL_FLAG = "\x9b31m\u202eevil\u2066\u00ad\U000e0041"
#: The same as far as a file name takes it.
EVIL_NAME = EVIL.replace("\r", "")
pytestmark = [
    pytest.mark.timeout(110),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names"),
]


@pytest.fixture
def hostile(bridge: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """A queue in which every field that comes from outside is hostile: names, texts, answers, errors, workers, cells."""
    folder = tmp_path / f"queue{EVIL_NAME}"
    folder.mkdir()
    monkeypatch.setenv("BRIDGE_QUEUE", str(folder / f"q{EVIL_NAME}.ipynb"))
    assert bridge("init", "--queue", os.environ["BRIDGE_QUEUE"]).code == 0
    queue = Path(os.environ["BRIDGE_QUEUE"])

    def job(body: str, n: int = 0) -> NewJob:
        options = Options(lang="python" if not n else EVIL_FLAG, out=f"src/{n}.py", model=EVIL_FLAG)
        return NewJob(body=body + EVIL, key=f"key{n}{EVIL}", caller=f"caller{EVIL}", options=options)

    engine = ScriptedEngine(models=(EVIL_FLAG,))
    engine.enqueue(
        f"```python {EVIL}\nprint(undefined_{EVIL_FLAG})\n```\n{EVIL}", *[Scripted(error=BadRequest(f"no: {EVIL}"))] * 4,
        f"words {EVIL}",
    )  # fmt: skip
    with Bridge(str(queue)) as door:
        ids = [
            added.id
            for added in door.add_many([job("checked"), job("failed", 1), job("answered", 2)], allow_secrets=True)
        ]
        config = WorkerConfig(model=EVIL_FLAG, forever=True, poll_s=0.05)
        with prepared(
            door,
            engine,
            config,
            queue=str(queue),
            channels=[],
            rules=Rules(max_rounds=0, project=None),
            listener=ignore,
        ) as local_run:
            local_run.run(ids, on_ready=lambda _view: None)
        door.add_many([job("waits", 3), job("waits too", 4)], allow_secrets=True)
    beat(folder, f"w{EVIL_NAME}", model=EVIL, engine=EVIL, running=[{"job": EVIL, "lane": 0, "seconds": 1.0}])
    notebook = load(queue)
    notebook["cells"].append(
        note(f"%%qwen --{EVIL_FLAG}\nx", "b" * 8) | {"cell_type": "code", "outputs": [], "execution_count": None}
    )
    save(queue, notebook)
    shutil.copy(queue, folder / f"q{EVIL_NAME} (1).ipynb")
    return bridge


def ids_of(ran: Callable[..., Ran]) -> dict[str, str]:
    return {job["key"][:4]: job["id"] for job in ran("list", "--json").json["jobs"] if job["key"]}


#: Every command as a person calls it, by name; `{key0}` is a job that was checked, `{key1}` one that failed, `{key3}`, `{key4}` ones that wait.
#: What looks comes first, then what changes something.
CALLS: dict[str, list[str]] = {
    "status": ["status"],
    "top": ["top", "--once"],
    "list": ["list"],
    "show": ["show", "{key0}"],
    "doctor": ["doctor"],
    "completion": ["completion", "bash"],
    "report": ["report", "-o", f"report{EVIL_NAME}.html"],
    "export": ["export"],
    "watch": ["watch", "--once", "--outbox", f"out{EVIL_NAME}"],
    "wait": ["wait", "{key0}", "{key1}", "--timeout", "20s"],
    "config": ["config", "list"],
    "demo": ["demo", "--engine", "scripted", "--folder", f"demo{EVIL_NAME}", "--yes"],
    "init": ["init", f"new{EVIL_NAME}", "--no-config"],
    "add": ["add", "something else", "--key", f"key3{EVIL}"],
    "work": ["work", "--engine", "scripted", "--model", "scripted", "--max-time", "20s"],
    "apply": ["apply", "{key0}", "--force", "--root", f"root{EVIL_NAME}"],
    "run": ["run", "more", "--engine", "scripted", "--model", "scripted", "--outbox", f"out{EVIL_NAME}", "--no-repair"],
    "sync": ["sync", "--to", f"drive:{EVIL}"],
    "mcp": ["mcp", "--queue", f"none{EVIL_NAME}.ipynb"],
    "answer": ["answer", "{key3}", "--by", EVIL, "-f", "answer.md"],
    "cancel": ["cancel", "{key3}"],
    "retry": ["retry", "{key1}"],
    "archive": ["archive", "{key0}"],
    "edit": ["edit", "{key4}", f"another {EVIL}"],
    "forget": ["forget", "{key1}", "--yes"],
    "purge": ["purge", "--older-than", "0s", "--yes"],
    "rebuild": ["rebuild", "--journal"],
    "refresh": ["refresh"],
    "key": ["key", "--forget", f"key{EVIL}"],
    "engines": ["engines", "list"],
    "route": ["route", "status"],
    "usage": ["usage"],
    "models": ["models", "list", "--engine", "scripted"],
    "serve": ["serve", "--engine", f"none{EVIL}"],
    "service": ["service", "install", "serve", "--dry-run"],
    "auth": ["auth", "login", "--service-account", f"key{EVIL}.json"],
}  # fmt: skip


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_no_command_prints_a_hidden_character(hostile: Callable[..., Ran], tmp_path: Path, as_json: bool):
    assert CALLS.keys() == COMMANDS.keys()
    (tmp_path / "answer.md").write_text(f"```python\nx = 1\n```\n{EVIL}")
    jobs = ids_of(hostile)
    for call in CALLS.values():
        done = hostile(*(word.format(**jobs) for word in call), *["--json"] * as_json)

        assert not HIDDEN.search(done.out), (call, done.out)
        assert not HIDDEN.search(done.err), (call, done.err)
        if as_json:
            for line in [done.out] if done.out.startswith("{\n") else done.out.splitlines():
                json.loads(line)


@pytest.mark.parametrize(
    "call", [["list", "--queue", f"no{EVIL}"], ["wait", EVIL], ["cancel", f"01{EVIL}"], ["add", "-f", EVIL_NAME]]
)
def test_no_error_repeats_a_hidden_character(hostile: Callable[..., Ran], call: list[str]):
    done = hostile(*call)

    assert done.code
    assert not HIDDEN.search(done.out + done.err), done.err


def test_completion_offers_no_hidden_character(hostile: Callable[..., Ran]):
    asked = {"_BRIDGE_COMPLETE": "zsh_complete", "COMP_WORDS": "bridge show ", "COMP_CWORD": "2"}

    offered = CliRunner().invoke(main, [], env=asked, prog_name="bridge").output

    assert ids_of(hostile)["key0"] in offered
    assert not HIDDEN.search(offered), offered


def test_what_another_program_reads_stays_byte_for_byte(hostile: Callable[..., Ran]):
    assert hostile("show", ids_of(hostile)["key0"], "--prompt").out == f"checked{EVIL}"


def test_on_a_terminal_the_raw_texts_are_safe_to_look_at_too(hostile: Callable[..., Ran], tmp_path: Path):
    job = ids_of(hostile)["key0"]
    for call in (["show", job, "--prompt"], ["show", job, "--answer"], ["list"], ["show", job]):
        with running(*call, cwd=tmp_path) as terminal:
            assert terminal.ended() == 0
            shown = terminal.raw

        assert "<U+" in shown
        assert "\x1b]" not in shown
        assert "\u202e" not in shown
