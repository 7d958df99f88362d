"""Queues for tests: a new one in a folder, a clock that is set by hand, and what its files say when read by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bridge import Bridge
from bridge.core.clock import Clock
from bridge.core.events import Event, EventKind
from bridge.format import template

QUEUE_ID = "11111111-2222-4333-8444-555555555555"


@dataclass
class HandClock:
    """A clock that stands still; sleeping moves it, and may do something first."""

    moment: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    slept_s: float = 0.0
    while_asleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.while_asleep()
        self.slept_s += seconds
        self.moment += timedelta(seconds=seconds)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.moment, sleep=self.sleep)


def make_queue(folder: Path, *, queue_id: str = QUEUE_ID, name: str = "qwen_bridge.ipynb") -> Path:
    """A new, empty queue; gives the path of its notebook."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(template.notebook_bytes(template.queue_notebook(queue_id)))
    return path


def load(path: Path) -> dict[str, Any]:
    """A notebook, read with the standard library alone."""
    notebook: dict[str, Any] = json.loads(path.read_bytes())
    return notebook


def save(path: Path, notebook: dict[str, Any]) -> None:
    """Write a notebook as an editor does: in place, indented by one."""
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")


def ids_in(notebook: dict[str, Any]) -> list[str]:
    """The job ids in the headers of a notebook, in the order of its cells."""
    firsts = ["".join(cell["source"]).split("\n", 1)[0].split() for cell in notebook["cells"]]
    return [words[1] for words in firsts if words[:1] == ["%%qwen"] and len(words) > 1]


def jobs_on_disk(folder: Path) -> Counter[str]:
    """How often each job stands in the notebooks of a folder and its archive."""
    files = [*folder.glob("*.ipynb"), *(folder / "archive").glob("*.ipynb")]
    return Counter(job for file in files if not file.name.startswith(".") for job in ids_in(load(file)))


def body_of(notebook: dict[str, Any], job: str) -> str:
    """The prompt that stands in a job's cell."""
    [cell] = [c for c in notebook["cells"] if "".join(c["source"]).startswith(f"%%qwen {job}")]
    return "".join(cell["source"]).split("\n", 1)[1]


def note(text: str, element: str = "a-persons-note") -> dict[str, Any]:
    """A cell that a person typed."""
    return {"cell_type": "markdown", "id": element, "metadata": {}, "source": text.splitlines(keepends=True)}


@dataclass
class Queue:
    """A queue under test: where it is, what it told, and a clock that only moves by hand."""

    path: Path
    hand: HandClock = field(default_factory=HandClock)
    events: list[Event] = field(default_factory=list)
    opened: list[Bridge] = field(default_factory=list)

    def open(self) -> Bridge:
        """Open it, as a new process would."""
        bridge = Bridge(str(self.path), caller="tester", listener=self.events.append, clock=self.hand.clock())
        self.opened.append(bridge)
        return bridge

    def close(self) -> None:
        for bridge in self.opened:
            bridge.close()
        self.opened.clear()

    def told(self, kind: EventKind) -> list[str]:
        return [event.message for event in self.events if event.kind is kind]

    def load(self) -> dict[str, Any]:
        return load(self.path)

    def save(self, notebook: dict[str, Any]) -> None:
        save(self.path, notebook)
