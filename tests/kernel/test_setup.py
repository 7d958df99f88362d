"""The setup: what it runs, what it says, and what it does when a step fails. Nothing is installed here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.kernel import setup
from bridge.kernel.machine import look_at_machine, run_command
from bridge.kernel.ollama import Ollama
from bridge.kernel.run import RunSettings
from bridge.kernel.server import SetupError, await_server, reviver, serve
from bridge.kernel.setup import install_ollama, prepare, pull_model
from tests.support.ollama import LoopbackOllama

ROOT = Path(__file__).parents[2]
T4 = "Tesla T4, 15360\n"


class Commands:
    """Answers commands by the first words that match; remembers all."""

    def __init__(self, **answers: tuple[int, str]) -> None:
        self.answers = answers
        self.run: list[str] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        text = " ".join(command)
        self.run.append(text)
        status, output = next((answer for word, answer in self.answers.items() if word in text), (127, "not found"))
        return subprocess.CompletedProcess(list(command), status, stdout=output)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine like Colab's: Linux, neither ollama nor zstd."""
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    monkeypatch.setattr(setup.platform, "system", lambda: "Linux")
    monkeypatch.setattr(setup.platform, "machine", lambda: "x86_64")


def test_the_machine_is_read_from_nvidia_smi_and_meminfo(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 13290460 kB\nMemAvailable:   11534336 kB\n")
    machine = look_at_machine(Commands(nvidia=(0, T4)), meminfo=str(meminfo), models_at=str(tmp_path))
    assert (machine.gpu, machine.vram_bytes, machine.ram_bytes) == ("Tesla T4", 15360 << 20, 11534336 << 10)
    assert machine.disk_bytes
    for broken in ((127, ""), (9, "NVIDIA-SMI has failed"), (0, "No devices were found")):
        assert look_at_machine(Commands(nvidia=broken), meminfo="/nowhere").vram_bytes == 0


def test_a_command_gives_its_output_and_a_missing_program_is_no_exception() -> None:
    done = run_command([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"])
    assert (done.returncode, sorted(done.stdout.split())) == (3, ["err", "out"])
    assert run_command(["no-such-program-here"]).returncode == 127


@pytest.mark.usefixtures("bare")
def test_ollama_is_unpacked_from_its_archive_after_zstd_was_installed() -> None:
    commands = Commands(apt=(0, ""), curl=(0, ""))
    install_ollama(commands, say=lambda line: None, version="0.33.0")
    apt, curl = commands.run
    assert "apt-get install -y -qq zstd" in apt
    assert "set -o pipefail; curl -fsSL" in curl
    assert "ollama-linux-amd64.tar.zst?version=0.33.0' | zstd -d | tar -xf - -C '/usr/local'" in curl


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"apt": (100, "E: Unable to locate")}, "zstd"),  # no zstd to be had
        (
            {"apt": (0, ""), "curl": (22, "a\ncurl: (22) 404")},
            r"curl: \(22\) 404",
        ),  # the download fails: its last lines
    ],
)
def test_a_step_of_the_installation_that_fails_says_which(answers: dict, words: str) -> None:
    with pytest.raises(SetupError, match=words):
        install_ollama(Commands(**answers), say=lambda line: None)


def test_elsewhere_than_on_linux_a_person_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    monkeypatch.setattr(setup.platform, "system", lambda: "Darwin")
    with pytest.raises(SetupError, match=r"ollama\.com/download"):
        install_ollama(Commands())


def test_the_server_gets_its_lanes_and_the_whole_environment_and_is_awaited(tmp_path: Path) -> None:
    names = ["OLLAMA_NUM_PARALLEL", "OLLAMA_NO_CLOUD", "OLLAMA_CONTEXT_LENGTH", "LD_LIBRARY_PATH"]
    dump = f"import os, sys; print({{n: os.environ.get(n) for n in {names}}}, file=sys.stderr, flush=True);"
    start = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.support.ollama import LoopbackOllama;"
        "s = LoopbackOllama(port=int(os.environ['OLLAMA_HOST'].rpartition(':')[2])); s.start(); s.released.wait()"
    )
    with LoopbackOllama() as probe:
        url = probe.url  # a port that is free in a moment
    log = tmp_path / "ollama.log"
    environ = {**os.environ, "LD_LIBRARY_PATH": "/usr/lib64-nvidia"}
    server = serve(
        lanes=3, num_ctx=8192, host=url, log=log, environ=environ, command=(sys.executable, "-c", dump + start)
    )
    try:
        assert await_server(Ollama(url), server).startswith("0.33")
        assert server.alive
        assert os.getsid(server.process.pid) == server.process.pid  # an interrupt of the cell does not reach it
        text = log.read_text()
        for words in ("'OLLAMA_NUM_PARALLEL': '3'", "'OLLAMA_NO_CLOUD': '1'", "'8192'", "/usr/lib64-nvidia"):
            assert words in text
    finally:
        server.process.kill()
        server.process.wait()


def test_a_server_that_dies_shows_the_tail_of_its_log(tmp_path: Path) -> None:
    script = "import sys; print('first line'); print('CUDA driver version is insufficient'); sys.exit(3)"
    log = tmp_path / "ollama.log"
    server = serve(lanes=1, num_ctx=1, host="", log=log, environ=os.environ, command=(sys.executable, "-c", script))
    with pytest.raises(SetupError, match=r"(?s)status 3.*CUDA driver version"):
        await_server(Ollama("127.0.0.1:1"), server, sleep=lambda seconds: server.process.wait())
    with pytest.raises(SetupError, match="cannot start"):
        serve(lanes=1, num_ctx=1, host="", log=log, environ=os.environ, command=("no-such-program-here",))


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    now = iter(range(0, 1000, 40))
    log = tmp_path / "ollama.log"
    command = (sys.executable, "-c", "print('listening, but where', flush=True); input()")
    read, write = os.pipe()
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=read, stdout=stream)
    try:
        with pytest.raises(SetupError, match="within 60 s"):
            await_server(
                Ollama("127.0.0.1:1"), setup.Server(process=process, log=log, again=lambda: pytest.fail('revived')), clock=lambda: next(now), sleep=lambda seconds: None
            )  # fmt: skip
    finally:
        os.close(write)
        os.close(read)
        process.kill()
        process.wait()


def test_a_pull_shows_a_bar_and_what_is_there_is_not_pulled() -> None:
    lines: list[str] = []
    with LoopbackOllama(models=()) as server:
        pull_model(Ollama(server.url), "qwen2.5-coder:7b", say=lambda line: None, show=lines.append)
        pull_model(Ollama(server.url), "qwen2.5-coder:7b", say=lambda line: pytest.fail("pulled twice"))
        assert server.pulls == 1
        server.pull_error = "no space left on device"
        with pytest.raises(SetupError, match=r"cannot pull x: .*no space"):
            pull_model(Ollama(server.url), "x", say=lambda line: None)
    assert any("############............" in line for line in lines)


def test_all_steps_against_a_server_that_is_there_say_before_the_pull_what_fits() -> None:
    said: list[str] = []
    with LoopbackOllama(models=()) as server:
        wanted = RunSettings(model="auto", lanes=4, num_ctx=4096)
        settings, own = prepare(
            wanted, say=said.append, run=Commands(nvidia=(0, T4)), environ={"OLLAMA_HOST": server.url}
        )
        assert (settings.model, settings.host, own) == ("qwen2.5-coder:14b", server.url, None)
        assert "qwen2.5-coder:14b" in server.models
    assert [line.split()[0] for line in said] == ["qwen2.5-coder:14b", "Ollama", "Downloading"]
    assert "it fits whole" in said[0]


def test_a_model_that_spills_is_used_as_asked_for_and_one_that_cannot_run_stops_before_anything_is_installed() -> None:
    said: list[str] = []
    with LoopbackOllama() as server:
        settings, _ = prepare(RunSettings(host=server.url), say=said.append, run=Commands(nvidia=(0, T4)))
    assert settings.model == "qwen2.5-coder:32b"
    assert "spills" in said[0]
    assert "qwen2.5-coder:14b would fit whole" in said[0]
    commands = Commands()
    with pytest.raises(SetupError, match="cannot run here"):
        prepare(RunSettings(host=server.url, model="llama:405b"), say=said.append, run=commands)
    assert len(commands.run) == 1
    assert any("Change runtime type" in line for line in said)


def test_a_bare_machine_gets_a_server_of_its_own_which_is_started_again_when_it_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    with LoopbackOllama() as probe:
        url = probe.url  # a port that is free in a moment
    command = (sys.executable, "-m", "tests.support.ollama", "--port", url.rpartition(":")[2])
    environ = {**os.environ, "OLLAMA_HOST": url, "PYTHONPATH": str(ROOT)}
    wanted = RunSettings(model="qwen2.5-coder:7b")
    settings, server = prepare(
        wanted, say=lambda line: None, run=Commands(nvidia=(0, T4)), environ=environ, log=tmp_path / "log", command=command
    )  # fmt: skip
    assert server is not None
    started = []
    again = setup.Server(
        process=server.process, log=server.log, again=lambda: started.append(server.again()) or started[0]
    )
    revive = reviver(again)
    try:
        revive()
        assert not started  # it lives
        server.process.kill()
        server.process.wait()
        revive()
        assert await_server(Ollama(settings.host), started[0])
    finally:
        for process in (server.process, *(other.process for other in started)):
            process.kill()
            process.wait()
    reviver(None)()


def test_another_machines_server_that_does_not_answer_is_not_replaced_by_one_here() -> None:
    with pytest.raises(SetupError, match=r"no Ollama answers at http://nowhere\.invalid:80"):
        prepare(
            RunSettings(host="http://nowhere.invalid"), say=lambda line: None, run=Commands(nvidia=(0, T4)), environ={}
        )


@pytest.mark.parametrize(
    ("version", "older"), [("0.12.5", True), ("0.9.6", True), ("0.12.6", False), ("0.33.0-rc2", False), ("1.0", False)]
)
def test_an_ollama_that_cuts_prompts_is_known_by_its_version(version: str, older: bool) -> None:
    assert setup.is_older(version, setup.OLDEST) is older


def test_an_error_of_the_setup_is_one_line_in_a_notebook() -> None:
    assert SetupError("no disk")._render_traceback_() == ["Setup stopped: no disk"]
