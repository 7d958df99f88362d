"""Whose claim holds: by what is seen from here, never by the other's clock."""

from __future__ import annotations

import inspect

import pytest

from bridge.worker.leases import ALIVE_S, Leases

LENGTH_S = 900.0


def leases(*dead: str) -> Leases:
    return Leases(length_s=LENGTH_S, is_dead=lambda worker: worker in dead)


def test_a_claim_holds_for_its_length_from_when_it_was_first_seen() -> None:
    seen = leases()
    assert seen.holds("job", "other", 1, now=5000.0)
    assert seen.holds("job", "other", 1, now=5000.0 + LENGTH_S - 1)
    assert not seen.holds("job", "other", 1, now=5000.0 + LENGTH_S)


def test_a_later_attempt_is_a_new_claim() -> None:
    seen = leases()
    seen.holds("job", "other", 1, now=0.0)
    assert not seen.holds("job", "other", 1, now=LENGTH_S)
    assert seen.holds("job", "other", 2, now=LENGTH_S)


def test_a_heartbeat_that_changes_prolongs_all_claims_of_its_worker() -> None:
    seen = leases()
    for now in (0.0, 600.0, 1200.0, 1800.0):
        seen.beat("other", now, now)
        assert seen.holds("job", "other", 1, now)
        assert seen.holds("second", "other", 1, now)
    assert seen.holds("job", "other", 1, 1800.0 + LENGTH_S - 1)
    assert not seen.holds("job", "other", 1, 1800.0 + LENGTH_S)


def test_a_heartbeat_that_stays_as_it_was_is_a_file_that_somebody_left_behind() -> None:
    seen = leases()
    seen.holds("job", "other", 1, 0.0)
    for now in range(0, 2000, 15):
        seen.beat("other", 7, float(now))
    assert not seen.holds("job", "other", 1, LENGTH_S)


def test_the_heartbeat_of_one_worker_prolongs_nobody_elses_claims() -> None:
    seen = leases()
    seen.holds("job", "other", 1, 0.0)
    seen.beat("third", 1, LENGTH_S - 1)
    assert not seen.holds("job", "other", 1, LENGTH_S)


def test_the_claim_of_a_worker_that_is_known_to_be_dead_never_holds() -> None:
    seen = leases("other")
    seen.beat("other", 1, 10.0)
    assert not seen.holds("job", "other", 1, 10.0)


def test_a_worker_that_dies_later_is_noticed_at_the_next_moment() -> None:
    dead: set[str] = set()
    seen = Leases(length_s=LENGTH_S, is_dead=dead.__contains__)
    assert seen.holds("job", "other", 1, 1.0)
    dead.add("other")
    assert not seen.holds("job", "other", 1, 2.0)


def test_a_worker_is_looked_at_once_a_moment_however_many_jobs_it_has() -> None:
    looks: list[str] = []
    seen = Leases(length_s=LENGTH_S, is_dead=lambda worker: bool(looks.append(worker)))
    for n in range(400):
        seen.holds(str(n), "other", 1, 5.0)
    assert looks == ["other"]


def test_a_worker_alone_has_all_jobs() -> None:
    seen = leases()
    seen.beat("me", 1, 0.0)
    assert all(seen.falls_to(str(n), "me", 1.0) for n in range(50))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_workers_that_see_each_other_agree_who_takes_which_job_and_have_like_shares(count: int) -> None:
    names = [f"worker-{n}" for n in range(count)]
    views = {name: leases() for name in names}
    for seen in views.values():
        for name in names:
            seen.beat(name, 1, 0.0)
    takers = [[name for name, seen in views.items() if seen.falls_to(str(n), name, 1.0)] for n in range(600)]
    assert all(len(who) == 1 for who in takers)
    shares = [sum(who == [name] for who in takers) for name in names]
    assert min(shares) > 600 / count * 0.75


def test_the_share_of_a_worker_that_shows_no_sign_of_life_falls_to_the_others() -> None:
    seen = leases()
    seen.beat("other", 1, 0.0)
    assert not all(seen.falls_to(str(n), "me", 10.0) for n in range(50))
    assert all(seen.falls_to(str(n), "me", ALIVE_S + 1) for n in range(50))


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
def test_how_wrong_the_others_clock_is_does_not_matter(hours: int) -> None:
    """No time that the other wrote can reach the decision: nothing but our own clock is asked for."""
    assert set(inspect.signature(Leases.holds).parameters) == {"self", "job", "worker", "attempt", "now"}
    seen = leases()
    seen.beat("other", f"written at {hours} h", 0.0)
    assert seen.holds("job", "other", 1, 1.0)
    assert not seen.holds("job", "other", 1, LENGTH_S + 1)
