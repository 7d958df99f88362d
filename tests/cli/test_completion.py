"""What a shell completes, by click's own protocol, in processes as a shell starts them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.core.job import NewJob, State
from bridge.wiring import ENGINES
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Puts a `bridge` on PATH, as an installation does."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "bridge"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom bridge.cli import main\nmain()\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return []


def completed(line: str) -> list[tuple[str, str]]:
    """(kind, word) of what is offered at the end of a line, as bash asks for it."""
    parts = line.split(" ")
    env = {**os.environ, "_BRIDGE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(parts) - 1)}
    done = subprocess.run(["bridge"], env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [(kind, word) for kind, _, word in (row.partition(",") for row in done.stdout.split())]


@pytest.fixture
def jobs(queue: Run, words: list[str]) -> list[str]:
    return [queue("add", f"Write function {n}", "--lang", "python").ids[0] for n in range(3)]


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="for the shells of POSIX")


def test_commands_options_states_and_engines_complete(words: list[str]):
    assert ("plain", "status") in completed("bridge st")
    assert ("plain", "--max-rounds") in completed("bridge wait --max")
    assert [word for _, word in completed("bridge list --state ")] == [state.value for state in State]
    assert [word for _, word in completed("bridge work --engine ")] == list(ENGINES)
    assert [word for _, word in completed("bridge demo --engine o")] == ["ollama", "openai"]


@pytest.mark.parametrize("command", ["show", "wait", "apply", "answer", "cancel", "retry", "export", "archive"])
def test_job_ids_complete_newest_first(jobs: list[str], command: str):
    offered = [word for kind, word in completed(f"bridge {command} ") if kind == "plain"]
    assert offered == sorted(jobs, reverse=True)
    assert [word for _, word in completed(f"bridge {command} {jobs[1].lower()}")] == [jobs[1]]


def test_a_job_that_stands_on_the_line_is_not_offered_again(jobs: list[str]):
    assert jobs[0] not in [word for _, word in completed(f"bridge wait {jobs[0]} ")]


def test_a_round_of_repair_is_not_offered(jobs: list[str]):
    with Bridge() as queue:
        queue.add_many([NewJob(body="Repair it", parent=jobs[0], round=1, key="a round")])
        assert len(queue.jobs()) == 4
    assert len(completed("bridge show ")) == 3


def test_the_queue_that_the_line_names_is_meant(jobs: list[str], queue: Run, tmp_path: Path):
    queue("init", "other", "--no-config")
    [job] = queue("add", "Another", "--queue", "other/qwen_bridge.ipynb").ids
    assert [word for _, word in completed("bridge show --queue other/qwen_bridge.ipynb ")] == [job]


@pytest.mark.parametrize("trouble", ["no queue", "no journal", "damaged journal", "damaged settings"])
def test_trouble_is_silent(queue: Run, words: list[str], tmp_path: Path, own_surroundings: Path, trouble: str):
    queue("add", "Write f")
    [journal] = own_surroundings.rglob("journal.sqlite3")
    if trouble == "no queue":
        (tmp_path / "bridge.toml").write_text('queue = "elsewhere/q.ipynb"')
    elif trouble == "no journal":
        shutil.rmtree(journal.parent)
    elif trouble == "damaged journal":
        journal.write_bytes(b"no database" * 1000)
    else:
        (tmp_path / "bridge.toml").write_text("= nonsense")

    assert completed("bridge show ") == []
    assert not journal.exists() or trouble != "no journal"  # looking makes nothing


@pytest.mark.parametrize(
    "line", ["bridge add -f ", "bridge work --gguf ", "bridge status --queue ", "bridge add --context "]
)
def test_files_are_left_to_the_shell(words: list[str], line: str):
    assert completed(line) == [("file", "")]
    assert completed("bridge apply --root ") == [("dir", "")]


def test_looking_for_ids_takes_no_lock_and_writes_nothing(jobs: list[str], own_surroundings: Path, tmp_path: Path):
    def contents() -> dict[Path, bytes]:
        found = (p for folder in (own_surroundings, tmp_path) for p in folder.rglob("*") if p.is_file())
        return {
            p: p.read_bytes() for p in found if not p.name.endswith(("-shm", "-wal")) and "__pycache__" not in p.parts
        }

    before = contents()
    completed("bridge show ")
    assert contents() == before


def test_a_real_bash_completes_with_the_script(jobs: list[str], tmp_path: Path, queue: Run):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    printed = queue("completion", "bash")
    assert "bash-completion" in printed.err
    (tmp_path / "complete.bash").write_text(printed.out)
    (tmp_path / "notes.md").write_text("x")
    program = (
        "source complete.bash\nCOMP_WORDS=(bridge show '')\nCOMP_CWORD=2\n_bridge_completion bridge '' show\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run([bash, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == sorted(jobs, reverse=True), done.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_accept_their_script(jobs: list[str], queue: Run, tmp_path: Path, shell: str):
    script = queue("completion", shell, "--json").json["script"]
    assert f"_BRIDGE_COMPLETE={shell}_complete" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} on this machine: only what its script says was looked at")
    (tmp_path / "script").write_text(script)
    subprocess.run([program, "-n", str(tmp_path / "script")], check=True)
