"""The journal: all that this side knows of a queue, in SQLite, committed to disk before a notebook is touched.

One per queue_id and user of this machine; several processes at once are normal (WAL, one writer at a time). Every cell is
kept as the bytes that stand in the notebook, so a notebook is written by joining rows, without parsing one.

A journal has a *writer id*, born with it: dots count up under that name. A journal that finds itself on another machine or
under another path, or that a notebook is ahead of (it was restored from a backup), takes a new one before it writes,
because a dot used twice would read as a deletion.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bridge.errors import JournalError
from bridge.job import Job, Result, State, to_iso
from bridge.kernel import grammar
from bridge.notebook import prompt_cell, tables, wire
from bridge.notebook.cell import Cell, Kind
from bridge.notebook.codec import Part
from bridge.notebook.raw import Dots, without_unseen
from bridge.transports.base import Stamp

#: Bytes that an answer is expected to take in its cell, twice over as Markdown and plain text, until it is there.
ANSWER_RESERVE = 8_000
#: The place of what is in no notebook any more.
NOWHERE = 0
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A notebook that the journal knows."""

    id: int
    kind: str  #: part | archive
    number: int
    name: str
    own: bool
    context: Mapping[str, int]
    extras: Mapping[str, Any]
    rev: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was last seen of a file."""

    place: int
    hash: str
    stamp: Stamp
    rev: int  #: of its place, that it shows; 0: older than all
    loose: int = 0  #: cells that were not adopted
    loose_jobs: int = 0  #: prompts among them


def content_hash(data: bytes) -> str:
    """A hash of a file's bytes, to know a version by."""
    return blake2b(data, digest_size=16).hexdigest()


class Journal:
    """One queue's journal. Not for use by two threads at once: the store takes care of that."""

    def __init__(self, path: Path, *, queue_id: str, fingerprint: str, new_writer: Callable[[], str]) -> None:
        """Open it, or make it. `fingerprint` names this machine and path. Raises JournalError if it is damaged."""
        self.path = path
        self.queue_id = queue_id
        self._new_writer = new_writer
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self._prepare(fingerprint)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"the journal {path} cannot be used: {error}; `bridge rebuild --journal` makes a new one"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends."""
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")
        except sqlite3.Error as error:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise JournalError(f"the journal {self.path} failed: {error}") from error

    # ---- who writes

    @property
    def writer(self) -> str:
        """The writer id."""
        return self._meta("writer")

    @property
    def counter(self) -> int:
        """The highest dot given out under this writer id."""
        return int(self._meta("counter"))

    def take_dots(self, n: int) -> int:
        """Reserve n dots; gives the first."""
        first = self.counter + 1
        self._set_meta("counter", str(first + n - 1))
        return first

    def renew_writer(self) -> str:
        """Take a new writer id and start counting again."""
        self._set_meta("writer", self._new_writer())
        self._set_meta("counter", "0")
        return self.writer

    # ---- places

    def places(self, kind: str | None = None) -> list[Place]:
        """All notebooks, parts by number first, then archives by name."""
        rows = self.db.execute(
            "SELECT id, kind, number, name, own, context, extras, rev FROM place"
            " WHERE ?1 IS NULL OR kind = ?1 ORDER BY kind DESC, number, name",
            (kind,),
        )
        return [_place(row) for row in rows]

    def place(self, place: int) -> Place:
        """One notebook."""
        row = self.db.execute(
            "SELECT id, kind, number, name, own, context, extras, rev FROM place WHERE id = ?", (place,)
        ).fetchone()
        return _place(row)

    def place_named(self, name: str) -> Place | None:
        """The notebook of that name."""
        row = self.db.execute(
            "SELECT id, kind, number, name, own, context, extras, rev FROM place WHERE name = ?", (name,)
        ).fetchone()
        return _place(row) if row else None

    def last_archive(self, prefix: str) -> Place | None:
        """Our newest archive notebook whose name starts so."""
        row = self.db.execute(
            "SELECT id, kind, number, name, own, context, extras, rev FROM place"
            " WHERE kind = 'archive' AND own = 1 AND name >= ?1 AND name < ?1 || x'ff' ORDER BY name DESC LIMIT 1",
            (prefix,),
        ).fetchone()
        return _place(row) if row else None

    def lagging(self, location: str) -> list[Place]:
        """Our notebooks whose file at this location does not show what is here, in order."""
        rows = self.db.execute(
            "SELECT p.id, kind, number, name, own, context, extras, p.rev FROM place p"
            " LEFT JOIN seen s ON s.path = ?1 || '/' || p.name"
            " WHERE own = 1 AND s.rev IS NOT p.rev ORDER BY kind, number, name",
            (location,),
        )
        return [_place(row) for row in rows]

    def add_place(self, *, kind: str, number: int, name: str, own: bool = True) -> Place:
        """A new, empty notebook."""
        self.db.execute("INSERT INTO place (kind, number, name, own) VALUES (?, ?, ?, ?)", (kind, number, name, own))
        found = self.place_named(name)
        assert found is not None
        return found

    def update_place(self, place: int, *, context: Mapping[str, int], extras: Mapping[str, Any]) -> None:
        """Set what the notebook's metadata says."""
        self.db.execute(
            "UPDATE place SET context = ?, extras = ? WHERE id = ?",
            (wire.dumps(dict(context)).decode(), wire.dumps(dict(extras)).decode(), place),
        )

    def touch(self, place: int) -> None:
        """Its content changed: files of it lag behind now."""
        self.db.execute("UPDATE place SET rev = rev + 1 WHERE id = ?", (place,))

    def room(self, place: int) -> tuple[int, int]:
        """(jobs, expected bytes) in a notebook."""
        row = self.db.execute(
            "SELECT coalesce(sum(kind = 'job'), 0), coalesce(sum(size), 0) FROM cell WHERE place = ?",
            (place,),
        ).fetchone()
        return int(row[0]), int(row[1])

    # ---- cells

    def part(self, place: Place) -> Part:
        """A notebook's cells as the journal has them."""
        rows = self.db.execute("SELECT id, kind, position, dots, raw FROM cell WHERE place = ?", (place.id,))
        cells = (_cell(row) for row in rows)
        return Part(
            queue_id=self.queue_id,
            number=place.number,
            context=place.context,
            cells={cell.id: cell for cell in cells},
            metadata=place.extras,
        )

    def rendered(self, place: int) -> list[bytes]:
        """A notebook's cells as the bytes that stand in its file, in order."""
        rows = self.db.execute("SELECT raw FROM cell WHERE place = ? ORDER BY position, id", (place,))
        return [row[0] for row in rows]

    def cell(self, job: str) -> tuple[Cell, int] | None:
        """A job's cell and the place where it is."""
        row = self.db.execute(
            "SELECT id, kind, position, dots, raw, place FROM cell WHERE id = ? AND kind = 'job'", (job,)
        ).fetchone()
        return (_cell(row[:5]), int(row[5])) if row else None

    def whereabouts(self, ids: Iterable[str]) -> dict[str, tuple[int, Dots]]:
        """{job: (place, dots)} of those that the journal knows."""
        found: dict[str, tuple[int, Dots]] = {}
        wanted = list(ids)
        for start in range(0, len(wanted), 500):
            chunk = wanted[start : start + 500]
            marks = ",".join("?" * len(chunk))
            rows = self.db.execute(
                f"SELECT id, place, dots FROM cell WHERE kind = 'job' AND id IN ({marks})",  # noqa: S608  # question marks only
                chunk,
            )
            found |= {row[0]: (row[1], wire.loads(row[2].encode())) for row in rows}
        return found

    def put(self, place: int, cells: Iterable[Cell], *, now: datetime) -> None:
        """Write cells: what they say now, every content and every result they ever had."""
        rows, histories, results = [], [], []
        for cell in cells:
            rows.append(_row(place, cell))
            edit = cell.job.edit if cell.kind is Kind.JOB else cell.note_edit
            histories.append((cell.id, cell.digest, edit))
            if cell.kind is Kind.JOB:
                results += [_result_row(cell.id, result, now) for result in cell.job.results]
                self.db.execute("DELETE FROM cell WHERE id = ? AND kind = 'job' AND place != ?", (cell.id, place))
        self.db.executemany(_PUT, rows)
        self.db.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?)", histories)
        self.db.executemany("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?)", results)

    def remove_note(self, place: int, note: str) -> None:
        """Forget a note that was deleted from its notebook; its last content stays in no notebook."""
        self.db.execute("UPDATE OR REPLACE cell SET place = 0 WHERE place = ? AND id = ?", (place, note))

    def results(self, job: str) -> tuple[Result, ...]:
        """Every result of a job that was ever seen."""
        rows = self.db.execute("SELECT output FROM result WHERE job = ? ORDER BY digest", (job,))
        return tuple(r for row in rows for r in prompt_cell.read_results({"outputs": [wire.loads(row[0])]}, job)[0])

    def keep_results(self, job: Job, now: datetime) -> None:
        """Remember a job's results, whatever becomes of its cell."""
        rows = [_result_row(job.id, result, now) for result in job.results]
        self.db.executemany("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?)", rows)

    def history(self, cell: str) -> dict[str, int]:
        """{digest of a content: edit number} of all that a cell ever said."""
        return dict(self.db.execute("SELECT digest, edit FROM history WHERE cell = ?", (cell,)))

    def aliases(self) -> dict[str, str]:
        """{id that an editor gave: id adopted under}."""
        return dict(self.db.execute("SELECT native, cell FROM alias"))

    def add_alias(self, native: str, cell: str) -> None:
        """Remember that an editor knows an adopted cell under another id."""
        self.db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?)", (native, cell))

    # ---- files

    def seen(self, path: str) -> Seen | None:
        """What was last seen of a file."""
        row = self.db.execute(
            "SELECT place, hash, size, mtime_ns, inode, rev, loose, loose_jobs FROM seen WHERE path = ?",
            (path,),
        ).fetchone()
        if not row:
            return None
        stamp = Stamp(size=row[2], mtime_ns=row[3], inode=row[4])
        return Seen(place=row[0], hash=row[1], stamp=stamp, rev=row[5], loose=row[6], loose_jobs=row[7])

    def see(self, path: str, seen: Seen) -> None:
        """Remember what was seen of a file."""
        self.db.execute(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                path,
                seen.place,
                seen.hash,
                seen.stamp.size,
                seen.stamp.mtime_ns,
                seen.stamp.inode,
                seen.rev,
                seen.loose,
                seen.loose_jobs,
            ),  # fmt: skip
        )

    def unadopted(self, location: str) -> int:
        """Prompts in the files at a location that no command has taken in yet."""
        row = self.db.execute(
            "SELECT coalesce(sum(loose_jobs), 0) FROM seen WHERE place > 0 AND path LIKE ? || '/%'",
            (location,),
        ).fetchone()
        return int(row[0])

    def forget_file(self, path: str) -> None:
        """A file is not there any more."""
        self.db.execute("DELETE FROM seen WHERE path = ?", (path,))

    # ---- doubts

    def doubt(self, place: int, jobs: Iterable[str], now: datetime) -> None:
        """Note jobs that a version lacked, which was not believed."""
        self.db.executemany("INSERT OR IGNORE INTO doubt VALUES (?, ?, ?)", [(place, job, to_iso(now)) for job in jobs])

    def doubted(self) -> list[str]:
        """Jobs that a version would have cancelled, and that are still open."""
        rows = self.db.execute(
            "SELECT job FROM doubt JOIN cell ON cell.id = job WHERE cell.state = 'queued' ORDER BY job"
        )
        return [row[0] for row in rows]

    def settle_doubts(self) -> None:
        """The doubted deletions were confirmed or dismissed."""
        self.db.execute("DELETE FROM doubt")

    # ---- set-up

    def _prepare(self, fingerprint: str) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in tables.SCHEMA.split(";\n"):
                self.db.execute(statement)
            self.db.execute(f"PRAGMA user_version = {tables.VERSION}")
            self._set_meta("queue_id", self.queue_id)
            self._set_meta("fingerprint", fingerprint)
            self.renew_writer()
        elif version != tables.VERSION:
            self.db.execute("ROLLBACK")
            raise sqlite3.DatabaseError(f"it has version {version}, this program writes {tables.VERSION}")
        elif self._meta("fingerprint") != fingerprint:
            self._set_meta("fingerprint", fingerprint)
            self.renew_writer()
        self.db.execute("COMMIT")

    def _meta(self, name: str) -> str:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def _set_meta(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


_PUT = """INSERT OR REPLACE INTO cell (id, place, kind, position, dots, raw, size, state, lease_until, caller, key, model,
    lang, priority, parent, created_at, finished_at, seconds, checked_at, delivered_at, archived_at, problem)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def _row(place: int, cell: Cell) -> tuple[object, ...]:
    raw = wire.dump_cell({**cell.raw, "id": cell.id})
    dots = wire.dumps(without_unseen(cell.dots)).decode()
    if cell.kind is Kind.NOTE:
        return (cell.id, place, "note", cell.position, dots, raw, len(raw), *[None] * 15)
    job, spec = cell.job, cell.job.spec
    best = job.best(grammar.prompt_sha256(spec.body))
    state = job.state(best, _NEVER)
    open_ = state is State.QUEUED
    lease = job.lease if job.lease and open_ and not job.lease.released and job.lease.attempt > job.floor else None
    outcome = job.outcome
    _, problems = ([], []) if best else prompt_cell.read_results(cell.raw, job.id)
    return (
        cell.id, place, "job", cell.position, dots, raw, len(raw) + (ANSWER_RESERVE if open_ else 0),
        state.value, to_iso(lease.expires_at) if lease else None,
        spec.caller, spec.key, best.model if best else spec.options.model, spec.options.lang, spec.options.priority,
        spec.parent, to_iso(spec.created_at) if spec.created_at else None,
        to_iso(best.finished_at) if best else None, best.timing_s.get("total") if best else None,
        outcome.get("checked_at"), outcome.get("delivered_at"), outcome.get("archived_at"),
        spec.broken or (problems[0] if problems else None),
    )  # fmt: skip


def _result_row(job: str, result: Result, now: datetime) -> tuple[str, str, bytes, str]:
    output = wire.dumps(prompt_cell.write_output(result))
    return (job, content_hash(output), output, to_iso(now))


def _cell(row: tuple[Any, ...]) -> Cell:
    return Cell(
        id=row[0],
        kind=Kind(row[1]),
        position=row[2],
        dots=wire.loads(row[3].encode()),
        raw=wire.loads(row[4]),
    )


def _place(row: tuple[Any, ...]) -> Place:
    return Place(
        id=row[0], kind=row[1], number=row[2], name=row[3], own=bool(row[4]),
        context=wire.loads(row[5].encode()), extras=wire.loads(row[6].encode()), rev=row[7],
    )  # fmt: skip
