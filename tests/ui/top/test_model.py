from __future__ import annotations

import pytest

from bridge.core.job import State
from bridge.ui.top.model import (  # fmt: skip
    Asking,
    ChangeJobs,
    Ended,
    Event,
    Look,
    Looked,
    Order,
    Pressed,
    Shown,
    Told,
    TopScreen,
    Unreadable,
    update,
)
from tests.support.overviews import JOB, line, overview

ALL = Shown()


def after(*events: Event | str, screen: TopScreen | None = None) -> tuple[TopScreen, list[Order]]:
    """The screen after some events, where a text stands for a key, and what was ordered."""
    screen, orders = screen or TopScreen(), []
    for event in events:
        screen, order = update(screen, Pressed(key=event) if isinstance(event, str) else event)
        orders += [order] if order else []
    return screen, orders


SEEN = Looked(shown=ALL, overview=overview())


def test_q_and_a_signal_end_it():
    assert after("q")[0].over
    assert after(Ended())[0].over
    assert not after(SEEN, "z")[0].over


def test_s_goes_through_the_states_that_have_jobs_and_back_to_all():
    states, screen = [], after(SEEN)[0]
    for _ in range(3):
        screen, [order] = after("s", screen=screen)
        assert order == Look(shown=screen.shown)
        states.append(screen.shown.state)

    assert states == [State.QUEUED, State.FAILED, None]
    assert after("S", screen=screen)[0].shown.state is State.FAILED


def test_c_goes_through_the_callers_and_a_shows_all_again():
    screen, _ = after(SEEN, "c")
    assert screen.shown.caller == "me"
    assert after("c", "c", screen=screen)[0].shown.caller is None
    assert after("a", screen=screen) == (after(SEEN)[0], [Look(shown=ALL)])


def test_a_look_that_was_under_way_when_the_filter_changed_is_not_shown():
    screen, _ = after(SEEN, "s", Looked(shown=ALL, overview=overview(failed=())))

    assert (screen.overview, screen.seen) == (SEEN.overview, ALL)


@pytest.mark.parametrize(
    ("key", "verb", "jobs", "question"),
    [
        ("r", "retry", (JOB, "01B"), "Put 2 failed jobs back into the queue?"),
        ("x", "cancel", ("01C",), "Cancel 1 queued job?"),
    ],
)
def test_a_change_is_made_after_a_yes_and_with_the_jobs_that_were_counted(
    key: str, verb: str, jobs: tuple[str, ...], question: str
):
    screen, orders = after(SEEN, key)
    assert (screen.asking and screen.asking.question, orders) == (question, [])

    assert after("y", screen=screen)[1] == [ChangeJobs(asking=Asking(verb=verb, jobs=jobs), shown=ALL)]


@pytest.mark.parametrize("key", ["n", "q", "r", "x", " ", "\n", "escape", "j"])
def test_any_other_key_is_a_no(key: str):
    screen, orders = after(SEEN, "r", key)

    assert (screen.asking, orders, screen.over, screen.said) == (None, [], False, "nothing was changed")


def test_there_is_no_question_about_nothing_or_about_what_is_not_shown():
    assert (
        after(Looked(shown=ALL, overview=overview(failed=())), "r")[0].said
        == "nothing to retry: no failed job is shown"
    )
    assert after("r", "x")[0] == TopScreen()  # nothing was seen yet
    assert after(SEEN, "c", "r")[0].asking is None  # the new filter was not looked at yet


def test_trouble_stays_on_the_screen_until_the_queue_can_be_read_again():
    screen, _ = after(SEEN, Unreadable(why="half-written\x1b[2J"))
    assert screen.trouble == "half-written<U+001B>[2J"
    assert screen.overview is SEEN.overview

    assert after(SEEN, screen=screen)[0].trouble is None


def test_what_happened_is_said_until_the_next_key():
    screen, _ = after(Told(message="2 cancelled"))
    assert screen.said == "2 cancelled"
    assert after("z", screen=screen)[0].said == ""


def test_arrows_and_j_and_k_choose_a_job_of_the_list_and_stop_at_its_ends():
    first, second = line(id="01A"), line(id="01B")
    screen, _ = after(Looked(shown=ALL, overview=overview(jobs=(first, second))))

    down, [order] = after("down", screen=screen)
    assert (down.shown.job, order) == ("01B", Look(shown=Shown(job="01B")))
    assert after("j", "j", screen=screen)[0].shown.job == "01B"
    assert after("j", "up", "k", screen=screen)[0].shown.job == "01A"
    assert after("down", "s", screen=screen)[0].shown.job is None  # another list
    assert after("down", "a", screen=screen)[0].shown == ALL
    assert after("j")[0].shown.job is None  # nothing is known yet
