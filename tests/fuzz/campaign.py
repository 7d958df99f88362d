"""Inputs into one reader, one after the other: what it dies of, what takes it too long, and how much memory it takes."""

from __future__ import annotations

import faulthandler
import hashlib
import math
import random
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.mutate import mutant

#: Seconds of processor time that one input may take; other processes do not count.
SLOW_S = 1.0
#: Seconds after which a reader that waits for something is taken for hung: the process ends with its stack.
HUNG_S = 120.0
KEPT = Path(__file__).with_name("kept")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader. `run` raises nothing for any input; what the reader is meant to raise, it catches."""

    name: str
    seeds: list[bytes]
    run: Callable[[bytes], None]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An input that a reader did not stand."""

    target: str
    data: bytes
    why: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return KEPT / self.target / hashlib.sha256(self.data).hexdigest()[:12]

    def keep(self) -> None:
        """Write it down, to be a test from now on."""
        self.path.parent.mkdir(exist_ok=True, parents=True)
        self.path.write_bytes(self.data)


@dataclass(kw_only=True)
class Tally:
    """What came of one target's turn."""

    inputs: int = 0
    slowest_s: float = 0.0
    findings: list[Finding]


def try_one(target: Target, data: bytes) -> tuple[float, str]:
    """Seconds of processor time, and what is wrong; empty: nothing."""
    faulthandler.dump_traceback_later(HUNG_S, exit=True)
    began = time.process_time()
    try:
        target.run(data)
    except Exception:  # noqa: BLE001  # that is what is looked for
        return time.process_time() - began, traceback.format_exc(limit=-6)
    finally:
        faulthandler.cancel_dump_traceback_later()
    took = time.process_time() - began
    return took, f"it took {took:.1f} s of processor time" if took > SLOW_S else ""


def confirmed(target: Target, data: bytes) -> tuple[float, str]:
    """The same; what was slow must be slow again, because collecting garbage may fall on any input."""
    took, why = try_one(target, data)
    return try_one(target, data) if why and took > SLOW_S else (took, why)


def kept(target: str) -> Iterator[bytes]:
    """What was found before."""
    for path in sorted((KEPT / target).glob("*")) if (KEPT / target).is_dir() else ():
        yield path.read_bytes()


def fuzz(
    target: Target, *, rng: random.Random, seconds: float = math.inf, inputs: float = math.inf, most_findings: int = 5
) -> Tally:
    """Seeds first, then mutants for so long, or so many: those are the same ones each time.

    Faults with the same end of their stack count once.
    """
    tally, known = Tally(findings=[]), set[str]()
    seeds = [*target.seeds, *kept(target.name)]
    until = time.monotonic() + seconds
    while tally.inputs < len(seeds) or (tally.inputs < inputs and time.monotonic() < until):
        data = seeds[tally.inputs] if tally.inputs < len(seeds) else mutant(seeds, rng)
        took, why = confirmed(target, data)
        tally.inputs += 1
        tally.slowest_s = max(tally.slowest_s, took)
        where = why[-300:] if took <= SLOW_S else "slow"
        if why and where not in known:
            known.add(where)
            tally.findings.append(Finding(target=target.name, data=data, why=why))
            if len(tally.findings) >= most_findings:
                break
    return tally
