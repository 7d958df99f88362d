"""What every manager of services keeps to, before programs that are scripted."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge.core.errors import ServiceFailed
from bridge.setup.service.base import ManagerKind, ServiceManager, ServiceRole
from bridge.setup.service.detached import DetachedProcesses
from bridge.setup.service.launchd import LaunchdAgents
from bridge.setup.service.managers import choose_manager
from bridge.setup.service.programs import ProgramOutput, ProgramRunner, ScriptedPrograms, SystemPrograms
from bridge.setup.service.systemd import SystemdUnits, unit_text
from bridge.setup.service.windows_task import WindowsTasks
from tests.service.specs import spec

FAILS = ProgramOutput(code=5, err="Access denied by the scripted system.")
ODD = ("--model", 'a "b" \\n %h $HOME é;x', "--queue", "folder with spaces/q.ipynb")


def manager_of(kind: ManagerKind, programs: ProgramRunner, tmp_path: Path) -> ServiceManager:
    """One whose files lie below a folder."""
    if kind is ManagerKind.SYSTEMD:
        return SystemdUnits(programs, environ={"XDG_CONFIG_HOME": str(tmp_path / "config"), "USER": "me"})
    if kind is ManagerKind.LAUNCHD:
        return LaunchdAgents(programs, user=501, library=tmp_path / "Library")
    return WindowsTasks(programs, user="HOUSE\\me") if kind is ManagerKind.WINDOWS else DetachedProcesses()


every = pytest.mark.parametrize("kind", list(ManagerKind))
of_the_system = pytest.mark.parametrize("kind", [kind for kind in ManagerKind if kind is not ManagerKind.DETACHED])


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@every
def test_planning_writes_nothing_and_installing_what_was_planned(kind: ManagerKind, tmp_path: Path) -> None:
    manager, service = manager_of(kind, ScriptedPrograms(), tmp_path), spec(tmp_path / "home", kind)
    planned = manager.files(service)
    assert files_below(tmp_path) == set()
    for _ in range(2):  # done again without harm
        manager.install(service)
        assert {file.path: file.data for file in planned} == {path: path.read_bytes() for path in files_below(tmp_path)}
    assert not any(file.path.stat().st_mode & 0o077 for file in planned)


@every
def test_uninstalling_leaves_nothing_and_twice_does_no_harm(kind: ManagerKind, tmp_path: Path) -> None:
    manager, service = manager_of(kind, ScriptedPrograms(), tmp_path), spec(tmp_path / "home", kind)
    manager.install(service)
    for _ in range(2):
        manager.uninstall(service)
        assert files_below(tmp_path) == set()


@every
def test_what_was_never_started_does_not_run_and_is_stopped_without_harm(kind: ManagerKind, tmp_path: Path) -> None:
    manager, service = manager_of(kind, ScriptedPrograms(), tmp_path), spec(tmp_path / "home", kind)
    manager.install(service)
    manager.stop(service)
    status = manager.status(service)
    assert (status.running, status.pid, status.restarts) == (False, None, 0)
    assert manager.logs(service, 10) == ""
    assert all(manager.remarks(service))


@of_the_system
def test_what_the_system_refuses_is_told_in_its_own_words(kind: ManagerKind, tmp_path: Path) -> None:
    programs = ScriptedPrograms(script={(name,): FAILS for name in ("systemctl", "launchctl", "schtasks")})
    manager, service = manager_of(kind, programs, tmp_path), spec(tmp_path / "home", kind)
    with pytest.raises(ServiceFailed, match="Access denied by the scripted system"):
        manager.start(service)


# ---- systemd


def verified(unit: str, folder: Path) -> str:
    """What `systemd-analyze verify` has against a unit; nothing, if it is right."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    file = folder / "qwen-bridge-serve.service"
    file.write_text(unit)
    (folder / "run").mkdir(exist_ok=True)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)], capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder / "run")},
    )  # fmt: skip
    return done.stdout + done.stderr + (f"code {done.returncode}" if done.returncode else "")


@pytest.mark.parametrize("role", list(ServiceRole))
def test_systemd_finds_nothing_wrong_with_a_unit(role: ServiceRole, tmp_path: Path) -> None:
    (home := tmp_path / "50% of a home").mkdir()
    unit = unit_text(
        spec(home, ManagerKind.SYSTEMD, role=role, options=ODD, environment={"BRIDGE_QUEUE": 'a "b" %h $X \\t é'})
    )
    assert verified(unit, tmp_path) == ""
    assert "Unknown key" in verified(unit.replace("KillMode=", "Killmode="), tmp_path)  # it does look


def test_a_unit_keeps_every_word_of_a_command(tmp_path: Path) -> None:
    unit = unit_text(spec(tmp_path, ManagerKind.SYSTEMD, options=ODD))
    assert r'"--model" "a \"b\" \\n %%h $$HOME é;x" "--queue" "folder with spaces/q.ipynb"' in unit


@pytest.mark.parametrize(
    ("told", "remark"),
    [("yes\n", None), ("no\n", "linger is off"), ("", "cannot be told")],
)  # fmt: skip
def test_linger_that_is_off_is_said_with_the_command_that_turns_it_on(
    told: str, remark: str | None, tmp_path: Path
) -> None:
    programs = ScriptedPrograms(script={("loginctl", "show-user", "me"): ProgramOutput(out=told)})
    said = " ".join(manager_of(ManagerKind.SYSTEMD, programs, tmp_path).remarks(spec(tmp_path, ManagerKind.SYSTEMD)))
    assert (remark is None) == (said == "")
    assert remark is None or (remark in said and "`loginctl enable-linger me`" in said)


@pytest.mark.parametrize(
    ("told", "running", "pid", "last_exit"),
    [
        ("ActiveState=active\nSubState=running\nMainPID=77\nNRestarts=2\nExecMainCode=0\nExecMainStatus=0\n", True, 77, None),
        ("ActiveState=failed\nSubState=failed\nMainPID=0\nNRestarts=2\nExecMainCode=1\nExecMainStatus=2\n", False, None, 2),
        ("ActiveState=activating\nSubState=auto-restart\nMainPID=0\nNRestarts=2\nExecMainCode=2\nExecMainStatus=9\n", False, None, -9),
    ],
)  # fmt: skip
def test_systemd_says_how_it_is(
    told: str, running: bool, pid: int | None, last_exit: int | None, tmp_path: Path
) -> None:
    programs = ScriptedPrograms(script={("systemctl", "--user", "show"): ProgramOutput(out=told)})
    status = manager_of(ManagerKind.SYSTEMD, programs, tmp_path).status(spec(tmp_path, ManagerKind.SYSTEMD))
    assert (status.running, status.pid, status.restarts, status.last_exit) == (running, pid, 2, last_exit)


# ---- launchd and Windows


def test_an_agent_is_a_plist_that_starts_at_login_and_again_after_a_failure(tmp_path: Path) -> None:
    service = spec(tmp_path, ManagerKind.LAUNCHD, options=ODD, environment={"QWENCODER_PORT": "11452"})
    [file] = manager_of(ManagerKind.LAUNCHD, ScriptedPrograms(), tmp_path).files(service)
    agent = plistlib.loads(file.data)
    assert file.path.name == f"{agent['Label']}.plist"
    assert agent["ProgramArguments"] == list(service.keeper_command)
    assert (agent["RunAtLoad"], agent["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert agent["EnvironmentVariables"] == {"QWENCODER_PORT": "11452"}
    if shutil.which("plutil"):
        file.path.parent.mkdir(parents=True)
        file.path.write_bytes(file.data)
        assert subprocess.run(["plutil", "-lint", str(file.path)], check=False).returncode == 0


def test_an_agent_is_loaded_by_start_and_taken_out_by_stop(tmp_path: Path) -> None:
    loaded = ScriptedPrograms()
    unloaded = ScriptedPrograms(script={("launchctl", "print"): ProgramOutput(code=113)})
    service = spec(tmp_path, ManagerKind.LAUNCHD)
    manager_of(ManagerKind.LAUNCHD, unloaded, tmp_path).start(service)
    manager_of(ManagerKind.LAUNCHD, loaded, tmp_path).stop(service)
    assert unloaded.ran[-1][:3] == ("launchctl", "bootstrap", "gui/501")
    assert loaded.ran[-1] == ("launchctl", "bootout", "gui/501/dev.qwen-bridge.serve")


def test_a_task_is_xml_that_runs_the_keeper_without_a_time_limit(tmp_path: Path) -> None:
    service = spec(tmp_path / "a & <b>", ManagerKind.WINDOWS)
    [file] = manager_of(ManagerKind.WINDOWS, ScriptedPrograms(), tmp_path).files(service)
    task = ElementTree.fromstring(file.data.decode("utf-16").partition("?>")[2])
    found = {element.tag.rpartition("}")[2]: element.text for element in task.iter()}
    assert file.data.startswith(b"\xff\xfe")
    assert (found["ExecutionTimeLimit"], found["UserId"]) == ("PT0S", "HOUSE\\me")
    assert found["WorkingDirectory"] == str(tmp_path / "a & <b>")
    assert found["Arguments"] == subprocess.list2cmdline(service.keeper_command[1:])


# ---- which one


@pytest.mark.parametrize(
    ("platform", "script", "kind", "why"),
    [
        ("darwin", {}, ManagerKind.LAUNCHD, ""),
        ("win32", {}, ManagerKind.WINDOWS, ""),
        ("linux", {}, ManagerKind.SYSTEMD, ""),
        ("linux", {("systemctl", "--user"): ProgramOutput(code=1)}, ManagerKind.DETACHED, "no user session"),
        ("linux", {("systemctl",): ProgramOutput(code=127)}, ManagerKind.DETACHED, "no systemd"),
    ],
)
def test_a_system_without_a_manager_gets_a_process_of_our_own_and_is_told_why(
    platform: str, script: dict[tuple[str, ...], ProgramOutput], kind: ManagerKind, why: str
) -> None:
    chosen, said = choose_manager(ScriptedPrograms(script=script), platform=platform)
    assert chosen is kind
    assert (said == "") == (why == "")
    assert why in said


def test_a_program_that_is_not_there_is_told_not_raised() -> None:
    assert SystemPrograms().run("no-such-program-of-any-system").code == 127
