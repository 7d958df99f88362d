"""Fifty thousand jobs in one queue, and two hundred commands at once.

Commands are measured as a user meets them: in processes of their own, from start to end. The memory of `bridge report` is
the most that its process held. *hand-over* is checked answers out to an outbox; checking them is not in it. `BENCH_JOBS`,
`BENCH_HANDED` and `BENCH_ADDERS` in the environment make it smaller.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import samples
from benchmarks.measure import Row, median_ms
from bridge import Bridge, NewJob
from bridge.core.events import ignore
from bridge.delivery import payload
from bridge.delivery.channels import Outbox
from bridge.kernel import grammar
from bridge.store import review_state
from bridge.wiring import open_dispatch

_SIZES = {"JOBS": 50_000, "HANDED": 2_000, "ADDERS": 200}
#: Sizes of the rows; smaller ones tell where the time goes, but say nothing of the targets, which are for these.
JOBS, HANDED, ADDERS = (int(os.environ.get(f"BENCH_{name}", size)) for name, size in _SIZES.items())
_ROOT = Path(__file__).parents[1]
#: `bridge` with these arguments; the last word on stderr is the most memory that it held, in kB. What the system tells of a child
#: (`ru_maxrss`) begins with the memory of the process that started it.
_TELLS_ITS_PEAK = """
import pathlib, runpy, sys
try:
    runpy.run_module("bridge", run_name="__main__")
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print(next(line for line in status.splitlines() if "VmHWM" in line).split()[1], file=sys.stderr)
"""


def rows(folder: Path, *, full: bool) -> Iterator[Row]:
    with samples.new_queue(folder / "large") as bridge:
        jobs = [NewJob(body=samples.text(samples.PROMPT_CHARS, n)) for n in range(JOBS)]
        ids: list[str] = []
        yield _timed(
            f"add {JOBS:,} prompts in one call", lambda: ids.extend(a.id for a in bridge.add_many(jobs)), 15_000
        )
        yield _command("bridge status", bridge, "status")
        yield _command("bridge list --limit 50", bridge, "list", "--limit", "50")
        yield _timed("cancel all", lambda: bridge.cancel(*ids), 10_000)
        yield _timed("retry all", lambda: bridge.retry(*ids), 10_000)
        yield _report(bridge, folder)
    yield _handed_over(folder)
    yield _added_at_once(folder)


def _timed(name: str, action: Callable[[], object], most_ms: float, cells: int = JOBS) -> Row:
    gc.collect()
    began = time.perf_counter()
    action()
    took = 1000 * (time.perf_counter() - began)
    return Row(name=name, cells=cells, ours_ms=took, target=f"{most_ms:,.0f} ms", met=took <= most_ms)


def _command(name: str, bridge: Bridge, *arguments: str) -> Row:
    took = median_ms(lambda: _run(bridge, *arguments), runs=5)
    return Row(name=name, cells=JOBS, ours_ms=took, target="300 ms", met=took <= 300)


def _report(bridge: Bridge, folder: Path) -> Row:
    page = folder / "report.html"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _TELLS_ITS_PEAK, "report", "-o", str(page), "--queue", str(bridge.path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, text=True, env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )  # fmt: skip
    most_mb = int(done.stderr.split()[-1]) / 1000
    return Row(
        name="bridge report", cells=JOBS, ours_ms=1000 * (time.perf_counter() - began), target="100 MB of memory",
        met=most_mb <= 100, note=f"{most_mb:.0f} MB of memory, a page of {page.stat().st_size / 1e6:.0f} MB",
    )  # fmt: skip


def _handed_over(folder: Path) -> Row:
    with samples.new_queue(folder / "handed") as bridge:
        samples.fill(bridge, HANDED, per_part=400)
        store = bridge.store

        def check() -> None:
            for due in store.look(review_state.due):
                found = store.journal.cell(due.job)
                assert found is not None  # narrows the type
                job = found[0].job
                what = payload.unchecked(job, job.best(grammar.prompt_sha256(job.spec.body)))
                review_state.record(
                    store.journal, due, verdict="clean", level="syntax", payload=what.to_json(), now=store.clock.now()
                )

        store.journal_only(check, "checking")
        dispatch = open_dispatch(bridge.opened, [Outbox(folder=folder / "outbox")], ignore)
        began = time.perf_counter()
        handed = dispatch.send_due()
        took = time.perf_counter() - began
        assert len(handed) == HANDED
    rate = HANDED / took
    return Row(name="hand-over to an outbox", cells=HANDED, ours_ms=1000 / rate, target="300 jobs/s", met=rate >= 300,
               note=f"{rate:.0f} jobs/s")  # fmt: skip


def _added_at_once(folder: Path) -> Row:
    with samples.new_queue(folder / "at-once") as bridge:
        began = time.perf_counter()
        adders = [_start(bridge, "add", f"Write function {n}") for n in range(ADDERS)]
        failed = sum(adder.wait() != 0 for adder in adders)
        took = 1000 * (time.perf_counter() - began)
        assert len(bridge.jobs()) == ADDERS - failed
    return Row(name=f"{ADDERS} times bridge add at once", ours_ms=took, target="30,000 ms, none fails",
               met=took <= 30_000 and not failed, note=f"{failed} failed")  # fmt: skip


def _start(bridge: Bridge, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", *arguments, "--queue", str(bridge.path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )  # fmt: skip


def _run(bridge: Bridge, *arguments: str) -> None:
    assert _start(bridge, *arguments).wait() == 0
