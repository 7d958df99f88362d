"""What a run is told as, and what is kept of it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import orjson

from tests.clients.run import Run


def line(run: Run) -> str:
    """What happened, in a few lines; of a failure also the last words of the agent."""
    posts = [one for one in run.exchanges if one.method == "POST"]
    counts = Counter(f"{one.method} {one.path}" for one in run.exchanges)
    paths = ", ".join(f"{count} {path}" for path, count in counts.items())
    largest = max((len(one.body) for one in posts), default=0)
    how = "FAILED: " + "; ".join(run.faults) if run.faults else "ok"
    told = f"{run.agent} {run.version}: {how}; {run.seconds:.1f} s; {paths}; largest body {largest / 1000:.1f} KB"
    if run.hosts:
        told += f"; tried in vain: {', '.join(run.hosts)}"
    return told + ("\n" + "\n".join(f"    {said}" for said in run.output.splitlines()[-30:]) if run.faults else "")


def save(run: Run, folder: Path) -> None:
    """Keep its output, and each request with its answer."""
    mine = folder / run.agent.lower().replace(" ", "-")
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(parents=True)
    (mine / "output.txt").write_text(run.output, "utf-8")
    for number, one in enumerate(run.exchanges, 1):
        shown = {
            "method": one.method,
            "path": one.path,
            "headers": one.headers,
            "status": one.status,
            "fields": one.fields,
        }
        (mine / f"{number:02}.json").write_bytes(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        (mine / f"{number:02}.reply").write_bytes(one.reply)
