"""docs/tour.md is what its commands print."""

from __future__ import annotations

import pytest

from tests.first_run.tour import PAGE, STEPS, Told, render, transcript


@pytest.fixture(scope="module")
def told() -> list[Told]:
    pytest.importorskip("xllamacpp")
    return transcript()


@pytest.mark.slow
def test_every_command_of_the_tour_ends_as_a_newcomer_expects(told: list[Told]) -> None:
    wrong = {step.command: output for step, code, output in told if step.code not in (code, -1)}

    assert wrong == {}
    assert len(STEPS) >= 40


@pytest.mark.slow
def test_the_page_is_what_the_commands_print(told: list[Told]) -> None:
    """In whatever order jobs of one batch come: their ids are another ones in each run."""
    assert sorted(PAGE.read_text(encoding="utf-8").splitlines()) == sorted(render(told).splitlines())
