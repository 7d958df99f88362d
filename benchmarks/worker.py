"""`bridge work` beside papermill and nbclient, and beside calling the engine directly.

    python -m benchmarks --only worker          # about two minutes; papermill and nbclient on 200 cells
    python -m benchmarks --only worker --full   # papermill and nbclient on 1,000 cells: ten minutes more

The command is measured as a whole, in a process of its own, from its start to its end; only its engine is replaced by one
that answers 4 kB after a fixed time (`python -m benchmarks.worker QUEUE LANES DELAY_MS`). The peers run the same prompts
as comments of cells that show the same answers in the same two formats, in a kernel that is started before the clock is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import samples
from benchmarks.measure import Row
from bridge import NewJob
from bridge.engines.base import Answer, OnToken, Request, Stop, Stopped, ignore_token
from bridge.engines.scripted import ScriptedEngine

ROOT = Path(__file__).parents[1]
JOBS, SMALL = 1_000, 200
DELAY_MS, LANES, ROUNDS = 200, (1, 4, 16), 40


class Fixed(ScriptedEngine):
    """An engine whose every answer is the same 4 kB after the same time."""

    name = "fixed"

    def __init__(self, delay_s: float) -> None:
        super().__init__(models=("fixed",), delay_s=delay_s)
        self._text = samples.text(samples.ANSWER_CHARS, 1)

    def answer(self, request: Request, on_token: OnToken = ignore_token, *, stop: Stop | None = None) -> Answer:
        """After its time."""
        if self._delay_s and (stop or Stop()).wait(self._delay_s):
            raise Stopped
        on_token(self._text)
        return Answer(text=self._text, model=request.model, usage={"completion_tokens": 1000})


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    cells = JOBS if full else SMALL
    ours = {jobs: _work(folder / f"instant-{jobs}", jobs, lanes=4, delay_ms=0) for jobs in {cells, JOBS}}
    for jobs, run in sorted(ours.items()):
        yield Row(
            name="answer all jobs, instant engine", cells=jobs, ours_ms=run["ms"],
            note=f"{run['ms'] / jobs:.2f} ms a job; {run['saves'] / jobs:.3f} saves and {run['bytes'] / jobs / 1000:.1f} kB of "
            f"notebook a job, journal and all {run['written'] / jobs / 1000:.0f} kB",
        )  # fmt: skip
    peers: dict[str, tuple[Callable[[Path, int], float], float]] = {
        "papermill, a save per cell": (_papermill_ms, 20.0), "nbclient, a save per cell": (_nbclient_ms, 1.0),
    }  # fmt: skip
    for peer, (measure, times) in peers.items():
        took = measure(folder, cells)
        yield Row(
            name="answer all jobs, instant engine", cells=cells, ours_ms=ours[cells]["ms"], peer=peer, peer_ms=took,
            target=f"{times:.0f}x faster",
            met=took >= times * ours[cells]["ms"],
            note=None if full else f"of {SMALL} cells; of {JOBS:,} with --full, where a save weighs five times as much",
        )  # fmt: skip
    yield from _latency(folder)


def _latency(folder: Path) -> Iterator[Row]:
    one_lane = 0.0
    for lanes in LANES:
        jobs = lanes * ROUNDS
        direct = _direct_ms(jobs, lanes)
        run = _work(folder / f"latency-{lanes}", jobs, lanes=lanes, delay_ms=DELAY_MS)
        per_s = 1000 * jobs / run["loop_ms"]
        one_lane = one_lane or per_s
        share, over = per_s / (lanes * one_lane), run["loop_ms"] / direct - 1
        yield Row(
            name=f"answers of {DELAY_MS} ms, {lanes} lane(s)", cells=jobs, ours_ms=run["loop_ms"], peer="the engine alone",
            peer_ms=direct, target="0.9 of N times one lane, 2 % over", met=share >= 0.9 and over <= 0.02,
            note=f"{per_s:.1f} jobs/s, {share:.3f} of {lanes} x one lane, {100 * over:+.1f} % over the engine alone; start-up and exit {run['ms'] - run['loop_ms']:.0f} ms more",
        )  # fmt: skip


def _work(folder: Path, jobs: int, *, lanes: int, delay_ms: int) -> dict[str, float]:
    """One run of `bridge work` on a new queue: wall time as a whole, of its loop alone, saves and bytes."""
    with samples.new_queue(folder) as bridge:
        bridge.add_many([NewJob(body=samples.text(samples.PROMPT_CHARS, n)) for n in range(jobs)], allow_secrets=True)
        path = bridge.path
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.worker", str(path), str(lanes), str(delay_ms)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    took = 1000 * (time.perf_counter() - began)
    facts: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    assert facts["answered"] == jobs, done.stderr
    return {**facts, "ms": took}


def _direct_ms(jobs: int, lanes: int) -> float:
    engine = Fixed(DELAY_MS / 1000)
    began = time.perf_counter()
    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(engine.answer, [Request(prompt="p", model="fixed")] * jobs))
    return 1000 * (time.perf_counter() - began)


def _peer_notebook(cells: int) -> Any:
    from nbformat import v4

    first = v4.new_code_cell(f"answer = {samples.text(samples.ANSWER_CHARS, 1)!r}")
    show = 'display({"text/markdown": answer, "text/plain": answer}, raw=True)'
    sources = ("# " + samples.text(samples.PROMPT_CHARS, n).replace("\n", "\n# ") + "\n" + show for n in range(cells))
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return v4.new_notebook(cells=[first, *map(v4.new_code_cell, sources)], metadata=metadata)


def _papermill_ms(folder: Path, cells: int) -> float:
    import nbformat
    import papermill

    source = folder / "papermill.ipynb"
    nbformat.write(_peer_notebook(cells), source)
    began = time.perf_counter()
    papermill.execute_notebook(
        str(source), str(folder / "papermill-out.ipynb"), progress_bar=False, kernel_name="python3"
    )
    return 1000 * (time.perf_counter() - began)


def _nbclient_ms(folder: Path, cells: int) -> float:
    import nbformat
    from nbclient import NotebookClient

    notebook, target = _peer_notebook(cells), folder / "nbclient.ipynb"
    client = NotebookClient(
        notebook, kernel_name="python3", on_cell_executed=lambda **_: nbformat.write(notebook, target)
    )
    began = time.perf_counter()
    client.execute()
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """`bridge work` on a queue with a fixed engine; prints what it wrote as the last line."""
    path, lanes, delay_ms = sys.argv[1], sys.argv[2], float(sys.argv[3])
    from bridge import wiring
    from bridge.cli import main as bridge
    from bridge.transports.folder import Folder
    from bridge.worker.loop import Worker

    facts: dict[str, float] = {"saves": 0, "bytes": 0}
    stage, run = Folder.stage, Worker.run

    def counted(self: Folder, name: str, data: bytes, **rest: Any) -> Any:
        facts["saves"] += name.endswith(".ipynb")
        facts["bytes"] += len(data) * name.endswith(".ipynb")
        return stage(self, name, data, **rest)

    def timed(self: Worker) -> Any:
        began = time.perf_counter()
        done = run(self)
        facts.update(loop_ms=1000 * (time.perf_counter() - began), answered=done.answered)
        return done

    Folder.stage, Worker.run = counted, timed  # type: ignore[method-assign]
    wiring.open_engine = lambda *_, **__: Fixed(delay_ms / 1000)
    try:
        bridge(["work", "--queue", path, "--parallel", lanes, "--engine", "fixed"])
    except SystemExit as end:
        written = Path("/proc/self/io")
        lines = written.read_text().splitlines() if written.exists() else []
        facts["written"] = next((int(line.split()[1]) for line in lines if line.startswith("wchar")), 0)
        print(json.dumps(facts))
        sys.exit(end.code)


if __name__ == "__main__":
    main()
