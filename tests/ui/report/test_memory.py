"""What a report of many jobs takes: the memory of a few."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from bridge.core.job import NewJob
from bridge.ui.report import facts_of, write_page
from bridge.ui.report.colour import Painter
from tests.support.queues import Queue, make_queue
from tests.support.reports import NOW, file, job

#: Bytes that one more job may cost: its times, its outcome, and its id.
_A_JOB = 400


class _Nowhere(io.BytesIO):
    """A page that nobody keeps."""

    def write(self, data: object) -> int:
        return len(bytes(data))  # type: ignore[call-overload,no-any-return]


def _peak(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _page(jobs: int) -> None:
    told = (
        job(prompt=f"Write {n}.\n" * 50, answer=f"{n} " * 500, files=[file(f"x = {n}\n" * 50)]) for n in range(jobs)
    )
    write_page(_Nowhere(), told, queue="q", queue_id="q", at=NOW, chosen="all", painter=Painter(page_chars=0))


def test_a_page_about_many_jobs_takes_no_more_memory_than_one_about_a_few():
    _page(1)  # what is only made once

    few, many = _peak(lambda: _page(400)), _peak(lambda: _page(1_600))

    assert (many - few) / 1_200 < _A_JOB


def test_jobs_are_read_from_the_queue_as_the_page_gets_to_them(tmp_path: Path):
    with Queue(make_queue(tmp_path)).open() as bridge:
        bridge.add_many([NewJob(body=f"Write function {n}.\n" * 60) for n in range(1_250)])

        def read(most: int) -> None:
            told = map(facts_of, bridge.each(bridge.ids()[:most]))
            write_page(_Nowhere(), told, queue="q", queue_id="q", at=NOW, chosen="all", painter=Painter(page_chars=0))

        read(250)
        few, many = _peak(lambda: read(250)), _peak(lambda: read(1_250))

    assert (many - few) / 1_000 < _A_JOB
