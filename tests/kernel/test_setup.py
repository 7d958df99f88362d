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
from bridge.kernel.setup import prepare, pull_model
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
    assert [line.split()[0] for line in said] == ["qwen2.5-coder:14b", "Ollama", "To", "Downloading"]
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


def elsewhere(server: LoopbackOllama) -> str:
    """The address of a loopback server in a spelling that no rule knows for this machine."""
    return f"http://0x7f.1:{server.port}"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not know this spelling of an address")
@pytest.mark.parametrize("found", [(127, ""), (0, T4)])
def test_of_another_machines_ollama_nothing_is_said_that_only_this_machine_knows(found: tuple[int, str]) -> None:
    said: list[str] = []
    with LoopbackOllama(models=("qwen2.5-coder:7b", "qwen2.5-coder:32b")) as server:
        settings, own = prepare(
            RunSettings(host=elsewhere(server), num_ctx=4096, lanes=0), say=said.append, run=Commands(nvidia=found)
        )
        auto, _ = prepare(
            RunSettings(host=elsewhere(server), model="auto", lanes=2), say=said.append, run=Commands(nvidia=found)
        )
        assert server.pulls == 0
    assert own is None
    assert (settings.model, settings.auto_model, settings.lanes) == ("qwen2.5-coder:32b", "qwen2.5-coder:32b", 4)
    assert (auto.model, auto.lanes) == ("qwen2.5-coder:32b", 2)
    assert not [line for line in said if "GPU" in line or "spill" in line or "cannot run" in line]
    assert "on another machine" in said[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not know this spelling of an address")
def test_what_is_downloaded_to_another_machine_is_said_before(tmp_path: Path) -> None:
    said: list[str] = []
    with LoopbackOllama(models=()) as server:
        prepare(RunSettings(host=elsewhere(server)), say=said.append, run=Commands())
        assert server.pulls == 1
        server.models = ()
        with pytest.raises(SetupError, match="no coder model: choose one by its name"):
            prepare(RunSettings(host=elsewhere(server), model="auto"), say=said.append, run=Commands())
    at = [number for number, line in enumerate(said) if "downloaded to that machine (20.0 GB)" in line]
    assert at
    assert "Downloading" in said[at[0] + 1]


def test_before_a_download_it_says_what_that_costs_and_what_auto_would_take() -> None:
    said: list[str] = []
    with LoopbackOllama(models=()) as server:
        prepare(RunSettings(host=server.url, lanes=1, num_ctx=8192), say=said.append, run=Commands(nvidia=(0, T4)))
        [cost] = [line for line in said if line.startswith("To download")]
        assert "20.0 GB of qwen2.5-coder:32b" in cost
        assert "of Ollama" not in cost  # it is there
        assert "`auto` would take qwen2.5-coder:14b: 9.0 GB, 13 to 20 tokens a second" in cost
        assert said.index(cost) < next(number for number, line in enumerate(said) if "Downloading" in line)
        said.clear()
        prepare(RunSettings(host=server.url), say=said.append, run=Commands(nvidia=(0, T4)))
    assert not [line for line in said if "download" in line.lower()]  # it is there now


def test_a_mac_has_a_gpu_though_no_nvidia_smi() -> None:
    mac = Commands(sysctl=(0, "1\n17179869184\n"))
    machine = look_at_machine(mac, meminfo="/nowhere")
    assert machine.gpu == "the Mac's GPU"
    assert machine.vram_bytes + machine.ram_bytes == 16 << 30
    assert look_at_machine(Commands(), meminfo="/nowhere").is_known is False


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
