"""One whole run: begin, chaos, come to rest, judge."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.soak.cast import Cast
from tests.soak.chaos import FAULTS, Chaos
from tests.soak.stage import AGENTS, VICTIMS, Script, set_up, tempo
from tests.soak.verdict import Verdict, judge

#: Deeds that a short run does: each once.
SHORT_DEEDS = len(VICTIMS) + len(FAULTS) + 3
#: Looks, a second or more apart, until the queue is empty; and rounds of all machines until nothing changes.
LOOKS, ROUNDS = 200, 25


def play(home: Path, script: Script, say: Callable[[str], None] = lambda _: None) -> Verdict:
    """Run it in a folder; everything stays there."""
    logs = home / "logs"
    logs.mkdir(parents=True)
    began = time.monotonic()
    with Cast(logs=logs) as cast:
        stage = set_up(home, script, cast)
        chaos = Chaos(
            cast=cast, drive=stage.drive, seed=script.seed, victims=VICTIMS, slow=script.slow_faults,
            fork_wish=home / "b" / "fork-wish",
        )  # fmt: skip
        pauses = tempo(script)
        say(f"everybody is there after {time.monotonic() - began:.0f} s; the queue is drive:{stage.file_id}")
        while len(chaos.done) < SHORT_DEEDS or time.monotonic() - began < 60 * script.minutes:
            if deed := chaos.deed():
                say(f"{time.monotonic() - began:6.1f} s  {deed}  ({len(stage.promised())} jobs promised)")
            until = time.monotonic() + pauses.uniform(0.3, 1.7) * script.tempo_s
            while time.monotonic() < until:
                cast.tend()
                time.sleep(0.1)
        chaos.over()
        if script.minutes:
            cast.end(*AGENTS)
        say(f"{time.monotonic() - began:6.1f} s  no more trouble; waiting for the queue to be empty")
        empty = stage.empty(LOOKS)
        cast.end(*VICTIMS)
        say(f"{time.monotonic() - began:6.1f} s  all have ended; every machine in turn until nothing changes")
        rounds = stage.rest(ROUNDS)
        verdict = judge(stage, rounds=rounds, minutes=(time.monotonic() - began) / 60)
        verdict.check(empty, "the queue did not become empty")
        verdict.figures["deeds"] = chaos.done
    drive = cast.err("drive").read_text()
    verdict.check(not drive, f"the stand-in complained: {drive[:300]}")
    return verdict


def tell(text: str) -> None:
    """Progress, for people."""
    sys.stderr.write(text + "\n")
