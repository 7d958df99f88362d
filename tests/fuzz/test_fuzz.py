"""A minute of fuzzing, everything that fuzzing has found so far, and whether it would notice."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.fuzz.campaign import KEPT, Target, fuzz, kept, try_one
from tests.fuzz.targets import TARGETS
from tests.support.commands import environment

#: Inputs for each target, the same ones each time; together about a minute. `make fuzz` draws others.
INPUTS = {
    "notebook": 800,
    "kernel cells": 1200,
    "header": 4000,
    "record": 8000,
    "display": 1500,
    "extraction": 250,
    "batch lines": 8000,
    "job body": 12000,
    "secrets": 300,
    "ollama": 1500,
    "openai": 1000,
    "llamacpp": 1500,
    "drive": 200,
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and limits memory")


@pytest.mark.parametrize("name", sorted(path.name for path in KEPT.iterdir()))
def test_what_was_found_once_stays_mended(name: str) -> None:
    target = TARGETS[name]()
    inputs = list(kept(name))
    assert inputs
    assert [(data[:80], why) for data in inputs if (why := try_one(target, data)[1])] == []


@pytest.mark.parametrize("name", TARGETS)
def test_no_reader_falls_over_what_comes_from_outside(name: str) -> None:
    call = [
        sys.executable,
        "-m",
        "tests.fuzz",
        "--target",
        name,
        "--inputs",
        str(INPUTS[name]),
        "--seed",
        "20261121",
        "--dry",
    ]
    ran = subprocess.run(call, capture_output=True, text=True, timeout=250, env=environment(), check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-3000:]
    assert "0 findings" in ran.stdout


def test_a_reader_that_raises_or_is_slow_is_noticed() -> None:
    def raises(data: bytes) -> None:
        if b"null" in data:
            raise KeyError("x")

    def slow(data: bytes) -> None:
        if b"null" in data:
            sum(range(100_000_000))

    for run, why in ((raises, "KeyError"), (slow, "s of processor time")):
        tally = fuzz(
            Target(name="none", seeds=[b'{"a": [1]}'], run=run), seconds=60, rng=random.Random(7), most_findings=1
        )
        assert [why in finding.why for finding in tally.findings] == [True]
