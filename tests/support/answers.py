"""Answers for tests of what comes after an answer: good, broken and cut ones, and ways to give them to a job."""

from __future__ import annotations

from typing import Any

from bridge import Bridge
from bridge.core.errors import QueueChanged
from bridge.core.job import Result, ResultStatus
from bridge.format import json_bytes, result_record
from bridge.kernel import grammar

GOOD = "```python\ndef f(x):\n    y = x + 1\n    return y\n```\n"
BROKEN = "```python\ndef f(x):\n    y = x + 1\n    return z\n```\n"
WORSE = "```python\ndef f(x):\n    y = q + 1\n    return z\n```\n"
CUT = "```python\ndef add(a, b):\n    return a + b\n\n\ndef mul(a, b):\n    product = a *"
REST = "    product = a * b\n    return product\n```\n"


def give(bridge: Bridge, job: str, text: str, **facts: Any) -> str:
    """A worker's answer to a job, in the notebook when this returns."""
    known = bridge.get(job).job
    result = Result(
        job=known.id, attempt=known.next_attempt(), finished_at=bridge.store.clock.now(), answer=text,
        prompt_sha256=grammar.prompt_sha256(known.spec.body), worker={"id": "w", "engine": "test"},
        **{"status": ResultStatus.SUCCEEDED, "finish_reason": "stop", **facts},
    )  # fmt: skip
    put_result(bridge, result)
    return known.id


def put_result(bridge: Bridge, result: Result) -> None:
    """Write a result into its job's cell, as a kernel or another machine does; taken in when this returns."""
    bridge.store.publish()
    transport = bridge.store.transport
    for entry in transport.entries():
        read = transport.read(entry.name)
        assert read is not None
        notebook = json_bytes.loads(read[0])
        cells = [cell for cell in notebook["cells"] if "".join(cell["source"]).startswith(f"%%qwen {result.job}")]
        for cell in cells:
            cell["outputs"] = [result_record.write_output(result)]
        if cells:
            try:
                transport.stage(entry.name, json_bytes.dumps(notebook), unless_changed=read[1]).commit()
            except QueueChanged:  # somebody wrote in the meantime
                return put_result(bridge, result)
            return bridge.store.publish()
    raise AssertionError(f"{result.job} stands in no notebook")


def cut(bridge: Bridge, job: str, text: str = CUT) -> str:
    """An answer that ended at the token limit."""
    return give(bridge, job, text, status=ResultStatus.TRUNCATED, finish_reason="length")


def fail(bridge: Bridge, job: str, message: str = "it broke") -> str:
    """A failure that ends the job."""
    error = {"kind": "engine_error", "message": message}
    return give(bridge, job, "", status=ResultStatus.FAILED, finish_reason="error", error=error)


def rounds(bridge: Bridge, job: str) -> list[str]:
    """The ids of a job's rounds of repair, first round first."""
    found = [line.id for line in bridge.jobs(parent=job)]
    return sorted(found, key=lambda child: bridge.get(child).job.spec.round)
