"""What the journal knows, looked at: every question that is asked of it. `Journal` adds what writes; `peek` opens it read-only."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from operator import itemgetter
from pathlib import Path

from bridge.core import files
from bridge.core.errors import JournalError, QueueError, StorageFull
from bridge.core.job import Result, from_iso
from bridge.format import json_bytes, result_record
from bridge.format.cell import Cell
from bridge.format.codec import Part
from bridge.format.layout import Layout
from bridge.format.raw_cell import Dots
from bridge.store import rows
from bridge.store.rows import FileVersion, NotebookRow


class JournalReader:
    """One queue's journal, to look at. Not for use by two threads at once: the store takes care of that."""

    def __init__(self, db: sqlite3.Connection, *, path: Path, queue_id: str) -> None:
        """Over an open connection, whose rows get named columns."""
        db.row_factory = sqlite3.Row
        self.db = db
        self.path = path
        self.queue_id = queue_id

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is asked inside is answered as of one moment; takes no lock. Raises JournalError."""
        if self.db.in_transaction:
            yield
            return
        try:
            self.db.execute("BEGIN")
            try:
                yield
            finally:
                self.db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    @property
    def writer(self) -> str:
        """The writer id."""
        return self._meta("writer")

    @property
    def counter(self) -> int:
        """The highest dot given out under this writer id."""
        return int(self._meta("counter"))

    @property
    def judged_by(self) -> str:
        """The tag of the keys that results were last judged by (format/signatures.py)."""
        row = self.db.execute("SELECT value FROM meta WHERE name = 'judged_by'").fetchone()
        return str(row["value"]) if row else ""

    def places(self, kind: str | None = None) -> list[NotebookRow]:
        """All notebooks, parts by number first, then archives by name."""
        records = self.db.execute(
            rows.SELECT_NOTEBOOK + " WHERE ?1 IS NULL OR kind = ?1 ORDER BY kind DESC, number, name",
            (kind,),
        )
        return [rows.read_notebook_row(record) for record in records]

    def is_empty(self) -> bool:
        """Whether it knows no notebook yet: it is new."""
        return self.db.execute("SELECT 1 FROM place LIMIT 1").fetchone() is None

    def place(self, place: int) -> NotebookRow:
        """One notebook."""
        row = self.db.execute(rows.SELECT_NOTEBOOK + " WHERE id = ?", (place,)).fetchone()
        return rows.read_notebook_row(row)

    def place_named(self, name: str) -> NotebookRow | None:
        """The notebook of that name."""
        row = self.db.execute(rows.SELECT_NOTEBOOK + " WHERE name = ?", (name,)).fetchone()
        return rows.read_notebook_row(row) if row else None

    def last_archive(self, prefix: str) -> NotebookRow | None:
        """Our newest archive notebook whose name starts so."""
        row = self.db.execute(
            rows.SELECT_NOTEBOOK
            + " WHERE kind = 'archive' AND own = 1 AND name >= ?1 AND name < ?1 || x'ff' ORDER BY id DESC LIMIT 1",
            (prefix,),
        ).fetchone()
        return rows.read_notebook_row(row) if row else None

    def lagging(self, location: str) -> list[NotebookRow]:
        """Our notebooks whose file at this location does not show what is here, in order."""
        records = self.db.execute(
            "SELECT p.id, kind, number, name, own, context, extras, p.rev FROM place p"
            " LEFT JOIN seen s ON s.path = ?1 || '/' || p.name"
            " WHERE own = 1 AND s.rev IS NOT p.rev ORDER BY kind, number, name",
            (location,),
        )
        return [rows.read_notebook_row(record) for record in records]

    def room(self, place: int) -> tuple[int, int]:
        """(jobs, expected bytes) in a notebook."""
        row = self.db.execute(
            "SELECT coalesce(sum(kind = 'job'), 0) AS jobs, coalesce(sum(size), 0) AS size FROM cell WHERE place = ?",
            (place,),
        ).fetchone()
        return int(row["jobs"]), int(row["size"])

    def part(self, place: NotebookRow) -> Part:
        """A notebook's cells as the journal has them."""
        records = self.db.execute(rows.SELECT_CELL + " FROM cell WHERE place = ?", (place.id,))
        cells = (rows.read_cell(record) for record in records)
        return Part(
            queue_id=self.queue_id,
            number=place.number,
            context=place.context,
            cells={cell.id: cell for cell in cells},
            metadata=place.extras,
        )

    def notes(self, place: int) -> list[Cell]:
        """The cells of a notebook that are no jobs."""
        records = self.db.execute(
            "SELECT id, kind, position, dots, raw FROM cell WHERE place = ? AND kind = 'note' ORDER BY position, id",
            (place,),
        )
        return [rows.read_cell(record) for record in records]

    def rendered(self, place: int) -> list[bytes]:
        """A notebook's cells as the bytes that stand in its file, in order."""
        # Sorted here, because SQLite would copy every cell into its sorter.
        records = self.db.execute("SELECT position, id, raw FROM cell WHERE place = ?", (place,)).fetchall()
        return [record["raw"] for record in sorted(records, key=itemgetter("position", "id"))]

    def cell(self, job: str) -> tuple[Cell, int] | None:
        """A job's cell and the place where it is."""
        row = self.db.execute(rows.SELECT_CELL + ", place FROM cell WHERE id = ? AND kind = 'job'", (job,)).fetchone()
        return (rows.read_cell(row), int(row["place"])) if row else None

    def cells(self, jobs: Sequence[str]) -> dict[str, tuple[Cell, int]]:
        """{job: its cell and the place where it is} of those that the journal knows."""
        given = "SELECT value FROM json_each(?)"
        records = self.db.execute(
            rows.SELECT_CELL + f", place FROM cell WHERE kind = 'job' AND id IN ({given})",
            (json_bytes.dumps(list(jobs)).decode(),),
        )
        return {record["id"]: (rows.read_cell(record), int(record["place"])) for record in records}

    def whereabouts(self, ids: Iterable[str]) -> dict[str, tuple[int, Dots]]:
        """{job: (place, dots)} of those that the journal knows."""
        found: dict[str, tuple[int, Dots]] = {}
        wanted = list(ids)
        for start in range(0, len(wanted), 500):
            chunk = wanted[start : start + 500]
            marks = ",".join("?" * len(chunk))
            records = self.db.execute(
                f"SELECT id, place, dots FROM cell WHERE kind = 'job' AND id IN ({marks})",  # noqa: S608  # question marks only
                chunk,
            )
            found |= {record["id"]: (record["place"], json_bytes.loads(record["dots"].encode())) for record in records}
        return found

    def results(self, job: str) -> tuple[Result, ...]:
        """Every result of a job that was ever seen."""
        records = self.db.execute("SELECT output FROM result WHERE job = ? ORDER BY digest", (job,))
        return tuple(
            result
            for record in records
            for result in result_record.read_results({"outputs": [json_bytes.loads(record["output"])]}, job)[0]
        )

    def history(self, cell: str) -> dict[str, int]:
        """{digest of a content: edit number} of all that a cell ever said."""
        records = self.db.execute("SELECT digest, edit FROM history WHERE cell = ?", (cell,))
        return {record["digest"]: record["edit"] for record in records}

    def aliases(self) -> dict[str, str]:
        """{id that an editor gave: id adopted under}."""
        return {record["native"]: record["cell"] for record in self.db.execute("SELECT native, cell FROM alias")}

    def seen(self, path: str) -> FileVersion | None:
        """What was last seen of a file."""
        row = self.db.execute(rows.SELECT_FILE_VERSION + " WHERE path = ?", (path,)).fetchone()
        return rows.read_file_version(row) if row else None

    def birth(self, path: str) -> str:
        """The mark that a file was born with; empty: it has none."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (f"birth:{path}",)).fetchone()
        return str(row["value"]) if row else ""

    def layout(self, path: str) -> Layout:
        """How a file was laid out when it was last read; ours, if it never was."""
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (f"layout:{path}",)).fetchone()
        return Layout(**json_bytes.loads(row["value"].encode())) if row else Layout()

    def copies_since(self, since: datetime) -> list[datetime]:
        """When second copies were moved away since then, oldest first."""
        row = self.db.execute("SELECT value FROM meta WHERE name = 'copies'").fetchone()
        moments = [from_iso(text) for text in json_bytes.loads(row["value"].encode())] if row else []
        return [moment for moment in moments if moment > since]

    def unadopted(self, location: str) -> int:
        """Prompts in the files at a location that no command has taken in yet."""
        row = self.db.execute(
            "SELECT coalesce(sum(loose_jobs), 0) AS jobs FROM seen WHERE place > 0 AND substr(path, 1, length(?1) + 1) = ?1 || '/'",
            (location,),
        ).fetchone()
        return int(row["jobs"])

    def doubted(self) -> list[str]:
        """Jobs that a version would have cancelled, and that are still open."""
        records = self.db.execute(
            "SELECT job FROM doubt JOIN cell ON cell.id = job WHERE cell.state = 'queued' ORDER BY job"
        )
        return [record["job"] for record in records]

    def version(self) -> int:
        """A number that changes when another process has written to the journal; costs microseconds."""
        return int(self.db.execute("PRAGMA data_version").fetchone()["data_version"])

    def _meta(self, name: str) -> str:
        row = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise sqlite3.DatabaseError(f"its {name} is missing")
        return str(row["value"])


def open_reader(path: Path, *, queue_id: str, patience_s: float = 60) -> JournalReader:
    """A journal over a read-only connection. Raises JournalError if there is none, or it cannot be opened."""
    try:
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return JournalReader(db, path=path, queue_id=queue_id)


def _is_full(path: Path) -> bool:
    """Whether the disk has no room for another page or two: SQLite calls that by many names."""
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < 32_768
    return False


def translated(error: sqlite3.Error | OSError, path: Path) -> QueueError:
    """An error of SQLite or of the disk as one of ours."""
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    if full or getattr(error, "errno", None) in files.FULL or _is_full(path):
        return StorageFull(f"no space left for the journal {path}: free some and run the command again")
    return JournalError(f"the journal {path} cannot be used: {error}; `bridge rebuild --journal` makes a new one")
