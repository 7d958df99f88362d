"""How two versions of a job join."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.core.job import Job, Spec

ID = "01JD3K6S7M2W8Q5V4T9R0XYZAB"
BORN = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_stripped_version_takes_nothing_away_from_what_is_known_of_a_jobs_birth():
    full = Job(id=ID, spec=Spec(body="a", position=ID, created_at=BORN, key="k", caller="me", parent=ID, round=2))
    bare = Job(id=ID, spec=Spec(body="z", position=ID), edit=1, bare=True)

    for joined in (full.join(bare), bare.join(full)):
        assert joined.spec == Spec(body="z", position=ID, created_at=BORN, key="k", caller="me", parent=ID, round=2)
        assert not joined.bare
