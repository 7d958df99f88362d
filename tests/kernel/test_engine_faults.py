"""An engine that answers no cell: asked no more, said once, and no cell pays for it."""

from __future__ import annotations

import pytest

from bridge.kernel.engine_faults import JOBS_IN_A_ROW
from bridge.kernel.grammar import is_result, parse_result
from bridge.kernel.session import Session
from tests.kernel.test_session import record, run, settings
from tests.support.notebooks import code_cell, job_ids, notebook, prompt_cell
from tests.support.ollama import Failure, LoopbackOllama

CELLS = 40
LONG = "an answer that is long enough to be broken off"
WAYS = [
    Failure.NO_ROUTE, Failure.REFUSED_OPTION, Failure.FORBIDDEN, Failure.CRASHES, Failure.RATE_LIMITED, Failure.RESET, Failure.NO_DONE,
    Failure.GARBAGE, Failure.SIGN_IN, Failure.SIGN_IN_AS_JSON, Failure.EMPTY,
]  # fmt: skip


def cells() -> list[dict]:
    return [prompt_cell(job, f"Prompt {job}") for job in job_ids(CELLS)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lanes", [1, 4])
def test_an_engine_that_answers_no_cell_is_asked_no_more_and_no_cell_has_used_an_attempt(
    way: Failure, lanes: int
) -> None:
    all_cells = cells()
    with LoopbackOllama(parallel=4, answer=lambda _: LONG) as server:
        server.failing_prompts = {"": way}
        session = Session(settings(server, lanes=lanes, tries=1), notebook=lambda: notebook(*all_cells), refresh_s=0.01)
        shown = [run(session, cell) for cell in all_cells]
        assert len(server.requests) <= JOBS_IN_A_ROW + 2 * lanes
        assert all("it is the engine" in text and not is_result(text) for text in shown)

        server.failing_prompts = {}
        again = [record(run(session, cell)) for cell in all_cells]
        assert {(told["status"], told["attempt"]) for told in again} == {("succeeded", 1)}


@pytest.mark.parametrize("place", [0, 20, CELLS - 1])
@pytest.mark.parametrize("lanes", [1, 4])
def test_a_cell_that_alone_gets_no_answer_has_failed(place: int, lanes: int) -> None:
    all_cells = cells()
    with LoopbackOllama(parallel=4, answer=lambda _: LONG) as server:
        server.failing_prompts = {job_ids(CELLS)[place]: Failure.CRASHES}
        session = Session(settings(server, lanes=lanes, tries=1), notebook=lambda: notebook(*all_cells), refresh_s=0.01)
        told = [record(run(session, cell))["status"] for cell in all_cells]
        assert [number for number, status in enumerate(told) if status == "failed"] == [place]


def test_cells_that_are_wrong_in_themselves_say_nothing_of_the_engine() -> None:
    bad = [code_cell(f"%%qwen {job} --chat\nno list of messages", id=job) for job in job_ids(5)]
    good = prompt_cell(job_ids(6)[5], "Hello")
    with LoopbackOllama() as server:
        session = Session(settings(server, tries=1), notebook=lambda: notebook(*bad, good), refresh_s=0.01)
        assert [record(run(session, cell))["status"] for cell in (*bad, good)] == ["failed"] * 5 + ["succeeded"]


def test_a_pause_of_a_day_is_said_and_not_slept_through() -> None:
    [cell] = [prompt_cell(job, "Hello") for job in job_ids(1)]
    with LoopbackOllama() as server:
        server.retry_after, server.failing_prompts = "86400", {"": Failure.RATE_LIMITED}
        session = Session(settings(server), notebook=lambda: notebook(cell), refresh_s=0.01)
        told = record(run(session, cell))
        assert len(server.requests) == 1
        assert "24 h" in told["error"]["message"]


def test_an_answer_without_an_end_is_cut_and_marked() -> None:
    [cell] = [prompt_cell(job, "Hello", max_tokens=10) for job in job_ids(1)]
    with LoopbackOllama() as server:
        server.failing_prompts = {"": Failure.ENDLESS}
        told, answer = parse_result(
            run(Session(settings(server), notebook=lambda: notebook(cell), refresh_s=0.01), cell)
        )
        assert (told["status"], told["finish_reason"], len(answer)) == ("truncated", "length", 1_000_000)
