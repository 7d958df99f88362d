"""What goes wrong, by a seed: processes are killed or stand still, Drive fails in every way that it knows, lists lag.

The first actions are one of each kind; then chance goes on. What was caused but not met when chaos ends is met by
`Scenario.meet_all`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.soak.plain_drive import PlainDrive
from tests.soak.processes import Processes

_UPDATE = r"files\.(update|patch|insert)$"
_ANY = r" (/upload)?/drive/v2/"

#: Faults as the stand-in's admin endpoint takes them, by name.
FAULTS: dict[str, dict[str, Any]] = {
    "5xx before": {"pattern": _ANY, "status": 503, "times": 2},
    "5xx after commit": {"pattern": _UPDATE, "how": "after commit", "status": 503, "times": 1},
    "reset after commit": {"pattern": _UPDATE, "how": "reset after commit", "times": 1},
    "429": {"pattern": _ANY, "status": 429, "retry_after_s": 1, "times": 2},
    "403 rate": {"pattern": _ANY, "status": 403, "times": 2},
    "stale etag": {"pattern": _UPDATE, "how": "stale etag", "times": 2},
    "other write": {"pattern": _UPDATE, "how": "other write", "times": 1},
    "old etag": {"pattern": _UPDATE, "how": "old etag", "times": 1},
    "damaged": {"pattern": "download$", "how": "corrupt", "times": 2},
    "cut": {"pattern": "download$", "how": "cut", "times": 1},
    "reset": {"pattern": _ANY, "how": "reset", "times": 2},
}
#: Only in long runs, because they take their time.
SLOW_FAULTS: dict[str, dict[str, Any]] = {
    "mute": {"pattern": _UPDATE, "how": "mute", "times": 1},
    "outage": {"pattern": _ANY, "status": 503, "times": 60},
}


@dataclass(kw_only=True)
class Chaos:
    """One action after the other; `act` does the next."""

    processes: Processes
    drive: PlainDrive
    seed: int
    victims: tuple[str, ...]  #: processes that may be killed
    fork_request: Path  #: a file that tells the sync client to leave a conflict copy
    slow: bool = False
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed} chaos")
        self._plan = self._actions()

    def act(self) -> str:
        """Do the next thing; gives its name."""
        self.resume_all()
        what, which = next(self._plan)
        if what == "kill":
            self.processes.kill(self.processes.by_name[which])
        elif what == "pause":
            self.processes.pause(self.processes.by_name[which])
        elif what == "fork":
            self.fork_request.write_text("")
        elif what == "fault":
            self.drive.admin("POST", "faults", **(FAULTS | SLOW_FAULTS)[which])
        else:
            self.drive.admin("POST", "lag", requests=int(which))
        self.done.append(f"{what} {which}")
        return self.done[-1]

    def resume_all(self) -> None:
        """Nobody stands still."""
        for managed in self.processes.by_name.values():
            self.processes.resume(managed)

    def over(self) -> None:
        """Nothing is wrong any more."""
        self.resume_all()
        self.drive.admin("DELETE", "faults")
        self.drive.admin("POST", "faults/released")
        self.drive.admin("POST", "lag")

    def _actions(self) -> Iterator[tuple[str, str]]:
        early = [("kill", name) for name in self.victims if name.startswith("agent")]  # while they still add
        first = [("kill", name) for name in self.victims if not name.startswith("agent")]
        first += [("fault", name) for name in FAULTS]
        first += [("lag", "6"), ("fork", "by the sync client"), ("pause", self._chance.choice(self.victims))]
        self._chance.shuffle(first)
        yield from early
        yield from first
        faults = [*FAULTS, *(SLOW_FAULTS if self.slow else ())]
        while True:
            dice = self._chance.random()
            if dice < 0.4:
                yield "kill", self._chance.choice(self.victims)
            elif dice < 0.85:
                yield "fault", self._chance.choice(faults)
            elif dice < 0.93:
                yield "pause", self._chance.choice(self.victims)
            elif dice < 0.96:
                yield "fork", "by the sync client"
            else:
                yield "lag", str(self._chance.choice([0, 0, 3, 10]))
