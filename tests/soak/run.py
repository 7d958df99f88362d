"""One whole run: begin, chaos, come to rest, judge."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.soak.chaos import FAULTS, Chaos
from tests.soak.processes import Processes
from tests.soak.scenario import AGENTS, VICTIMS, SoakSettings, action_pauses, set_up
from tests.soak.verdict import Verdict, judge

#: Actions of a short run: each once.
SHORT_ACTIONS = len(VICTIMS) + len(FAULTS) + 3
#: Jobs that are added until all that was caused has been met; looks, a second or more apart, until the queue is empty;
#: and rounds of all machines until nothing changes.
EXTRA_JOBS, LOOKS, ROUNDS = 60, 200, 25


def run(home: Path, settings: SoakSettings, progress: Callable[[str], None] = lambda _: None) -> Verdict:
    """Run it in a folder; everything stays there."""
    logs = home / "logs"
    logs.mkdir(parents=True)
    began = time.monotonic()

    def say(text: str) -> None:
        progress(f"{time.monotonic() - began:6.1f} s  {text}")

    with Processes(logs=logs) as processes:
        scenario = set_up(home, settings, processes)
        chaos = Chaos(
            processes=processes, drive=scenario.drive, seed=settings.seed, victims=VICTIMS,
            slow=settings.slow_faults, fork_request=scenario.fork_request,
        )  # fmt: skip
        pauses = action_pauses(settings)
        say(f"everybody is there; the queue is drive:{scenario.file_id}")
        while len(chaos.done) < SHORT_ACTIONS or time.monotonic() - began < 60 * settings.minutes:
            say(f"{chaos.act()}  ({len(scenario.promised())} jobs promised)")
            until = time.monotonic() + pauses.uniform(0.3, 1.7) * settings.action_pause_s
            while time.monotonic() < until:
                processes.restart_ended()
                time.sleep(0.1)
        chaos.resume_all()
        say("adding jobs until everything that was caused has been met")
        unmet = scenario.meet_all(EXTRA_JOBS)
        chaos.over()
        processes.stop(*AGENTS)
        say("no more trouble; waiting for the queue to be empty")
        empty = scenario.empty(LOOKS)
        processes.stop(*VICTIMS)
        say("all have ended; every machine in turn until nothing changes")
        rounds = scenario.rest(ROUNDS)
        verdict = judge(scenario, rounds=rounds, minutes=(time.monotonic() - began) / 60)
        verdict.check(empty, "the queue did not become empty")
        verdict.check(not unmet, f"caused, and never met: {unmet}")
        verdict.figures["actions"] = chaos.done
    drive = processes.err("drive").read_text()
    verdict.check(not drive, f"the stand-in complained: {drive[:300]}")
    return verdict


def to_stderr(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(text + "\n")
