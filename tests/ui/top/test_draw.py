from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from bridge.api.status import Failure
from bridge.core.job import State
from bridge.ui.top.draw import HELP, draw
from bridge.ui.top.model import Asking, Shown, TopScreen
from bridge.ui.top.panels import short
from tests.support.overviews import JOB, NOW, detail, line, overview, status, worker

HOSTILE = "m\x1b[2J\x1b]0;title\x07\u202egnp\r\nx"


def drawn(screen: TopScreen, width: int = 80, height: int | None = 24) -> list[str]:
    return [str(text) for text in draw(screen, width=width, height=height, now=NOW).renderables]


def seen(shown: Shown = Shown(), **facts: Any) -> TopScreen:  # noqa: B008  # a frozen value
    return TopScreen(shown=shown, overview=overview(**facts), seen=shown)


def printed(screen: TopScreen, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(draw(screen, width=width, height=height, now=NOW))
    out = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(out, str)
    return out


def test_a_terminal_of_80_by_24_shows_all_that_matters():
    text = "\n".join(drawn(seen()))

    for fact in (
        "qwen_bridge.ipynb", "all jobs", "42 jobs", "1 worker", "2 lanes", "34.2 tokens/s", "12min left", "oldest",
        "queued", "40 █", "failed", "desk-1 1/2 +2 ♥5s", f"{JOB} 12s", "errors", "out of memory", "webhook h: HTTP 500", HELP,
    ):  # fmt: skip
        assert fact in text, fact


SCREENS = (
    TopScreen(),
    TopScreen(trouble="half-written"),
    seen(),
    seen(workers=(), handed_over=(), failures=(), refusals=(), failed=(), jobs=()),
    seen(
        workers=tuple(worker(name=f"w{n}") for n in range(40)),
        failures=(Failure(job=JOB, at=None, caller=None, error="e"),) * 20,
    ),
    seen(Shown(state=State.FAILED, caller="me")),
    TopScreen(overview=overview(), asking=Asking(verb="retry", jobs=("01B",)), said="x" * 300),
)


@pytest.mark.parametrize("screen", SCREENS)
@settings(deadline=None)
@given(width=st.integers(1, 200), height=st.integers(1, 70))
def test_it_fits_into_a_terminal_of_any_size(screen: TopScreen, width: int, height: int):
    lines = drawn(screen, width, height)

    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    assert printed(screen, width, height).count("\n") == height  # nothing is folded


@pytest.mark.parametrize("height", [1, 2, 5, 24])
def test_a_question_is_visible_however_low_the_terminal_is(height: int):
    screen = TopScreen(overview=overview(), asking=Asking(verb="cancel", jobs=("01C",)))

    assert any("Cancel 1 queued job? y: yes" in text for text in drawn(screen, 80, height))


def test_what_a_worker_or_model_is_called_cannot_move_the_cursor():
    screen = seen(
        Shown(state=State.FAILED, caller=HOSTILE),
        workers=(worker(name=HOSTILE, model=HOSTILE),), status=status(path=HOSTILE, problems=((HOSTILE, HOSTILE),)),
        failures=(Failure(job=HOSTILE, at=NOW, caller=HOSTILE, error=HOSTILE),), jobs=(line(caller=HOSTILE, verdict=HOSTILE),),
        words={JOB: HOSTILE},
        detail=detail(
            line=line(key=HOSTILE, verdict=HOSTILE), out=HOSTILE, prompt=HOSTILE, answer=HOSTILE, error=HOSTILE, findings=(HOSTILE,)
        ),
    )  # fmt: skip
    again = seen(failures=screen.overview.failures, status=screen.overview.status)  # type: ignore[union-attr]
    for shown, width in ((screen, 110), (screen, 200), (again, 110), (again, 200)):
        text = printed(shown, width, 60)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert "<U+001B>" in text


def test_a_state_that_is_chosen_shows_its_jobs_with_their_errors():
    text = "\n".join(drawn(seen(Shown(state=State.FAILED)), 119))

    assert "state failed" in text
    assert "NEWEST FAILED" in text
    assert f"{JOB}    3min" in text
    assert "out of memory" in text
    assert "HANDED OVER" not in text


def test_a_queue_that_cannot_be_read_keeps_its_last_picture_and_says_why():
    text = "\n".join(drawn(TopScreen(overview=overview(), seen=Shown(), trouble="half-written")))

    assert "cannot be read just now: half-written" in text
    assert "desk-1" in text


def test_without_workers_no_time_is_promised():
    assert "nobody works" in "\n".join(drawn(seen(status=status(workers=0, lanes=0))))


def test_a_frame_without_a_height_leaves_nothing_out():
    lines = drawn(seen(workers=tuple(worker(name=f"w{n}") for n in range(40))), 100, None)

    assert all(any(f"w{n} " in text for text in lines) for n in range(40))


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "0s"),
        (-5, "0s"),
        (89, "89s"),
        (90, "2min"),
        (5_399, "90min"),
        (5_400, "2h"),
        (172_799, "48h"),
        (172_800, "2d"),
    ],
)
def test_times_are_short(seconds: float, says: str):
    assert short(seconds) == says


# ---- a wide terminal


def test_a_wide_terminal_shows_the_list_of_jobs_and_all_of_the_first():
    text = "\n".join(drawn(seen(), 160, 40))

    for fact in (
        "JOBS", "WORKERS", "TROUBLE", "HANDED OVER", "NEWEST JOBS", "▸…0XYZAB failed", "Write a parser", f"JOB  {JOB}",
        "repair round", "out of memory", "line 2: undefined name z", "out src/a.py", "PROMPT", "ANSWER", "def parse():", "    pass", "↑ ↓",
    ):  # fmt: skip
        assert fact in text, fact


def test_another_job_is_chosen_in_the_list_and_never_shown_with_the_facts_of_the_last():
    other = line(id="01JD3K6S7M2W8Q5V4T9R0XYZZZ")
    lines = drawn(seen(Shown(job=other.id), jobs=(line(), other)), 160, 40)

    assert any("▸…0XYZZZ" in text for text in lines)
    assert not any("▸…0XYZAB" in text for text in lines)
    assert "looking" in "\n".join(lines)
    assert "def parse" not in "\n".join(lines)
    told = "\n".join(drawn(seen(Shown(job=other.id), jobs=(line(), other), detail=detail(line=other)), 160, 40))
    assert "def parse" in told


def test_a_long_prompt_leaves_room_for_the_answer_and_says_how_to_see_it_all():
    text = "\n".join(drawn(seen(detail=detail(prompt="word " * 800)), 160, 50))

    assert f"bridge show {JOB} --prompt" in text
    assert "ANSWER" in text
