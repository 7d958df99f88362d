"""Answers for tests of what comes after an answer: good, broken and cut ones, and ways to give them to a job."""

from __future__ import annotations

from typing import Any

from bridge import Bridge
from bridge.core.job import Result, ResultStatus
from bridge.kernel import grammar

GOOD = "```python\ndef f(x):\n    y = x + 1\n    return y\n```\n"
BROKEN = "```python\ndef f(x):\n    y = x + 1\n    return z\n```\n"
WORSE = "```python\ndef f(x):\n    y = q + 1\n    return z\n```\n"
CUT = "```python\ndef add(a, b):\n    return a + b\n\n\ndef mul(a, b):\n    product = a *"
REST = "    product = a * b\n    return product\n```\n"


def give(bridge: Bridge, job: str, text: str, **facts: Any) -> str:
    """A worker's answer to a job, in the notebook when this returns."""

    def change(known: Any, _state: Any) -> Any:
        result = Result(
            job=known.id, attempt=known.next_attempt(), finished_at=bridge.store.clock.now(), answer=text,
            prompt_sha256=grammar.prompt_sha256(known.spec.body), worker={"id": "w", "engine": "test"},
            **{"status": ResultStatus.SUCCEEDED, "finish_reason": "stop", **facts},
        )  # fmt: skip
        return known.evolve(results=(*known.results, result))

    return bridge._each([job], change, "answering")[0]


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
