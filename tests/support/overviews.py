"""Overviews for tests of `bridge top`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.api.job_detail import JobDetail
from bridge.api.status import Failure, Overview, Running, WorkerLine
from bridge.api.views import Status
from bridge.core.job import State
from bridge.store.activity import HandedOver, Refusal
from bridge.store.query import JobLine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JOB = "01JD3K6S7M2W8Q5V4T9R0XYZAB"


def status(**facts: Any) -> Status:
    """The status of a queue with one worker."""
    known: dict[str, Any] = {
        "path": "/q/qwen_bridge.ipynb", "queue_id": "q", "parts": 1, "archives": 0,
        "counts": dict.fromkeys(State, 0), "oldest_queued_s": 200.0, "new_cells": 0, "workers": 1, "idle": 0, "lanes": 2,
        "eta_s": 720.0, "doubted": (), "problems": (),
    }  # fmt: skip
    return Status(**{**known, **facts})


def worker(**facts: Any) -> WorkerLine:
    """A worker with a job in one of two lanes."""
    known: dict[str, Any] = {
        "name": "desk-1", "engine": "ollama", "model": "qwen2.5-coder:7b", "lanes": 2,
        "running": (Running(job=JOB, seconds=12.0),), "held": 3, "beat_s": 5.0,
    }  # fmt: skip
    return WorkerLine(**{**known, **facts})


def line(**facts: Any) -> JobLine:
    """A job of a list."""
    known: dict[str, Any] = dict.fromkeys(JobLine.__dataclass_fields__)
    known |= {"id": JOB, "state": State.FAILED, "priority": 0, "created_at": NOW - timedelta(minutes=3)}
    return JobLine(**{**known, **facts})


def detail(**facts: Any) -> JobDetail:
    """All of that job."""
    known: dict[str, Any] = {
        "line": line(), "out": "src/a.py", "prompt": "Write a parser", "answer": "def parse():\n\tpass", "error": "out of memory",
        "findings": ("line 2: undefined name z",), "rounds": 1,
    }  # fmt: skip
    return JobDetail(**{**known, **facts})


def overview(**facts: Any) -> Overview:
    """A queue with some of everything."""
    known: dict[str, Any] = {
        "at": NOW, "status": status(), "counts": {**dict.fromkeys(State, 0), State.QUEUED: 40, State.FAILED: 2},
        "workers": (worker(),), "tokens_per_s": 34.25, "jobs": (line(),),
        "handed_over": (HandedOver(job=JOB, at=NOW, to="wait", verdict="errors", caller="me"),),
        "failures": (Failure(job=JOB, at=NOW, caller="me", error="out of memory"),),
        "refusals": (Refusal(job=JOB, channel="webhook h", tries=2, error="HTTP 500"),),
        "failed": (JOB, "01B"), "queued": ("01C",), "callers": ("me", "you"), "words": {JOB: "Write a parser"}, "detail": detail(),
    }  # fmt: skip
    return Overview(**{**known, **facts})
