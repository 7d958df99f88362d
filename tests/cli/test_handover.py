"""wait, apply, watch and run, as commands."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import Bridge, State
from bridge.core.errors import QueueUnreadable
from bridge.worker.loop import Worker
from tests.cli.conftest import Run
from tests.support.answers import BROKEN, GOOD, rounds
from tests.support.commands import environment
from tests.support.ollama import LoopbackOllama
from tests.support.patience import until

CODE = "def f(x):\n    y = x + 1\n    return y\n"
MODEL = "qwen2.5-coder:1.5b"


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackOllama]:
    """Answers well; a prompt that says "break" gets broken code at first, and good code when it is asked to repair."""

    def answer(prompt: str) -> str:
        return BROKEN if "break" in prompt and "Undefined name" not in prompt else GOOD

    with LoopbackOllama(answer=answer) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


def start(*argv: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", *argv], cwd=cwd, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


# ---- wait and apply


@pytest.mark.parametrize(
    ("answer", "options", "code", "verdict"),
    [
        (GOOD, [], 0, "clean"),
        (BROKEN, ["--no-repair"], 1, "errors"),  # the job's own failure
        (BROKEN, ["--no-check"], 0, ""),  # nobody looked
        ("Just words.", [], 0, "no_code"),
    ],
)
def test_wait_prints_a_line_a_job_and_its_exit_code_says_whether_all_is_well(
    queue: Run, answer: str, options: list[str], code: int, verdict: str
):
    [job] = queue("add", "Write f.").ids
    queue("answer", job, input=answer)

    done = queue("wait", job, "--timeout", "30s", *options)

    assert (done.code, done.out.split("\t")[0], done.out.rstrip("\n").split("\t")[2]) == (code, job, verdict)


def test_wait_ends_with_124_when_time_is_over(queue: Run):
    [job] = queue("add", "Write f.").ids

    done = queue("wait", job, "--timeout", "0.2s", "--json")

    assert done.code == 124
    assert done.json["error"]["kind"] == "WaitTimedOut"


def test_wait_as_json_gives_every_field_also_of_a_job_that_was_cancelled(queue: Run):
    one, two = queue("add", "Write f.").ids + queue("add", "Write g.").ids
    queue("answer", one, input=GOOD)
    queue("cancel", two)

    done = queue("wait", one, two, "--timeout", "30s", "--json")

    first, second = done.json["jobs"]
    assert done.code == 1
    assert first.keys() == second.keys()
    assert (first["state"], second["state"]) == ("delivered", "cancelled")


def test_wait_with_the_projects_linters_warns_that_it_reads_their_configuration(queue: Run):
    Path("pyproject.toml").write_text('[tool.ruff.lint]\nselect = ["ANN001"]\n')
    [job] = queue("add", "Write f.", "--out", "f.py").ids
    queue("answer", job, input=GOOD)

    done = queue("wait", job, "--timeout", "30s", "--project-lint", "--no-repair")

    assert (done.code, done.out.split("\t")[2]) == (1, "errors\n")
    assert "it runs in a sandbox that can read this project" in done.err


def test_apply_shows_the_diff_and_writes_unless_it_is_a_dry_run(queue: Run):
    [job] = queue("add", "Write f.", "--out", "src/f.py").ids
    queue("answer", job, input=GOOD)
    queue("wait", job, "--timeout", "30s")

    dry = queue("apply", job, "--dry-run")
    assert (dry.code, dry.out.splitlines()[1]) == (0, "+++ b/src/f.py")
    assert "would create src/f.py" in dry.err
    assert not Path("src").exists()

    assert queue("apply", job, "--json").json["written"] == ["src/f.py"]
    assert Path("src/f.py").read_text() == CODE
    Path("src/f.py").write_text("mine\n")
    assert queue("apply", job).code == 2
    assert queue("apply", job, "--force").code == 0


def test_apply_tells_verdict_and_findings_first_and_refuses_what_is_not_clean(queue: Run):
    [job] = queue("add", "Write f.", "--out", "src/f.py").ids
    queue("answer", job, input=BROKEN)
    queue("wait", job, "--timeout", "30s", "--no-repair")

    refused = queue("apply", job)

    assert refused.code == 2
    assert refused.err.splitlines()[0].endswith(f"{job} errors")
    assert "line 3: Undefined name `z`" in refused.err.splitlines()[1]
    assert not Path("src").exists()
    assert queue("apply", job, "--force").code == 0


UNKNOWN = "```python\nimport fastjsonx\n\nprint(fastjsonx.loads('1'))\n```\n"


def test_a_package_that_nobody_knows_is_shown_before_anything_is_written(queue: Run):
    [job] = queue("add", "Write f.", "--out", "src/f.py").ids
    queue("answer", job, input=UNKNOWN)
    queue("wait", job, "--timeout", "30s", "--no-repair")

    done = queue("apply", job)

    assert done.code == 0
    assert done.err.splitlines()[0].endswith(f"{job} clean")
    assert "line 1: fastjsonx: no such package of Python is known" in done.err.splitlines()[1]


def test_a_package_that_the_project_declares_is_known(queue: Run):
    Path("app").mkdir()
    Path("app/requirements.txt").write_text("fastjsonx>=1\n")
    [job] = queue("add", "Write f.", "--out", "src/f.py").ids
    queue("answer", job, input=UNKNOWN)

    done = queue("wait", job, "--timeout", "30s", "--no-repair", "--project", "app", "--json")

    [told] = done.json["jobs"]
    assert (told["verdict"], [d for d in told["diagnostics"] if d["kind"] == "package"]) == ("clean", [])


@pytest.mark.parametrize(("flag", "code", "said"), [("--all", 1, True), ("--clean", 0, False)])
def test_apply_takes_every_checked_job_and_leaves_out_what_is_not_clean(queue: Run, flag: str, code: int, said: bool):
    good, bad, open_ = (
        queue("add", "Write a.", "--out", "a.py").ids
        + queue("add", "Write b.", "--out", "b.py").ids
        + queue("add", "Write c.").ids
    )
    queue("answer", good, input=GOOD)
    queue("answer", bad, input=BROKEN)
    queue("wait", good, bad, "--timeout", "30s", "--no-repair")

    done = queue("apply", flag)

    assert (done.code, Path("a.py").is_file(), Path("b.py").exists()) == (code, True, False)
    assert (f"{bad} is not applied" in done.err) == said
    assert open_ not in done.err
    assert queue("apply").code == queue("apply", good, "--all").code == 2


def test_apply_on_a_branch_makes_a_commit_a_job_and_leaves_the_project_as_it_is(queue: Run):
    root = Path("project")
    root.mkdir()

    def git(*argv: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        return subprocess.run(["git", *who, *argv], cwd=root, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet", "--initial-branch", "main")
    git("config", "user.name", "A")
    git("config", "user.email", "a@example.org")
    git("commit", "--quiet", "--allow-empty", "--message", "One")
    jobs = [queue("add", f"Write {name}.", "--out", f"{name}.py").ids[0] for name in ("a", "b", "bad")]
    for job, answer in zip(jobs, (GOOD, GOOD, BROKEN), strict=True):
        queue("answer", job, input=answer)
    queue("wait", *jobs, "--timeout", "30s", "--no-repair")

    dry = queue("apply", "--clean", "--branch", "qwen", "--root", "project", "--dry-run")
    assert (dry.code, git("branch", "--list", "qwen")) == (0, "")
    done = queue("apply", "--clean", "--branch", "qwen", "--root", "project")

    assert done.code == 0, done.err
    assert sorted(git("log", "--format=%s", "main..qwen").splitlines()) == ["Write a.", "Write b."]
    assert git("show", "qwen:a.py") == git("show", "qwen:b.py") == CODE.strip()
    assert (git("branch", "--show-current"), git("status", "--porcelain")) == ("main", "")
    assert "Verdict: clean" in git("log", "-1", "--format=%b", "qwen")
    assert queue("apply", jobs[2], "--branch", "qwen", "--root", "project").code == 2
    assert len(git("log", "--format=%s", "main..qwen").splitlines()) == 2


def test_show_code_gives_the_best_version(queue: Run, ollama: LoopbackOllama):
    done = queue("run", "break it", "--model", MODEL)

    assert queue("show", done.out.split("\t")[0], "--code").out == CODE


# ---- run


def test_run_answers_checks_repairs_and_hands_over(queue: Run, ollama: LoopbackOllama):
    Path("prompt.md").write_text("Write f, please.")

    done = queue(
        "run", "break it", "prompt.md", "--lang", "python", "--model", MODEL, "--parallel", "2", "--outbox", "box"
    )

    assert done.code == 0, done.err
    jobs = {line.split("\t")[0]: line.split("\t")[2] for line in done.out.splitlines()}
    assert list(jobs.values()) == ["clean", "clean"]
    assert sorted(p.name for p in Path("box").iterdir()) == sorted(jobs)
    assert "Write f, please." in ollama.prompts
    with Bridge() as bridge:
        assert all(bridge.get(job).state is State.DELIVERED for job in jobs)
        assert sorted(len(rounds(bridge, job)) for job in jobs) == [0, 1]


def test_run_applies_on_request_and_never_over_work_of_your_own(queue: Run, ollama: LoopbackOllama):
    Path("mine.py").write_text("mine\n")

    good = queue("run", "Write f.", "--out", "src/f.py", "--model", MODEL, "--apply", "--json")
    refused = queue("run", "Write f.", "--out", "mine.py", "--model", MODEL, "--apply")

    assert (good.code, good.json["jobs"][0]["verdict"]) == (0, "clean")
    assert Path("src/f.py").read_text() == CODE
    assert refused.code == 1
    assert "changes of your own" in refused.err
    assert Path("mine.py").read_text() == "mine\n"


def test_run_says_that_a_job_failed(queue: Run, ollama: LoopbackOllama):
    done = queue("run", "Write f.", "--model", MODEL, "--no-repair", "--job-timeout", "1h", "--jsonl", "x")
    assert done.code == 2  # prompts and a batch at once

    ollama.answer = lambda prompt: BROKEN
    assert queue("run", "Write f.", "--model", MODEL, "--no-repair").code == 1


def test_run_hands_each_result_over_as_soon_as_it_is_ready(queue: Run, ollama: LoopbackOllama, tmp_path: Path):
    box, seen = tmp_path / "box", []

    def answer(prompt: str) -> str:
        """The second prompt is answered when the first one's result lies in the outbox."""
        if "second" in prompt:
            until(lambda: any(box.glob("*/result.json")))
            seen.append(prompt)
        return GOOD

    ollama.answer = answer
    done = queue("run", "first", "second", "--model", MODEL, "--outbox", str(box))

    assert (done.code, len(seen), len(list(box.iterdir()))) == (0, 1, 2)


def test_run_says_what_stopped_the_worker(queue: Run, ollama: LoopbackOllama, monkeypatch: pytest.MonkeyPatch):
    def broken(_worker: Worker) -> None:
        raise QueueUnreadable("the folder is gone")

    monkeypatch.setattr(Worker, "run", broken)

    done = queue("run", "Write f.", "--model", MODEL)

    assert (done.code, "the folder is gone" in done.err) == (3, True)


def test_run_ends_when_the_workers_time_is_over(queue: Run, ollama: LoopbackOllama, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bridge.api.local_run.LAST_LOOKS_S", 0.1)

    done = queue("run", "Write f.", "--model", MODEL, "--max-time", "0s")

    assert (done.code, ollama.requests) == (124, [])
    assert "stay queued" in done.err


def test_run_waits_until_every_way_has_taken_every_result(queue: Run, ollama: LoopbackOllama, tmp_path: Path):
    """The program refuses once; the next try comes after two seconds."""
    log = tmp_path / "log"
    program = tmp_path / "program.py"
    program.write_text(
        f"import sys\nopen({str(log)!r}, 'a').write('x')\nsys.exit(len(open({str(log)!r}).read()) < 2)\n"
    )

    done = queue("run", "Write f.", "--model", MODEL, "--exec", f"{sys.executable} {program}")

    assert (done.code, log.read_text()) == (0, "xx"), done.err


def test_run_with_the_model_missing_leaves_the_jobs_in_the_queue(queue: Run, ollama: LoopbackOllama):
    done = queue("run", "Write f.", "--model", "nobody:1b")

    assert done.code == 3
    assert "--pull fetches it" in done.err
    assert queue("status", "--json").json["counts"]["queued"] == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT")
def test_ctrl_c_ends_run_cleanly_and_the_jobs_stay_queued(queue: Run, ollama: LoopbackOllama, tmp_path: Path):
    ollama.token_delay_s = 60.0
    process = start("run", "Write f.", "Write g.", "--model", MODEL, cwd=tmp_path)
    ollama.await_requests(1)

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)

    assert process.returncode == 130, errors
    assert "stay queued" in errors
    assert "Traceback" not in errors
    counts = queue("status", "--json").json["counts"]
    assert (counts["queued"], counts["running"]) == (2, 0)


# ---- everything at once, each a process of its own


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM")
def test_add_work_watch_and_wait_as_processes(queue: Run, ollama: LoopbackOllama, tmp_path: Path):
    watch = start("watch", "--outbox", "box", "--poll", "1s", "--json", cwd=tmp_path)
    jobs: list[str] = []
    for text in ("break it", "Write g."):
        add = start("add", text, "--lang", "python", cwd=tmp_path)
        jobs += add.communicate(timeout=120)[0].split()
    waits = [start("wait", *jobs, "--timeout", "90s", "--json", cwd=tmp_path) for _ in range(2)]
    work = start("work", "--forever", "--model", MODEL, cwd=tmp_path)
    try:
        outputs = [wait.communicate(timeout=100) for wait in waits]
        assert [wait.returncode for wait in waits] == [0, 0], outputs
    finally:
        for process in (work, watch):
            process.send_signal(signal.SIGTERM)
        events = [json.loads(line) for line in watch.communicate(timeout=120)[0].splitlines()]
        work.communicate(timeout=120)
    told = [[(j["job"], j["verdict"]) for j in json.loads(out)["jobs"]] for out, _ in outputs]
    assert told == [[(job, "clean") for job in jobs]] * 2
    assert sorted(e["job"] for e in events if e["event"] == "checked") == sorted(jobs)
    assert sorted(p.name for p in (tmp_path / "box").iterdir()) == sorted(jobs)
    assert watch.returncode == 0
    assert (tmp_path / "box" / jobs[0] / "report.sarif").is_file()


def test_a_patch_is_tried_on_the_project_and_then_applied(queue: Run):
    target = Path("app/f.py")
    target.parent.mkdir()
    target.write_text("def f(x):\n    return x\n")
    [job] = queue("add", "Change f.").ids
    queue("answer", job, input="```diff\n--- a/f.py\n+++ b/f.py\n@@ @@\n-    return x\n+    return x + 1\n```\n")

    done = queue("wait", job, "--timeout", "30s", "--project", "app", "--json")

    [told] = done.json["jobs"]
    assert (told["verdict"], told["files"][0]["role"], told["files"][0]["targets"]) == ("clean", "diff", ["f.py"])
    assert target.read_text() == "def f(x):\n    return x\n"
    assert queue("apply", job, "--root", "app", "--json").json["written"] == ["f.py"]
    assert target.read_text() == "def f(x):\n    return x + 1\n"
    assert queue("apply", job, "--root", "app", "--json").json["written"] == []
    target.write_text("nothing of it\n")
    refused = queue("apply", job, "--root", "app")
    assert (refused.code, "the file has no line" in refused.err) == (2, True)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("command", ["wait", "watch", "run"])
def test_a_command_tells_when_all_is_done(queue: Run, tmp_path: Path, command: str):
    told = tmp_path / "told"
    notify = f"{sys.executable} -c \"import sys; open('{told.as_posix()}', 'w').write(sys.stdin.read())\""
    if command == "run":
        done = queue("run", "Say something.", "--engine", "scripted", "--notify", notify)
    else:
        [job] = queue("add", "Write f.", "--lang", "python").ids
        queue("answer", job, input=GOOD)
        done = queue(
            command, *([job] if command == "wait" else ["--once"]), "--notify", notify, "--notify", "no-such-mailer"
        )
        assert "no notice by no-such-mailer" in done.err

    assert done.code == 0
    assert told.read_text().startswith("Qwen Bridge: 1 job done\n\n1 ")
