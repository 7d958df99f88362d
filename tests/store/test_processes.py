from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import Bridge
from tests.support.commands import environment
from tests.support.queues import Queue, body_of, jobs_on_disk, load

PROCESSES, EACH = 8, 50

#: What `bridge add` does, EACH times; all processes begin when they are told to.
ADDER = """
import sys
from bridge.cli import main
sys.stdin.readline()
for n in range(int(sys.argv[2])):
    main(["add", f"{sys.argv[1]}, {n}: write a function"], standalone_mode=False)
"""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["replace", "inplace"])
def test_eight_processes_that_add_fifty_jobs_each_at_the_same_time_add_exactly_400(
    queue: Queue, tmp_path: Path, mode: str
) -> None:
    (tmp_path / "bridge.toml").write_text(
        f'queue = "queue/qwen_bridge.ipynb"\nwrite_mode = "{mode}"\nlock_patience_s = 90\n'
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ADDER, str(n), str(EACH)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment(),
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = []
    for process in processes:
        output, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
        printed += output.split()
    assert len(printed) == len(set(printed)) == PROCESSES * EACH
    assert jobs_on_disk(queue.path.parent) == dict.fromkeys(printed, 1)
    notebook = load(queue.path)
    assert {body_of(notebook, job) for job in printed} == {
        f"{p}, {n}: write a function" for p in range(PROCESSES) for n in range(EACH)
    }
    assert [path.name for path in queue.path.parent.glob("*.ipynb")] == ["qwen_bridge.ipynb"]
    dots = [json.dumps(cell["metadata"]["bridge"]["dots"]) for cell in notebook["cells"]]
    assert len(set(dots)) == len(dots)
    with Bridge(str(queue.path)) as bridge:
        assert sorted(line.id for line in bridge.jobs()) == sorted(printed)
