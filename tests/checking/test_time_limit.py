"""A checker that runs out of time on a busy machine is asked once more, alone and with more time; either way it is told."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge.checking import Level, Toolchain, Verdict, examine
from bridge.checking.checkers.base import CheckContext, CheckOutcome, CheckStep, Source
from bridge.checking.checkers.go import GOVET
from bridge.checking.checkers.in_worker import ask
from bridge.checking.checkers.patience import Trouble, Turns, twice
from bridge.checking.checkers.python import AST
from bridge.checking.parsers.client import ParserError
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits
from bridge.sandbox.resident import ResidentError

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
    toolbox = SimpleNamespace(find=lambda name: f"/usr/bin/{name}")
    context = SimpleNamespace(toolbox=toolbox, parsers=None, box=box, residents=None, headers=None, go_cache=None)
    return GOVET.check(Source(language="go", code="package a\n", name="a.go"), cast("CheckContext", context))


def test_a_program_that_ran_out_of_time_is_asked_once_more_with_more_time() -> None:
    box = Box(LATE, CLEAN)
    assert check(box) == CheckOutcome(again="go vet took longer than 20 s; asked again alone")
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


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """A checker of names and types whose outcome is given."""

    outcome: CheckOutcome
    name: str = "scripted"
    step: CheckStep = CheckStep.MEANING
    level: Level = Level.LINTER

    def serves(self, language: str) -> bool:
        return language == "python"

    def trust(self, language: str) -> float:
        return 1.0

    def available(self, context: CheckContext) -> bool:
        return True

    def check(self, source: Source, context: CheckContext) -> CheckOutcome:
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "verdict", "code"),
    [
        (CheckOutcome(), Verdict.CLEAN, None),
        (CheckOutcome(again="scripted took longer than 20 s; asked again alone"), Verdict.CLEAN, "asked-again"),
        (CheckOutcome(failure="scripted took longer than 60 s"), Verdict.UNCHECKED, "tool-failed"),
    ],
)
def test_a_late_checker_shows_in_the_report_whether_the_second_try_helped_or_not(
    outcome: CheckOutcome, verdict: Verdict, code: str | None
) -> None:
    with Toolchain(checkers=(AST, Scripted(outcome=outcome))) as toolchain:
        report = examine("```python\nx = 1\n```\n", finish_reason="stop", toolchain=toolchain)
    assert report.verdict is verdict
    said = [d for c in report.checks for d in c.diagnostics]
    assert [d.code for d in said] == ([code] if code else [])
    assert all("took longer" in d.message and not d.blocking for d in said)


def test_who_asks_again_is_alone_and_goes_before_those_that_come_later() -> None:
    turns, order = Turns(), []
    began, others_done = threading.Event(), threading.Event()

    def other() -> tuple[str, Trouble | None]:
        order.append("other begins")
        began.set()
        others_done.wait(60)
        order.append("other ends")
        return "fine", None

    def late() -> tuple[str, Trouble | None]:
        began.wait(60)
        return "late", Trouble(why="took longer than 1 s", late=True)

    def again(times: float) -> str:
        order.append(f"alone, {times:g} times as long")
        return "sound"

    def comes_later() -> None:
        order.append("later begins")

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(lambda: twice(other, lambda _: "", turns=turns))
        second = pool.submit(lambda: twice(late, again, turns=turns))
        while not turns.waited_for:
            began.wait(0.001)
        third = pool.submit(lambda: twice(lambda: (comes_later(), None), lambda _: None, turns=turns))
        others_done.set()
        assert first.result(60) == ("fine", "")
        assert second.result(60) == ("sound", "took longer than 1 s; asked again alone")
        assert third.result(60) == (None, "")
    assert order == ["other begins", "other ends", "alone, 3 times as long", "later begins"]


def test_a_parser_that_was_late_is_asked_again_too() -> None:
    waits: list[float] = []

    def parse(*_: Any, patience: float, **__: Any) -> dict[str, Any]:
        waits.append(patience)
        if len(waits) == 1:
            raise ParserError("took longer than 5 s", late=True)
        return {"faults": []}

    context = SimpleNamespace(parsers=SimpleNamespace(parse=parse), box=SimpleNamespace(spending=lambda ask: ask()))
    outcome = ask(cast("CheckContext", context), "yaml", "yaml", "a: 1\n")
    assert outcome == CheckOutcome(again="yaml took longer than 5 s; asked again alone")
    assert waits == [1.0, 3.0]


def test_programs_that_stay_are_asked_on_the_answers_own_time() -> None:
    now = [0.0]
    with Sandbox(budget_s=10, now_s=lambda: now[0]) as box:
        box.spending(lambda: now.__setitem__(0, 11.0))
        with pytest.raises(ResidentError, match="has had its 10 s"):
            box.spending(lambda: None)
        assert "has had its 10 s" in (box.run(["/bin/true"]).failure or "")
