"""A checker that runs out of time on a busy machine is asked once more, with more time."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.checking.checkers.base import CheckContext, CheckOutcome, Source
from bridge.checking.checkers.go import GOVET
from bridge.sandbox.process import ProcessResult, ResourceLimits

LATE = ProcessResult(code=-9, stdout="", stderr="", failure="took longer than 20 s", late=True)
CRASHED = ProcessResult(code=-11, stdout="", stderr="", failure="ended by SIGSEGV", crashed=True)
FLOODED = ProcessResult(code=-9, stdout="", stderr="", failure="printed more than 1000000 bytes")
CLEAN = ProcessResult(code=0, stdout="", stderr="")


class Box:
    """A sandbox whose programs end as they are told to."""

    within = SimpleNamespace(holds=True)

    def __init__(self, *ends: ProcessResult) -> None:
        self.texts: dict[str, str] = {}
        self.ends = list(ends)
        self.walls: list[float] = []

    def put(self, name: str, _code: str) -> Path:
        return Path("/box") / name

    def run(self, _argv: list[str], *, limits: ResourceLimits, **_: Any) -> ProcessResult:
        self.walls.append(limits.wall_s)
        return self.ends.pop(0)


def check(box: Box) -> CheckOutcome:
    context = SimpleNamespace(toolbox=SimpleNamespace(find=lambda name: f"/usr/bin/{name}"), parsers=None, box=box)
    return GOVET.check(Source(language="go", code="package a\n", name="a.go"), cast("CheckContext", context))


def test_a_program_that_ran_out_of_time_is_asked_once_more_with_more_time() -> None:
    box = Box(LATE, CLEAN)
    assert check(box) == CheckOutcome()
    assert box.walls[1] > 2 * box.walls[0]


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ((LATE, LATE), "took longer"),  # it hangs
        ((LATE, CRASHED), "SIGSEGV"),  # no third time
        ((CRASHED, CRASHED), "SIGSEGV"),
        ((FLOODED,), "printed more"),  # time would not help
    ],
)
def test_what_fails_again_has_failed(ends: tuple[ProcessResult, ...], says: str) -> None:
    box = Box(*ends)
    assert says in (check(box).failure or "")
    assert box.ends == []
