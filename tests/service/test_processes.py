"""Services as processes of our own: real commands, real kills. What runs on a machine without systemd, launchd or Windows."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from tests.service.specs import Services, lives
from tests.support.patience import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def answers(services: Services) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{services.port}/health", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def test_a_gateway_from_installing_to_uninstalling(services: Services) -> None:
    services.install("serve", "--engine", "scripted")
    assert services.status()["running"] is False
    assert services("status").code == 3

    started = services("start", "--json").json
    assert (started["running"], started["health"], started["manager"]) == (True, "ok", "detached")
    assert answers(services)
    again = services("start", "--json").json
    assert again["pid"] == started["pid"]

    os.kill(started["pid"], signal.SIGKILL)
    until(lambda: (now := services.status())["restarts"] == 1 and now["health"] == "ok")
    now = services.status()
    assert now["pid"] != started["pid"]
    assert now["last_exit"] == -9
    restarted = services("restart", "--json").json
    assert (restarted["restarts"], restarted["health"]) == (0, "ok")
    assert not lives(now["pid"])

    assert services("stop", "--json").json["running"] is False
    assert not answers(services)
    assert not lives(restarted["pid"])
    assert "ended with code -9; started again" in services("logs", "-n", "1000").out
    assert services("uninstall").code == 0
    assert {path.name for path in services.file("").iterdir()} == {"serve.log"}


def test_two_starts_at_once_give_one_process(services: Services) -> None:
    services.install("serve", "--engine", "scripted")
    starts = [services.begin("start", "--json") for _ in range(3)]
    ended = [start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0], ended
    keeper = int(services.file("serve.pid").read_text())
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(keeper)], capture_output=True, text=True, check=True)
    assert [int(pid) for pid in children.stdout.split()] == [services.status()["pid"]]
    assert services("logs").out.count("(scripted)") == 1


def test_a_pid_file_that_was_left_behind_means_nothing(services: Services) -> None:
    services.install("serve", "--engine", "scripted")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        services.file("serve.pid").write_text(f"{bystander.pid}\n")
        services.file("serve.state").write_text(f'{{"keeper": {bystander.pid}, "child": {bystander.pid}}}')
        services.file("serve.lock").touch()
        assert services.status()["running"] is False
        assert services("stop").code == 0
        assert services("start").code == 0
        assert services.status()["pid"] != bystander.pid
        assert services("stop").code == 0
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_a_keeper_that_is_killed_leaves_nothing_behind_and_is_started_again(services: Services) -> None:
    services.install("serve", "--engine", "scripted")
    child = services("start", "--json").json["pid"]
    os.kill(int(services.file("serve.pid").read_text()), signal.SIGKILL)

    until(lambda: not lives(child))
    told = services.status()
    assert (told["running"], told["detail"]) == (False, "its keeper was killed")
    assert services("start", "--json").json["health"] == "ok"


def test_a_service_that_cannot_start_says_why(services: Services) -> None:
    services.install("serve", "--engine", "scripted")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", services.port))
        taken.listen()
        done = services("start")
    assert done.code == 3
    assert f"127.0.0.1:{services.port} cannot be listened on" in done.err
    told = services.status()
    assert (told["running"], told["last_exit"], told["restarts"]) == (False, 2, 0)  # wrong use: not tried again


def test_another_gateway_at_the_address_is_not_taken_for_the_service(services: Services, tmp_path: object) -> None:
    services.install("serve", "--engine", "scripted")
    assert services("start").code == 0
    other = Services(folder=services.folder, state=services.state.with_name("other"), port=services.port)
    other.install("serve", "--engine", "scripted")
    done = other("start")
    assert (done.code, "another gateway answers" in done.err) == (3, True)
    assert other.status()["running"] is False
    assert other("uninstall").code == 0


def test_the_log_of_a_running_service_rotates(services: Services) -> None:
    services.install("serve", "--engine", "scripted", log_bytes=1_000)
    assert services("start").code == 0
    for _ in range(60):
        assert answers(services)
    until(lambda: services.file("serve.log.3").exists())
    assert not services.file("serve.log.4").exists()
    assert all(path.stat().st_size <= 1_000 for path in services.file("").glob("serve.log*"))
    assert len(services("logs", "-n", "5").out.splitlines()) == 5


def test_a_worker_answers_jobs_and_gets_no_secret_of_the_shell(services: Services) -> None:
    env = services.environ()
    bridge = [sys.executable, "-m", "bridge"]
    subprocess.run([*bridge, "init"], cwd=services.folder, env=env, check=True, capture_output=True)
    installed = services.install("work", "--engine", "scripted")
    assert "secrets are not written into a service (OPENAI_API_KEY)" in installed.err
    assert services("start", "work").code == 0
    added = subprocess.run([*bridge, "add", "Hello"], cwd=services.folder, env=env, check=True, capture_output=True)
    waited = subprocess.run(
        [*bridge, "wait", added.stdout.decode().strip(), "--timeout", "100s"], cwd=services.folder, env=env, check=False
    )
    assert waited.returncode == 0
    written = b"".join(path.read_bytes() for path in services.file("").iterdir())
    assert b"sk-not-to-be-written" not in written
    assert services.status("work")["running"] is True
