"""`bridge demo`: the first run."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from contextlib import closing, nullcontext
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.api.bridge import Bridge
from bridge.api.local_run import LocalRun
from bridge.cli import main
from bridge.core.errors import QueueExists, WaitTimedOut
from bridge.core.events import Event, ignore
from bridge.core.job import State
from bridge.engines.scripted import Scripted, ScriptedEngine
from bridge.models import tiny
from bridge.setup.demo import Demo, DemoFolder, make_place, prompts
from bridge.worker.config import WorkerConfig
from tests.first_run.conftest import Run
from tests.support.hub import NAME, LoopbackHub
from tests.support.ollama import LoopbackOllama

GOOD = "```python\ndef twice(x: int) -> int:\n    return 2 * x\n```\n"
BROKEN = GOOD.replace("(x: int)", "(x: int")

needs_llamacpp = pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs the extra [embedded]")


def python_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two prompts in Python are enough where the engine is a fake."""
    wanted = {name: job for name, job in prompts().items() if job.options.lang == "python"}
    monkeypatch.setattr("bridge.setup.demo.prompts", lambda: wanted)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoFolder:
    python_only(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return make_place(None)


class Steps:
    """A clock that goes on by a second each time that it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def plan() -> WorkerConfig:
    return WorkerConfig(model="scripted", lanes=1, forever=True, poll_s=0.01)


def test_a_broken_answer_is_repaired_and_one_clean_result_is_applied(place: DemoFolder):
    events: list[Event] = []
    engine = ScriptedEngine(lambda request: GOOD)
    engine.enqueue(GOOD, BROKEN)
    with Demo(place, listener=events.append, now_s=Steps()) as demo:
        assert demo.add() == 2
        story = demo.run(engine, plan(), around=lambda _: nullcontext())

    first, second = story.rows
    assert (first.name, first.verdict, first.rounds) == ("slugify", "clean", 0)
    assert (second.name, second.verdict, second.rounds) == ("parse_duration", "clean", 1)
    assert story.complete
    assert second.seconds is not None
    assert first.file is not None
    assert first.file.read_text() == GOOD.split("```")[1].removeprefix("python\n")
    assert first.file.is_relative_to(place.outbox)
    assert story.applied == first.job
    assert story.written == [place.project / "src" / "slug.py"]
    assert story.written[0].read_bytes() == first.file.read_bytes()
    told = "\n".join(event.message for event in events)
    assert "parse_duration is asked about again" in told
    assert "as parse_duration (round 1)" in told
    assert "parse_duration clean" in told
    assert first.job not in told


def test_an_answer_without_code_is_no_clean_one_and_nothing_is_applied(place: DemoFolder):
    with Demo(place, listener=ignore, now_s=Steps()) as demo:
        demo.add()
        story = demo.run(ScriptedEngine(), plan(), around=lambda _: nullcontext())

    assert {row.verdict for row in story.rows} == {"no_code"}
    assert (story.applied, story.written) == (None, [])
    assert list(place.project.iterdir()) == []


def test_what_stays_wrong_is_shown_as_it_is_and_never_applied(place: DemoFolder):
    wrong = "```python\ndef twice(x: int) -> int:\n    return 2 * y\n```\n"
    with Demo(place, listener=ignore, now_s=Steps()) as demo:
        demo.add()
        story = demo.run(ScriptedEngine(lambda _request: wrong), plan(), around=lambda _: nullcontext())

    assert {row.verdict for row in story.rows} == {"errors"}
    assert all(row.rounds > 0 for row in story.rows)
    assert story.complete  # every answer was looked at
    assert (story.applied, list(place.project.iterdir())) == (None, [])


def test_stopped_in_the_middle_it_leaves_a_queue_in_which_nothing_is_lost(place: DemoFolder):
    engine = ScriptedEngine()
    engine.enqueue(Scripted(text=GOOD, gate=threading.Event()), Scripted(text=GOOD, gate=threading.Event()))

    def stop_now(local_run: LocalRun) -> nullcontext[None]:
        local_run.ask_to_stop()
        return nullcontext()

    with Demo(place, listener=ignore, now_s=Steps()) as demo:
        demo.add()
        with pytest.raises(WaitTimedOut):
            demo.run(engine, plan(), around=stop_now)
    with Bridge(str(place.queue)) as queue:
        assert [line.state for line in queue.jobs()] == [State.QUEUED] * 2


def test_the_folder_is_new_or_empty_and_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert make_place(None).folder == tmp_path / "bridge-demo"
    assert make_place(None).folder == tmp_path / "bridge-demo-2"
    (tmp_path / "empty").mkdir()
    assert make_place(Path("empty")).folder == tmp_path / "empty"
    before = (tmp_path / "empty" / "bridge.toml").read_bytes()
    with pytest.raises(QueueExists, match="not overwritten"):
        make_place(Path("empty"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(QueueExists):
        make_place(Path("file"))
    assert (tmp_path / "empty" / "bridge.toml").read_bytes() == before
    assert (tmp_path / "file").read_text() == "mine"


def test_the_prompts_are_those_of_the_tiny_model_and_the_three_of_a_new_queue():
    assert len(prompts()) == len(tiny.DEMO_PROMPTS) + 3
    assert {"slugify", "email", "actions", "paystack"} <= prompts().keys()


@needs_llamacpp
def test_the_first_run_of_a_new_user_needs_nothing_and_tells_what_it_did(bridge: Run, home: Path):
    done = bridge("demo")

    folder = home / "work" / "bridge-demo"
    assert "a toy for the demo" in done.stderr
    table = [line.split("\t") for line in done.stdout.splitlines() if "\t" in line]
    assert table[0] == ["prompt", "language", "verdict", "level", "rounds", "seconds", "file"]
    assert len(table) == 1 + len(prompts())
    assert {row[2] for row in table[1:]} == {"clean"}
    assert [row[0] for row in table[1:] if row[4] != "0"] == [p.name for p in tiny.DEMO_PROMPTS if p.repaired]
    assert all((folder / row[6]).is_file() for row in table[1:])
    assert "`bridge apply` wrote bridge-demo/project/src/slug.py" in done.stdout.replace("\\", "/")
    compile((folder / "project" / "src" / "slug.py").read_text(), "slug.py", "exec")
    assert "Runtime > Run all" in done.stdout
    # What it says to do next works as it says, from the folder that it made.
    # Two were repaired; a round of repair is a job, too.
    assert f"delivered\t{len(prompts()) + 2}" in bridge("status", cwd=folder).stdout
    commands = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("  bridge ")]
    assert len(commands) >= 3
    for command in commands:
        bridge(*command, cwd=folder)
    outside = {path.name for path in home.iterdir()} - {"work", "state", "Library", "AppData"}
    assert outside <= {"cache"}, "it wrote outside of its folder and the state folder"


@needs_llamacpp
def test_with_json_there_is_one_object_at_the_end(bridge: Run, home: Path):
    done = json.loads(bridge("demo", "--gguf", "tiny", "--folder", "here", "--json").stdout)

    assert done["complete"] is True
    assert done["engine"]["model"] == tiny.NAME
    assert Path(done["folder"]) == home / "work" / "here"
    assert len(done["jobs"]) == len(prompts())
    assert all(Path(job["file"]).is_file() for job in done["jobs"])
    assert done["applied"]["job"] == done["jobs"][0]["job"]


def test_a_running_ollama_answers_with_its_own_model(bridge: Run):
    with LoopbackOllama(answer=lambda _prompt: GOOD, models=("qwen2.5-coder:7b", "llama3:8b")) as server:
        done = json.loads(bridge("demo", "--json", OLLAMA_HOST=server.url).stdout)

    assert done["engine"] == {
        "kind": "ollama",
        "model": "qwen2.5-coder:7b",
        "about": "qwen2.5-coder:7b, by Ollama on this machine",
    }
    assert {request["model"] for request in server.requests} == {"qwen2.5-coder:7b"}


def test_without_a_terminal_nothing_is_sent_to_another_machine(bridge: Run):
    done = bridge("demo", "--engine", "openai", "--base-url", "https://key@api.example.com/v1", code=2)

    assert "nothing was sent to api.example.com: --yes agrees" in done.stderr
    assert "key" not in done.stderr


def test_a_download_needs_agreement_too_and_what_came_is_used_later_without_the_hub(bridge: Run, home: Path):
    with LoopbackHub(tiny.PATH.read_bytes()) as hub:
        refused = bridge("demo", "--download", "0.5b", HF_ENDPOINT=hub.url, code=2)
        assert "has 0.01 GB" in refused.stderr
        assert "--yes agrees" in refused.stderr
        assert hub.downloads == []
        fetched = bridge("demo", "--download", "0.5b", "--yes", HF_ENDPOINT=hub.url, code=None)
        assert "checking: 5 of 5 MB" in fetched.stderr
    assert len(list(home.rglob(NAME))) == 1
    again = bridge("demo", "--download", "0.5b", HF_ENDPOINT=hub.url, code=None)
    if fetched.returncode == 0:  # with the extra [embedded]
        assert again.returncode == 0
        assert NAME in again.stderr
    else:
        assert "[embedded]" in again.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--download", "0.5b", "--gguf", "tiny"], "give one of them"),
        (["--engine", "ollama", "--gguf", "tiny"], "for the engine llamacpp, not ollama"),
        (["--gguf", "nowhere.gguf"], "there is no file"),
        (["--engine", "gpt"], "unknown engine"),
    ],
)
def test_what_cannot_be_is_said_before_a_folder_is_made(bridge: Run, home: Path, args: list[str], words: str):
    assert words in bridge("demo", *args, code=2).stderr
    assert list((home / "work").iterdir()) == []


def test_without_the_extra_it_is_named_before_a_folder_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    done = CliRunner().invoke(main, ["demo", "--gguf", "tiny"])
    assert done.exit_code == 2
    assert "[embedded]" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_demo_leaves_its_journal_where_every_other_queue_has_it(bridge: Run, home: Path):
    bridge("demo", "--engine", "scripted")
    [journal] = home.rglob("journal.sqlite3")
    with closing(sqlite3.connect(journal)) as opened:
        assert opened.execute("SELECT count(*) FROM cell WHERE kind = 'job' AND parent IS NULL").fetchone() == (
            len(prompts()),
        )
