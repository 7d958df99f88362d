"""Run all's lanes against an engine that takes 200 ms a job: `python -m benchmarks.kernel`."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bridge.kernel.grammar import split_cell
from bridge.kernel.ollama import Ollama
from bridge.kernel.run import RunSettings
from bridge.kernel.session import Session
from tests.support.notebooks import job_ids, notebook, prompt_cell
from tests.support.ollama import LoopbackOllama

MODEL = "qwen2.5-coder:7b"


class Nowhere:
    """A screen that shows nothing."""

    def show(self, text: str) -> None:
        """Nothing."""

    def final(self, text: str) -> None:
        """Nothing."""

    def clear(self) -> None:
        """Nothing."""


def slow(_prompt: str) -> str:
    time.sleep(0.2)
    return "print('done')\n" * 8


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run_all(host: str, lanes: int, jobs: int) -> float:
    cells = [prompt_cell(job, f"Prompt {job}") for job in job_ids(jobs)]
    session = Session(RunSettings(host=host, model=MODEL, lanes=lanes), notebook=lambda: notebook(*cells))

    def cell_by_cell() -> None:
        for cell in cells:
            session.run_cell(*split_cell(cell["source"]), Nowhere())

    return timed(cell_by_cell)


def direct(host: str, lanes: int, jobs: int) -> float:
    client = Ollama(host)

    def ask(number: int) -> None:
        client.answer(f"Prompt {number}", model=MODEL, num_ctx=8192, num_predict=4096)

    def all_of_them() -> None:
        with ThreadPoolExecutor(lanes) as pool:
            list(pool.map(ask, range(jobs)))

    return timed(all_of_them)


def main() -> None:
    with LoopbackOllama(answer=slow, parallel=64) as server:
        direct(server.url, 1, 1)
        one = run_all(server.url, 1, 16) / 16
        print("lanes  jobs/s  speed-up of lanes  over calling the engine directly")
        print(f"{1:5}  {1 / one:6.2f}  {1:12.2f}")
        for lanes in (2, 4, 8):
            jobs = 32 * lanes
            ours, theirs = run_all(server.url, lanes, jobs), direct(server.url, lanes, jobs)
            print(f"{lanes:5}  {jobs / ours:6.2f}  {one * jobs / ours / lanes:12.2f} x N  {ours / theirs - 1:+18.1%}")


if __name__ == "__main__":
    main()
