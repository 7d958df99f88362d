"""The calls of all targets in one SQLite file of the local state folder: no prompt, no answer, no key."""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path

from bridge.core import files
from bridge.core.errors import JournalError
from bridge.router.meaning import CallOutcome
from bridge.router.prices import PriceBook
from bridge.router.usage import CallFact

_COLUMNS = tuple(field.name for field in fields(CallFact))
_TABLE = f"""
CREATE TABLE IF NOT EXISTS call ({", ".join(_COLUMNS)});
CREATE INDEX IF NOT EXISTS call_by_time ON call (at);
"""
_MARKS = ", ".join("?" * len(_COLUMNS))
#: How long calls are remembered.
KEPT_DAYS = 400


class UsageLedger:
    """The file. Threads may share it."""

    def __init__(self, path: Path, prices: PriceBook | None = None) -> None:
        """Open it, or make it. Raises JournalError."""
        self._path, self._prices, self._lock = path, prices or PriceBook(), threading.Lock()
        self._spent: dict[tuple[str, date], float] = defaultdict(float)
        with self._translated():
            files.keep_private(path.parent)
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_TABLE)
            self._db.execute("DELETE FROM call WHERE at < datetime('now', ?)", (f"-{KEPT_DAYS} days",))
            for fact in self.facts(since=_midnight(datetime.now(UTC))):
                self._spend(fact)

    def record(self, fact: CallFact) -> None:
        """Write a call, with its cost. Raises JournalError."""
        if fact.outcome is CallOutcome.ANSWERED and fact.cost_usd is None:
            used = (fact.prompt_tokens, fact.completion_tokens)
            fact = replace(fact, cost_usd=self._prices.cost_usd(fact.target, fact.model, *used))
        row = astuple(replace(fact, at=fact.at.astimezone(UTC)))
        values = [value.isoformat() if isinstance(value, datetime) else value for value in row]
        values[_COLUMNS.index("outcome")] = fact.outcome.value
        with self._lock, self._translated():
            self._db.execute(f"INSERT INTO call VALUES ({_MARKS})", values)  # noqa: S608  # question marks
            self._spend(fact)

    def facts(self, *, since: datetime | None = None) -> list[CallFact]:
        """The calls, oldest first. Raises JournalError."""
        begin = since.astimezone(UTC).isoformat() if since is not None else ""
        with self._translated():
            rows = self._db.execute("SELECT * FROM call WHERE at >= ? ORDER BY at", (begin,)).fetchall()
        return [_fact(row) for row in rows]

    def spent_usd(self, caller: str, now: datetime) -> float:
        """What a caller's calls of this day (UTC) cost, as far as that is known."""
        return self._spent.get((caller, now.astimezone(UTC).date()), 0.0)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _spend(self, fact: CallFact) -> None:
        self._spent[fact.caller, fact.at.astimezone(UTC).date()] += fact.cost_usd or 0.0

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{self._path} cannot be used ({error})") from error


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _fact(row: tuple[object, ...]) -> CallFact:
    held = dict(zip(_COLUMNS, row, strict=True))
    held |= {"at": datetime.fromisoformat(str(held["at"])), "outcome": CallOutcome(held["outcome"])}
    held |= {name: bool(held[name]) for name in ("is_first", "is_local")}
    return CallFact(**held)  # type: ignore[arg-type]  # its own columns
