"""The journal: all that this side knows of a queue, in SQLite, committed to disk before a notebook is touched.

One per queue_id and user of this machine; several processes at once are normal (WAL, one writer at a time). Every cell is
kept as the bytes that stand in the notebook, so a notebook is written by joining rows, without parsing one.

A journal has a *writer id*, born with it: dots count up under that name. A journal that finds itself on another machine or
under another path, or that a notebook is ahead of (it was restored from a backup), takes a new one before it writes,
because a dot used twice would read as a deletion.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from filelock import FileLock

from bridge.core import files
from bridge.core.job import Result, to_iso
from bridge.format import json_bytes, limits
from bridge.format.cell import Cell, CellKind
from bridge.format.layout import Layout
from bridge.store import migrations, rows, tables
from bridge.store.carry_over import carry_over
from bridge.store.journal_reader import JournalReader, open_reader, translated
from bridge.store.rows import FileVersion, NotebookRow
from bridge.store.verdict_footer import with_verdicts

#: A notebook of 4 MB is read again for each job that is added to it.
_CACHE_KIB = 8_000


class Journal(JournalReader):
    """One queue's journal. Not for use by two threads at once: the store takes care of that."""

    def __init__(
        self,
        path: Path,
        *,
        queue_id: str,
        fingerprint: str,
        new_writer: Callable[[], str],
        predecessors: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        """Open it, migrated to the present version, or make it.

        Args:
            path: of its file.
            queue_id: of its queue.
            fingerprint: names this machine and path.
            new_writer: gives a new writer id.
            predecessors: journals of this queue that were set aside, newest first: a new journal takes over what they
                know of reviews, hand-overs and results (see carry_over.py).

        Raises:
            JournalTooNew: a newer version of this program wrote it.
            JournalError: it is damaged.
            StorageFull: no space.
        """
        self._new_writer = new_writer
        self._predecessors = predecessors
        self._peek: JournalReader | None = None
        try:
            files.keep_private(path.parent)
            path.touch(mode=0o600)  # SQLite gives its other files the same rights
            db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise translated(error, path) from error
        super().__init__(db, path=path, queue_id=queue_id)
        try:
            # SQLite does not wait for its turn to switch a new file to WAL: it fails if another process does so too.
            with FileLock(path.with_suffix(".opening"), timeout=60, mode=0o600):
                db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._prepare(fingerprint)
        except (sqlite3.Error, OSError) as error:
            db.close()
            raise translated(error, path) from error
        except BaseException:
            db.close()
            raise

    def peek(self) -> JournalReader:
        """It, over a read-only connection of its own: what it gives is on disk, and nobody is kept from writing."""
        if self._peek is None:
            self._peek = open_reader(self.path, queue_id=self.queue_id)
        return self._peek

    def close(self) -> None:
        """Let go of the file."""
        if self._peek is not None:
            self._peek.close()
            self._peek = None
        super().close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends. Inside another one it is a part of that."""
        if self.db.in_transaction:
            yield
            return
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # some failures end it by themselves
                    self.db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def tidy(self) -> None:
        """Write what the log still holds into the journal, so that nothing of what was deleted stays in it."""
        with suppress(sqlite3.Error):  # somebody reads: the next one does it
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # ---- who writes

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

    def add_place(self, *, kind: str, number: int, name: str, own: bool = True) -> NotebookRow:
        """A new, empty notebook."""
        self.db.execute("INSERT INTO place (kind, number, name, own) VALUES (?, ?, ?, ?)", (kind, number, name, own))
        found = self.place_named(name)
        assert found is not None
        return found

    def adopt_place(self, place: int) -> None:
        """From now on this journal writes the notebook, whoever did before."""
        self.db.execute("UPDATE place SET own = 1 WHERE id = ?", (place,))

    def update_place(self, place: int, *, context: Mapping[str, int], extras: Mapping[str, object]) -> None:
        """Set what the notebook's metadata says."""
        self.db.execute(
            "UPDATE place SET context = ?, extras = ? WHERE id = ?",
            (json_bytes.dumps(dict(context)).decode(), json_bytes.dumps(dict(extras)).decode(), place),
        )

    def touch(self, place: int) -> None:
        """Its content changed: files of it lag behind now."""
        self.db.execute("UPDATE place SET rev = rev + 1 WHERE id = ?", (place,))

    # ---- cells

    def put(self, place: int, cells: Iterable[Cell], *, now: datetime) -> None:
        """Write cells: what they say now, every content and every result they ever had."""
        records, histories, results, moved = [], [], [], []
        for cell in with_verdicts(self.db, list(cells)):
            records.append(self._with_capped_lease(rows.cell_row(place, cell), now))
            edit = cell.job.edit if cell.kind is CellKind.JOB else cell.note_edit
            histories.append((cell.id, cell.digest, edit))
            if cell.kind is CellKind.JOB:
                results += [rows.result_row(cell.id, result, now) for result in cell.job.results]
                moved.append((cell.id, place))
        self.db.executemany("DELETE FROM cell WHERE id = ? AND kind = 'job' AND place != ?", moved)
        self.db.executemany(rows.PUT_CELL, records)
        self.db.executemany("INSERT OR REPLACE INTO history (cell, digest, edit) VALUES (?, ?, ?)", histories)
        self.db.executemany(rows.PUT_RESULT, results)

    def keep_results(self, job: str, results: Iterable[Result], *, now: datetime) -> None:
        """Keep results that do not count, so that nothing is lost."""
        self.db.executemany(rows.PUT_RESULT, [rows.result_row(job, result, now) for result in results])

    def note_judged_by(self, tag: str) -> None:
        """Results were judged by keys of this tag."""
        self._set_meta("judged_by", tag)

    def _with_capped_lease(self, row: dict[str, object], now: datetime) -> dict[str, object]:
        """A cell's row whose claim ends, at the latest, limits.LEASE_S after it was first seen here."""
        latest = to_iso(now + timedelta(seconds=limits.LEASE_S))
        if row["lease_until"] is None or str(row["lease_until"]) <= latest:
            return row
        known = self.db.execute(
            "SELECT lease_until FROM cell WHERE kind = 'job' AND (id, lease_worker, lease_attempt) = (?, ?, ?)",
            (row["id"], row["lease_worker"], row["lease_attempt"]),
        ).fetchone()
        return {**row, "lease_until": min(latest, known["lease_until"]) if known else latest}

    def remove_note(self, place: int, note: str) -> None:
        """Forget a note that was deleted from its notebook; its last content stays in no notebook."""
        self.db.execute("UPDATE OR REPLACE cell SET place = 0 WHERE place = ? AND id = ?", (place, note))

    def add_alias(self, native: str, cell: str) -> None:
        """Remember that an editor knows an adopted cell under another id."""
        self.db.execute("INSERT OR REPLACE INTO alias (native, cell) VALUES (?, ?)", (native, cell))

    # ---- files

    def see(self, path: str, seen: FileVersion) -> None:
        """Remember what was seen of a file."""
        self.db.execute(rows.PUT_FILE_VERSION, rows.file_version_row(path, seen))

    def forget_file(self, path: str) -> None:
        """A file is not there any more."""
        self.db.execute("DELETE FROM seen WHERE path = ?", (path,))
        self.db.execute("DELETE FROM meta WHERE name = ?", (f"birth:{path}",))

    def see_birth(self, path: str, birth: str) -> None:
        """Remember the mark that a file was born with."""
        if birth != self.birth(path):
            self._set_meta(f"birth:{path}", birth)

    def see_layout(self, path: str, seen: Layout) -> None:
        """Remember how a file is laid out."""
        if seen != self.layout(path):
            self._set_meta(f"layout:{path}", json_bytes.dumps(vars(seen)).decode())

    def count_copy(self, now: datetime) -> None:
        """Note that a second copy was moved away."""
        recent = [to_iso(at) for at in self.copies_since(now - timedelta(seconds=limits.COPIES_S))]
        self._set_meta("copies", json_bytes.dumps([*recent, to_iso(now)]).decode())

    # ---- suspect deletions

    def suspect_deletion(self, place: int, jobs: Iterable[str], now: datetime) -> None:
        """Note jobs that a version lacked, which was not believed."""
        self.db.executemany(
            "INSERT OR IGNORE INTO doubt (place, job, at) VALUES (?, ?, ?)", [(place, job, to_iso(now)) for job in jobs]
        )

    def settle_suspect_deletions(self) -> None:
        """The suspect deletions were confirmed or dismissed."""
        self.db.execute("DELETE FROM doubt")
        self.db.execute("DELETE FROM meta WHERE name LIKE 'deletions:%'")

    def count_deletions(self, place: int, jobs: int, now: datetime) -> int:
        """How many open jobs were deleted from a notebook within limits.DELETIONS_S, these included, which are noted."""
        name = f"deletions:{place}"
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        since = to_iso(now - timedelta(seconds=limits.DELETIONS_S))
        recent = [entry for entry in json_bytes.loads(row["value"].encode()) if entry[0] > since] if row else []
        recent.append([to_iso(now), jobs])
        self._set_meta(name, json_bytes.dumps(recent).decode())
        return sum(entry[1] for entry in recent)

    # ---- set-up

    def _prepare(self, fingerprint: str) -> None:
        if self.db.execute("PRAGMA user_version").fetchone()[0] == 0:
            with self.transaction():
                if self.db.execute("PRAGMA user_version").fetchone()[0] == 0:  # nobody else made it meanwhile
                    self._create(fingerprint)
        migrations.migrate(self.db, self.path)
        if self._meta("fingerprint") != fingerprint:
            with self.transaction():
                self._set_meta("fingerprint", fingerprint)
                self.renew_writer()

    def _create(self, fingerprint: str) -> None:
        for statement in tables.SCHEMA.split(";\n"):
            self.db.execute(statement)
        self.db.execute(f"PRAGMA user_version = {tables.VERSION}")
        self._set_meta("queue_id", self.queue_id)
        self._set_meta("fingerprint", fingerprint)
        self.renew_writer()
        carry_over(self.db, self._predecessors())

    def _set_meta(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))
