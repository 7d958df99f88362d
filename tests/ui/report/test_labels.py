from __future__ import annotations

import pytest

from bridge.api.views import State
from bridge.checking.values import Verdict
from bridge.ui.report.labels import OUTCOMES, TROUBLE, css, size, span
from bridge.ui.report.style import sheet


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (None, "–"), (0, "0 ms"), (0.0421, "42 ms"), (1, "1 s"), (4.25, "4.2 s"), (89.9, "89.9 s"), (90, "2 min"),
        (5_399, "90 min"), (5_400, "1.5 h"), (7_200, "2 h"),
    ],
)  # fmt: skip
def test_lengths_of_time_are_said_in_one_unit(seconds: float | None, says: str):
    assert span(seconds) == says


def test_every_state_and_verdict_has_a_word_and_a_colour_and_nothing_else_names_a_class():
    names = {state.value for state in State} | {verdict.value for verdict in Verdict} | {"round"}

    assert names == OUTCOMES.keys()
    assert {name for name, word in OUTCOMES.items() if word != name} == {"round"}  # the words of the command line
    assert set(TROUBLE) <= names
    assert all(f".chip.o-{name}{{" in sheet() for name in (*names, "other"))
    assert css('x" onload="') == "o-other"


@pytest.mark.parametrize(("count", "says"), [(10, "1 kB"), (141_000, "141 kB"), (1_840_607, "1.8 MB")])
def test_sizes(count: int, says: str):
    assert size(count) == says
