"""A Colab tab as a process: opens a notebook of the queue, answers some prompt cells, and saves its stale copy.

Colab saves the whole notebook as the tab has it, whatever was written in the meantime, and rewrites every cell while it is
at it (tests/support/colab.py). Now and then the tab saves without having answered anything. Its first save is certainly stale: the
tab stays open until somebody else has written.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.kernel.cells import PromptCell, read_cells
from bridge.kernel.grammar import SCHEMA, prompt_sha256, render_result, to_iso
from tests.soak.event_log import EventLog
from tests.soak.plain_drive import DriveCallFailed, PlainDrive
from tests.support.colab import Save, colab_save

WORKER = "kernel-soak0001"
#: Looks, 0.2 s apart, for somebody else's write before the first save.
_LONGEST_LOOKS = 300


def answered(cell: PromptCell, number: int) -> dict[str, Any]:
    """The one output of a cell that a kernel answered; keep in step with bridge/kernel/run.py and magic.py."""
    now = to_iso(datetime.now(UTC))
    record = {
        "schema": SCHEMA, "job": cell.job, "attempt": cell.attempts + 1, "status": "succeeded", "finish_reason": "stop",
        "model": "qwen2.5-coder:7b", "model_digest": None, "prompt_sha256": prompt_sha256(cell.body), "started_at": now,
        "finished_at": now, "usage": {"prompt_tokens": 9, "completion_tokens": 9}, "timing_s": {"total": 0.1},
        "worker": {"id": WORKER, "engine": "ollama", "engine_version": "0", "where": "colab"}, "error": None,
    }  # fmt: skip
    text = render_result(record, f"```python\nFROM_THE_TAB = {number}\n```\n")
    return {"output_type": "display_data", "metadata": {}, "data": {"text/markdown": text, "text/plain": text}}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.colab_tab")
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("folder", help="id of the queue's folder on Drive")
    parser.add_argument("log", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--open-s", type=float, required=True, help="longest time between opening and saving")
    asked = parser.parse_args()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    drive, log = PlainDrive(url=asked.url, token=asked.token), EventLog(path=asked.log)
    chance = random.Random(f"{asked.seed} tab {len(log.read())}")
    while not over.is_set():
        try:
            parts = [file for file in drive.files_in(asked.folder) if is_part(file["title"])]
            if parts:
                visit(drive, chance.choice(parts), chance, over, log, asked.open_s)
        except (DriveCallFailed, ValueError) as error:
            log.write("trouble", error=str(error)[:200])
        over.wait(chance.uniform(0.1, 0.3) * asked.open_s)
    return 0


def is_part(title: str) -> bool:
    """Whether a person would open this one."""
    return title.endswith(".ipynb") and "(" not in title


def visit(
    drive: PlainDrive, file: dict[str, Any], chance: random.Random, over: threading.Event, log: EventLog, open_s: float
) -> None:
    """Open, answer, wait, save."""
    opened = drive.get(file["id"])
    notebook = json.loads(drive.download(file["id"]))
    pending = [c for c in read_cells(notebook) if c.done is None and not c.header.cancelled and c.body.strip()]
    chosen = chance.sample(pending, min(len(pending), chance.randint(0, 3)))
    for cell in chosen:
        notebook["cells"][cell.index]["outputs"] = [answered(cell, cell.index)]
    over.wait(chance.uniform(0.2, 1.0) * open_s)
    if not any(line["stale"] for line in log.read("saved")):
        for _ in range(_LONGEST_LOOKS):
            if over.wait(0.2) or drive.get(file["id"])["headRevisionId"] != opened["headRevisionId"]:
                break
    save = Save(
        badge=chance.random() < 0.3, stripped=chance.random() < 0.2, minor=chance.choice([5, 5, 0]),
        hide=chance.choice([None, None, None, 0, 3]),
    )  # fmt: skip
    now = drive.get(file["id"])
    stale = now["headRevisionId"] != opened["headRevisionId"]
    drive.put(file["id"], colab_save(json.dumps(notebook).encode(), save))
    log.write("saved", stale=stale, stripped=save.stripped, jobs=[cell.job for cell in chosen])


if __name__ == "__main__":
    sys.exit(main())
