"""From the write of a finished cell to the return of `wait`, on a local folder; and how fast answers are checked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import material, results_report, samples
from benchmarks.measure import Row
from bridge import Bridge
from bridge.checking import Toolchain
from bridge.core.chat import FinishReason
from bridge.core.job import Result, ResultStatus
from bridge.format import json_bytes, result_record
from bridge.kernel import grammar

RUNS, WARMUPS = 25, 3
TARGET_MS = 150.0
_LONG_S = 60.0


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    for name, watched in (("hand-over, nobody else", False), ("hand-over, beside bridge watch", True)):
        with ExitStack() as stack:
            bridge = stack.enter_context(samples.new_queue(folder / name.replace(" ", "-").replace(",", "")))
            if watched:
                stack.callback(_end, _watch(bridge))
            times = _times(bridge)
        middle = median(times)
        yield Row(
            name=name, ours_ms=middle, target=f"≤ {TARGET_MS:.0f} ms", met=middle <= TARGET_MS,
            note=f"median of {len(times)}; 9 of 10 within {sorted(times)[int(0.9 * len(times))]:.0f} ms",
        )  # fmt: skip
    yield _checking(full=full)


def _times(bridge: Bridge) -> list[float]:
    return [_once(bridge, n) for n in range(WARMUPS + RUNS)][WARMUPS:]


def _once(bridge: Bridge, number: int) -> float:
    """Milliseconds from the write of one finished cell to the return of the wait for it."""
    job = bridge.add(f"Write f{number}.", lang="python")
    data = _finished(samples.file_of(bridge), job, f"```python\ndef f{number}(x):\n    return x + {number}\n```\n")
    looked, returned = threading.Event(), []

    def looking() -> bool:
        looked.set()
        return False

    def wait() -> None:
        [view] = bridge.wait([job], timeout_s=_LONG_S, give_up=looking)
        returned.append((time.perf_counter(), view.verdict))

    waiter = threading.Thread(target=wait)
    waiter.start()
    looked.wait(_LONG_S)
    time.sleep(0.12 + 0.013 * (number % 7))  # at any moment between two ticks
    draft = samples.file_of(bridge).with_name(".draft.tmp")
    draft.write_bytes(data)
    began = time.perf_counter()
    draft.replace(samples.file_of(bridge))
    waiter.join()
    [(ended, verdict)] = returned
    assert verdict == "clean", verdict
    return 1000 * (ended - began)


def _finished(path: Path, job: str, answer: str) -> bytes:
    """The notebook with an answer in that job's cell, as another machine would write it."""
    notebook = json_bytes.loads(path.read_bytes())
    [cell] = [c for c in notebook["cells"] if json_bytes.join_lines(c["source"]).startswith(f"%%qwen {job}")]
    body = json_bytes.join_lines(cell["source"]).partition("\n")[2]
    result = Result(
        job=job, attempt=1, status=ResultStatus.SUCCEEDED, finished_at=datetime.now(UTC), answer=answer,
        prompt_sha256=grammar.prompt_sha256(body), worker={"id": "colab", "engine": "ollama"}, finish_reason=FinishReason.STOP,
    )  # fmt: skip
    cell["outputs"] = [result_record.write_output(result)]
    return json_bytes.dumps(notebook, indent=True)


def _watch(bridge: Bridge) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", "watch", "--queue", str(bridge.path), "--json"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _end(watcher: subprocess.Popen[str]) -> None:
    watcher.terminate()
    watcher.wait(_LONG_S)


def _checking(*, full: bool) -> Row:
    name = "checking one real answer"
    sample = material.answers()[: None if full else 60]
    if not sample:
        return Row(name=name, note="skipped: the real answers are not part of this repository")
    with Toolchain() as toolchain:
        _, _, rate, _ = results_report.real(toolchain, sample)
    return Row(name=name, ours_ms=1000 / rate, note=f"{rate:.1f} answers/s, over {len(sample)}")
