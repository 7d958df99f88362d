"""Answers that share a sandbox share nothing else: whatever a program does for one of them, the next one does not meet it.

The programs here are shell and Python scripts that try, as a taken-over compiler would. A control runs them side by side in
one answer, where they do meet.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bridge.sandbox.confinement import Confinement, ConfinementKind, confinement, unfit
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.pool import Lane, SandboxPool
from bridge.sandbox.process import ProcessResult, ResourceLimits
from bridge.sandbox.warm import WarmSandbox

BUBBLEWRAP = Confinement(kind=ConfinementKind.BUBBLEWRAP)


@pytest.fixture
def lanes() -> Iterator[SandboxPool]:
    if (reason := unfit(ConfinementKind.BUBBLEWRAP)) or not WarmSandbox.possible(BUBBLEWRAP):
        pytest.skip(f"no sandbox can stay here: {reason}")
    some = SandboxPool(within=BUBBLEWRAP, width=1)
    yield some
    some.close()


def shell(lanes: SandboxPool, *scripts: str, limits: ResourceLimits | None = None) -> list[ProcessResult]:
    """Scripts of one answer, one after the other."""
    with lanes.take() as lane, Sandbox(within=BUBBLEWRAP, lane=lane) as box:
        return [box.run(["/bin/sh", "-c", script], limits=limits) for script in scripts]


def python(lanes: SandboxPool, script: str) -> ProcessResult:
    with lanes.take() as lane, Sandbox(within=BUBBLEWRAP, lane=lane) as box:
        return box.run(["/usr/bin/env", "python3", "-c", script])


#: What one answer leaves, and how another would see it.
TRACES = {
    "a file of its own folder": ("echo A > $HOME/trace", "cat $HOME/trace"),
    "a file above its folder": ("echo A > $HOME/../../trace", "cat $HOME/../../trace; ls -A $HOME/../.. | grep -v bridge-check"),
    "a folder that nobody may read": (
        "mkdir -p $HOME/../../x/y && echo A > $HOME/../../x/y/trace && chmod 0 $HOME/../../x", "chmod 700 $HOME/../../x; cat $HOME/../../x/y/trace",
    ),
    "a file of the machine": ("echo A > /tmp/trace", "cat /tmp/trace"),
    "a file in shared memory": ("echo A > /dev/shm/trace", "cat /dev/shm/trace"),
    "a device": ("echo A > /dev/trace", "cat /dev/trace"),
    "a variable": ("export TRACE=A", 'printf %s "$TRACE"'),
    "a process": ("(sleep 600; echo A) & setsid sh -c 'trap \"\" HUP TERM; sleep 601' &", "cat /proc/[0-9]*/cmdline | grep -a sleep | grep -av grep"),
    "where it works": ("cd /proc", "pwd | grep proc"),
    "its mask of permissions": ("umask 0", "test $(umask) = 0000 && echo A"),
    "its limits": ("ulimit -n 7", "test $(ulimit -n) = 7 && echo A"),
}  # fmt: skip


@pytest.mark.parametrize("trace", TRACES)
def test_nothing_that_one_answer_leaves_is_there_for_the_next(lanes: SandboxPool, trace: str) -> None:
    left, seen = TRACES[trace]
    shell(lanes, left)
    [ran] = shell(lanes, seen)
    assert ran.failure is None
    assert ran.stdout == ""


def test_a_control_within_one_answer_the_trace_is_seen(lanes: SandboxPool) -> None:
    _, ran = shell(lanes, *TRACES["a file of its own folder"])
    assert ran.stdout == "A\n"


def test_message_queues_and_shared_memory_make_the_sandbox_be_thrown_away(lanes: SandboxPool) -> None:
    left = python(lanes, "import ctypes; print(ctypes.CDLL(None).shmget(77, 4096, 0o1666))")
    assert left.stdout.strip() not in ("", "-1")
    seen = python(lanes, "import ctypes; print(ctypes.CDLL(None).shmget(77, 4096, 0o666))")
    assert seen.stdout.strip() == "-1"
    made = shell(lanes, "echo > /dev/mqueue/trace; ls /dev/mqueue", "ls /dev/mqueue")
    assert [ran.stdout for ran in made] == ["trace\n", ""]


def test_a_program_cannot_look_into_what_started_it_nor_reach_its_pipes(lanes: SandboxPool) -> None:
    ran = shell(
        lanes,
        "cat /proc/2/environ; ls -l /proc/2/fd | grep pipe; echo x > /proc/2/fd/3; cat /proc/2/mem; grep CapEff /proc/self/status",
    )[0]
    assert ran.stdout.split() == ["CapEff:", "0000000000000000"]


def test_nothing_but_its_folder_can_be_written_to(lanes: SandboxPool) -> None:
    ran = shell(
        lanes,
        "for p in / /tmp /dev /dev/shm /usr /etc /proc/sys /home; do echo x > $p/x && echo $p; done; mount -o remount,rw /tmp && echo rw",
    )[0]
    assert ran.stdout == ""


def test_who_kills_everything_kills_only_its_own_sandbox(lanes: SandboxPool) -> None:
    [killed] = shell(lanes, "kill -9 -1; kill -9 2; echo alive")
    assert killed.failure is not None
    assert killed.crashed
    assert shell(lanes, "echo fresh")[0].stdout == "fresh\n"


def test_a_program_that_eats_memory_ends_alone(lanes: SandboxPool) -> None:
    bomb = python(lanes, "x = []\nwhile True: x.append(bytearray(1 << 24))")
    assert bomb.code not in (0, None)
    assert shell(lanes, "echo fine")[0].stdout == "fine\n"


@pytest.mark.parametrize(
    ("script", "limits", "says"),
    [
        ("while :; do :; done", ResourceLimits(wall_s=0.3), "took longer than 0.3 s"),
        ("sleep 600 & sleep 600", ResourceLimits(wall_s=0.3), "took longer than 0.3 s"),
        ("while :; do :; done", ResourceLimits(cpu_s=1), "ended by SIG"),
        ("while :; do echo 0123456789; done", ResourceLimits(output_bytes=5000), "printed more than 5000 bytes"),
        ("kill -11 $$", ResourceLimits(), "SIGSEGV"),
        ("exec /no/such/program", ResourceLimits(), None),
    ],
)  # fmt: skip
def test_limits_hold_as_they_do_in_a_sandbox_of_its_own(
    lanes: SandboxPool, script: str, limits: ResourceLimits, says: str | None
) -> None:
    [warm] = shell(lanes, script, limits=limits)
    with Sandbox(within=BUBBLEWRAP) as box:
        cold = box.run(["/bin/sh", "-c", script], limits=limits)
    for ran in (warm, cold):
        assert (says in (ran.failure or "")) if says else ran.code == 127
    assert (warm.failure, warm.late, warm.crashed) == (cold.failure, cold.late, cold.crashed)


def test_what_a_process_left_running_prints_is_not_waited_for(lanes: SandboxPool) -> None:
    [ran] = shell(lanes, "(sleep 600; echo late) & echo now")
    assert ran.stdout == "now\n"
    assert ran.failure is None


def test_one_more_than_there_are_lanes_waits(lanes: SandboxPool) -> None:
    order: list[str] = []
    inside, done = threading.Event(), threading.Event()

    def first() -> None:
        with lanes.take():
            inside.set()
            done.wait(60)
            order.append("first")

    def second() -> None:
        with lanes.take():
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(60)
    threads[1].start()
    done.set()
    for thread in threads:
        thread.join(60)
    assert order == ["first", "second"]


def test_a_lane_is_used_again_and_one_that_cannot_be_emptied_is_not(lanes: SandboxPool) -> None:
    with lanes.take() as lane:
        assert isinstance(lane, Lane)
    with lanes.take() as again:
        assert again is lane
        assert again is not None
        again.emptied = lambda: False  # type: ignore[method-assign]  # as where a file cannot be removed
    with lanes.take() as other:
        assert other is not lane


def test_without_bubblewrap_each_run_has_a_sandbox_of_its_own() -> None:
    weaker = Confinement(kind=ConfinementKind.NONE)
    with SandboxPool(within=weaker, width=1).take() as lane:
        assert lane is None


def test_the_launcher_starts_nowhere_but_in_a_namespace_of_its_own() -> None:
    from bridge.sandbox import launcher

    with pytest.raises(SystemExit, match="namespace"):
        launcher.main()
    assert confinement() is confinement()
