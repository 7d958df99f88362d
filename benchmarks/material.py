"""Real answers and prompts to measure checking with. They are not part of this repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SEED = 20260101


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of one data file; empty if it is not there."""
    path = DATA / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def answers() -> list[dict[str, Any]]:
    """All real answers."""
    return rows("real_answers.jsonl") + rows("real_answers_edge.jsonl")
