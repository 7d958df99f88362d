"""One agent's run: a scratch repository, a home of its own, the settings of the page, and a hard end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.engines.scripted import ScriptedEngine
from tests.clients import by_mcp
from tests.clients.agents import AFTER, BEFORE, FILE, Agent, Model
from tests.clients.install import NPM_BIN, PYTHON_BIN
from tests.clients.recorder import Exchange, Recorder, nowhere
from tests.clients.settings import ADDRESS, MODEL, ClientSettings, client_settings
from tests.gateway.serving import gateway

#: More than a busy machine takes for any of them, in seconds.
LIMIT_S = 420.0
#: More requests than any of them needs: beyond, it loops.
MOST_REQUESTS = 20
#: Agents' prompts have up to 25,000 tokens.
WINDOW = 65_536


@dataclass(kw_only=True)
class Run:
    """What happened."""

    agent: str
    version: str
    exit_code: int | None = None  #: None: it was ended
    seconds: float = 0.0
    output: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)  #: that it tried to reach, in vain
    faults: list[str] = field(default_factory=list)


def run_agent(agent: Agent, version: str, scratch: Path) -> Run:
    """Let it edit the file through a gateway of its own."""
    project, home = scratch / "project", scratch / "home"
    _make_project(project)
    home.mkdir()
    run = Run(agent=f"{agent.name} by MCP" if agent.mcp else agent.name, version=version)
    engine = ScriptedEngine(Model(calls=agent.calls, file=project / FILE), models=(MODEL,))
    with (
        gateway(engine, lanes=1, longest=100, num_ctx=WINDOW, one_model=True, around=Recorder) as served,
        nowhere() as (proxy, hosts),
    ):
        assert isinstance(served.outermost, Recorder)
        run.exchanges = served.outermost.kept
        settings = _at(client_settings(agent.name), served.url)
        if agent.mcp:
            settings = settings.with_files(client_settings(agent.name, by_mcp.PAGE.read_text("utf-8")).files)
            by_mcp.prepare(project)
        _write(settings, project, home)
        began = time.monotonic()
        _execute(run, _unattended(agent, settings.command), project, _environment(agent, home, proxy))
        run.seconds = time.monotonic() - began
    run.hosts = sorted(hosts)
    run.faults += _faults(agent, run, project)
    return run


def _make_project(folder: Path) -> None:
    folder.mkdir()
    (folder / FILE).write_text(BEFORE, "utf-8")
    author = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "One file"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _at(settings: ClientSettings, url: str) -> ClientSettings:
    port = url.rpartition(":")[2]
    here = f"{ADDRESS.rpartition(':')[0]}:{port}"
    files = {name: text.replace(ADDRESS, here) for name, text in settings.files.items()}
    return ClientSettings(files=files, command=settings.command.replace(ADDRESS, here))


def _write(settings: ClientSettings, project: Path, home: Path) -> None:
    for name, text in settings.files.items():
        path = home / name[2:] if name.startswith("~/") else project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _unattended(agent: Agent, command: str) -> str:
    for part, more in agent.unattended.items():
        assert part in command, f"{part!r} is not in the command of {agent.name}"
        command = command.replace(part, more)
    return command


def _environment(agent: Agent, home: Path, proxy: str) -> dict[str, str]:
    path = os.pathsep.join([str(PYTHON_BIN if agent.is_python else NPM_BIN), os.environ["PATH"]])
    shown: Mapping[str, str] = {
        "HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", "CI": "1", "NO_COLOR": "1",
        "DO_NOT_TRACK": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org",
        "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org",
    }  # fmt: skip
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy") if agent.heeds_no_proxy else ()
    proxies = dict.fromkeys(names, proxy) | {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
    return by_mcp.on_path({**shown, **proxies, **agent.env})


def _execute(run: Run, command: str, project: Path, env: Mapping[str, str]) -> None:
    with _started(command, project, env) as process:
        try:
            run.output = process.communicate(timeout=LIMIT_S)[0]
            run.exit_code = process.returncode
        except subprocess.TimeoutExpired:
            _end_group(process)
            run.output = process.communicate()[0]


@contextlib.contextmanager
def _started(command: str, project: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A shell that does it, in a process group of its own; nothing of it outlives the block."""
    process = subprocess.Popen(
        ["sh", "-ec", command], cwd=project, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _faults(agent: Agent, run: Run, project: Path) -> list[str]:
    found = []
    if run.exit_code != 0:
        found.append(f"it took longer than {LIMIT_S:.0f} s" if run.exit_code is None else f"exit code {run.exit_code}")
    if agent.edits and (project / FILE).read_text("utf-8") != AFTER:
        found.append("the file is not as it should be")
    if not any(one.status == 200 and one.method == "POST" for one in run.exchanges):
        found.append("no request was answered")
    found += [f"it says {words!r}" for words in agent.never_says if words in run.output]
    if len(run.exchanges) > MOST_REQUESTS:
        found.append(f"{len(run.exchanges)} requests: it loops")
    found += [f"{one.method} {one.path} was answered with {one.status}" for one in run.exchanges if one.status >= 400]
    found += ["a stream ended with an error" for one in run.exchanges if b'"error":{' in one.reply.replace(b" ", b"")]
    return found
