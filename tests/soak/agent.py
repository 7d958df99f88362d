"""A dev agent as a process: adds jobs one after the other, and writes down each id that it was promised.

Killed anywhere, it is started again and adds its next job under the same key: either it was added before, or it is now.
SIGTERM: it finishes the job that it is adding, and ends; with `--stay` nothing else ends it, so that it can be killed at any time.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from pathlib import Path

from bridge import Bridge
from bridge.core.errors import BridgeError
from tests.soak.event_log import EventLog

#: Every so many prompts bring code that does not parse, which the watcher has repaired, in vain.
BAD_EVERY = 12


def body(name: str, number: int) -> str:
    """A prompt whose first 60 characters hold a code block: the scripted engine answers with them."""
    code = f"x = = {number}" if number % BAD_EVERY == BAD_EVERY - 1 else f"{name[-1].upper()} = {number}"
    return f"{name}-{number}\n```python\n{code}\n```\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.agent")
    parser.add_argument("name")
    parser.add_argument("queue")
    parser.add_argument("log", type=Path)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--pause", type=float, required=True, help="seconds between two jobs, on average")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--stay", action="store_true", help="after the last job, wait for SIGTERM")
    asked = parser.parse_args()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    log = EventLog(path=asked.log)
    promised = {line["key"] for line in log.read("promised")}
    chance = random.Random(f"{asked.seed} {asked.name} {len(promised)}")
    for number in range(asked.count):
        key = f"{asked.name}-{number}"
        if key in promised:
            continue
        while True:
            try:
                with Bridge(asked.queue, caller=asked.name) as bridge:
                    job = bridge.add(body(asked.name, number), key=key)
                break
            except BridgeError as error:  # Drive is down, the lock is held: an agent tries again
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                threading.Event().wait(chance.uniform(0.2, 1.0))
        log.write("promised", key=key, job=job)
        if over.wait(chance.uniform(0.0, 2 * asked.pause)):
            break
    if asked.stay:
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
