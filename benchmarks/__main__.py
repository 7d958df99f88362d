"""`python -m benchmarks`: see the package's docstring."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks import adding, bulk, checking, handover, history, merging, sandbox, scale, starting, worker
from benchmarks.measure import Row

ALL = {"adding": adding, "merging": merging, "bulk": bulk, "history": history, "starting": starting, "worker": worker,
       "handover": handover, "scale": scale, "checking": checking, "sandbox": sandbox}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=benchmarks.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--full", action="store_true", help="also what takes minutes")
    parser.add_argument("--only", choices=ALL, action="append", help="one benchmark; repeatable")
    asked = parser.parse_args()
    found: list[Row] = []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BRIDGE_STATE_DIR"] = str(Path(folder) / "state")
        os.environ.pop("BRIDGE_QUEUE", None)
        for name in asked.only or ALL:
            home = Path(folder) / name
            home.mkdir()
            for row in _with_settings(name, home, full=asked.full):
                found.append(row)
                if not asked.json:
                    sys.stderr.write(f"{row.name} {row.cells or ''}\n")
    if asked.json:
        print(json.dumps({"machine": _machine(), "rows": [row.to_json() for row in found]}, indent=1))
    else:
        _show(found, time.perf_counter() - began)
    return int(any(row.met is False for row in found))


def _with_settings(name: str, home: Path, *, full: bool) -> list[Row]:
    here = Path.cwd()
    try:
        os.chdir(home)  # no bridge.toml of the caller's
        return list(ALL[name].rows(home, full=full))
    finally:
        os.chdir(here)


def _machine() -> dict[str, object]:
    return {"python": platform.python_version(), "system": platform.platform(), "processors": os.cpu_count()}


def _show(rows: list[Row], seconds: float) -> None:
    table = Table(title=f"Qwen Bridge, {seconds:.0f} s on {os.cpu_count()} processors")
    for title in ("what", "cells", "ours, ms", "peer", "peer, ms", "ratio", "target", "note"):
        table.add_column(title, justify="right" if title in ("cells", "ours, ms", "peer, ms", "ratio") else "left")
    for row in rows:
        verdict = "" if row.met is None else " met" if row.met else " MISSED"
        table.add_row(
            row.name, f"{row.cells:,}" if row.cells is not None else "", _number(row.ours_ms), row.peer or "",
            _number(row.peer_ms), f"{row.ratio:.3g}x" if row.ratio else "", (row.target or "") + verdict, row.note or "",
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _number(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:,.1f}"


if __name__ == "__main__":
    sys.exit(main())
