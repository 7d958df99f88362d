"""A batch over a killed gateway: `python -m tests.gateway.recovery` does it with 20,000 lines, killed at 6,400.

Prints one line of JSON: what is missing, what is doubled, and how long after its restart the gateway went on.
"""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import openai

from bridge.cli.base import show
from tests.gateway.process import ServeProcess, serve_process
from tests.support.patience import LONG_S, until


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What became of a batch. Times are in seconds."""

    lines: int
    killed_at: int  #: answered lines
    missing: int
    doubled: int
    wrong: int  #: answers that are another line's
    answered_twice: int  #: answers that another one of the same job replaced
    accepted_s: float  #: from the upload to the last line in the journal
    goes_on_s: float  #: from the restart's first reply to the first new answer
    batch_s: float  #: from its making to its end, the restart included


def recover(folder: Path, *, lines: int, kill_at: int, within_s: float = LONG_S) -> Recovered:
    """Run a batch in a gateway that is killed on its way."""
    with serve_process(folder, "--parallel", "4") as process:
        client = process.start()
        began = time.monotonic()
        name = _make(client, lines)
        until(lambda: _jobs(process) == lines, within_s)
        accepted_s = time.monotonic() - began
        until(lambda: _answered(process) >= kill_at, within_s)
        process.kill()
        killed_at = _answered(process)
        client = process.start()
        restarted = time.monotonic()
        until(lambda: _answered(process) > killed_at, within_s)
        goes_on_s = time.monotonic() - restarted
        until(lambda: client.batches.retrieve(name).status == "completed", within_s)
        batch_s = time.monotonic() - began
        done = client.batches.retrieve(name)
        found = [json.loads(row) for row in client.files.content(done.output_file_id or "").text.splitlines()]
        assert done.error_file_id is None
    seen = Counter(row["custom_id"] for row in found)
    wrong = sum(f"line {row['custom_id']}." not in _text(row) for row in found)
    return Recovered(
        lines=lines,
        killed_at=killed_at,
        missing=lines - len(seen),
        doubled=sum(count - 1 for count in seen.values()),
        wrong=wrong,
        answered_twice=_results(process) - lines,
        accepted_s=round(accepted_s, 2),
        goes_on_s=round(goes_on_s, 2),
        batch_s=round(batch_s, 1),
    )


def _make(client: openai.OpenAI, lines: int) -> str:
    rows = (
        {
            "custom_id": str(n),
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "auto", "messages": [{"role": "user", "content": f"Write line {n}."}]},
        }
        for n in range(lines)
    )
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    file = client.files.create(file=("in.jsonl", io.BytesIO(data)), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id


def _text(row: dict[str, dict[str, dict[str, list[dict[str, dict[str, str]]]]]]) -> str:
    return row["response"]["body"]["choices"][0]["message"]["content"]


def _jobs(process: ServeProcess) -> int:
    return _count(process, "SELECT count(*) FROM cell WHERE kind = 'job'")


def _answered(process: ServeProcess) -> int:
    return _count(process, "SELECT count(*) FROM cell WHERE kind = 'job' AND answer IS NOT NULL")


def _results(process: ServeProcess) -> int:
    """Answers that were ever written down."""
    return _count(process, "SELECT count(*) FROM result")


def _count(process: ServeProcess, query: str) -> int:
    """From the journal, as a reader that disturbs nobody."""
    [path] = (process.folder / "state").glob("**/journal.sqlite3")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as db:
        return int(db.execute(query).fetchone()[0])


@click.command()
@click.option("--lines", default=20_000, show_default=True)
@click.option("--kill-at", default=6_400, show_default=True)
def main(lines: int, kill_at: int) -> None:
    """Print what became of the batch."""
    with tempfile.TemporaryDirectory() as folder:
        show(json.dumps(asdict(recover(Path(folder), lines=lines, kill_at=kill_at, within_s=3600))))


if __name__ == "__main__":
    main()
