"""One cell of a queue notebook: its JSON, who it is, and what it says, read only when asked.

Most cells of two versions are equal, so a merge rarely needs to know what is in them: identity and dots are known at
once, the JSON and the job behind it are decoded at first use. A cell from the journal is bytes until then.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from functools import cached_property

from bridge.core.job import Job
from bridge.format import json_bytes, prompt_cell
from bridge.format.raw_cell import Dots, RawCell, note_text, source_of, stamp_of, stamped_edit, texts_of
from bridge.kernel import grammar


class CellKind(Enum):
    """What a cell is to the queue."""

    JOB = "job"  # a prompt cell
    NOTE = "note"  # anything else: a person's notes, the setup and runtime cells


class Cell:
    """A cell with its identity. Immutable by agreement; two cells are equal when all but laziness is."""

    #: Stands elsewhere than its stamp says: somebody moved it.
    moved = False
    _dots: str  #: JSON that `dots` is read from, if it was not given

    def __init__(
        self,
        *,
        id: str,  # noqa: A002  # the cell's own word for it
        kind: CellKind,
        raw: RawCell | bytes,
        dots: Dots,
        position: str,
        moved: bool = False,
        job: Job | None = None,
    ) -> None:
        """`raw`: the cell's JSON, or the bytes that hold it, laid out as `json_bytes.dump_cell` does."""
        self.id = id
        self.kind = kind
        if isinstance(raw, bytes):
            self.data = raw
        else:
            self.raw = raw
        self.dots = dots
        #: Sort key in the notebook (see format/order.py).
        self.position = position
        if moved:
            self.moved = moved
        if job is not None:
            self.job = job

    @classmethod
    def stored(cls, element: str, kind: CellKind, position: str, dots: str, data: bytes) -> Cell:
        """A cell as the journal keeps it, `dots` as JSON: half the cost of the above, which counts for thousands of them."""
        cell = cls.__new__(cls)
        cell.id, cell.kind, cell.position, cell._dots, cell.data = element, kind, position, dots, data
        return cell

    def __repr__(self) -> str:
        return f"Cell({self.kind.value} {self.id} {dict(self.dots)})"

    def standing_at(self, position: str, *, moved: bool) -> Cell:
        """The same cell elsewhere in its notebook. `moved`: not where its stamp says."""
        job: Job | None = vars(self).get("job")
        if job is not None:
            job = job.evolve(spec=replace(job.spec, position=position), edit=job.edit + moved)
        raw = vars(self).get("raw")
        return Cell(
            id=self.id, kind=self.kind, raw=self.data if raw is None else raw, dots=self.dots, position=position,
            moved=moved, job=job,
        )  # fmt: skip

    def same_json(self, other: Cell) -> bool:
        """Whether both are equal as JSON; nothing is decoded where the bytes are equal."""
        if self is other:
            return True
        mine, others = vars(self).get("data"), vars(other).get("data")
        return (mine is not None and mine == others) or self.raw == other.raw

    def says_same(self, known: Cell) -> bool:
        """Whether a file with this cell needs no rewriting for the known one. That our metadata was stripped alone is no reason to."""
        if self.same_json(known) or self.essence == known.essence:
            return True
        if stamp_of(self.raw):
            return False
        if known.kind is CellKind.NOTE:
            return note_text(self.raw) == note_text(known.raw)
        return (
            source_of(self.raw) == source_of(known.raw)
            and [t for t in texts_of(self.raw) if grammar.is_result(t)][:1]
            == [t for t in texts_of(known.raw) if grammar.is_result(t)][:1]
        )

    @cached_property
    def dots(self) -> Dots:
        """Its dots, {writer: counter}."""
        decoded: Dots = json_bytes.loads(self._dots.encode())
        return decoded

    @cached_property
    def raw(self) -> RawCell:
        """The cell's JSON."""
        decoded: RawCell = json_bytes.load_cell(self.data)
        return decoded

    @cached_property
    def data(self) -> bytes:
        """The cell as it stands in a notebook file, its id in it."""
        return json_bytes.dump_cell({**self.raw, "id": self.id})

    @cached_property
    def job(self) -> Job:
        """The job in a prompt cell."""
        return prompt_cell.read_job(self.raw, self.id, self.position, moved=self.moved)

    @property
    def damage(self) -> str | None:
        """Why a prompt cell is not believed, its header aside; None: it is, or it is a note."""
        damaged = self.job.spec.damaged if self.kind is CellKind.JOB else None
        return damaged.reason if damaged else None

    @cached_property
    def note_edit(self) -> int:
        """How often a note was edited, counting a change that nobody has stamped yet."""
        stamp = stamp_of(self.raw)
        return stamped_edit(self.raw) + (self.touched and bool(stamp))

    @cached_property
    def touched(self) -> bool:
        """Whether the content differs from what was stamped, the cell was moved, or it has no stamp at all."""
        return self.moved or stamp_of(self.raw).get("sha") != self.digest

    @cached_property
    def digest(self) -> str:
        """A short digest of the content: of the spec for a job, of text and outputs for a note."""
        if self.kind is CellKind.NOTE:
            return grammar.text_sha256(note_text(self.raw).decode())[:16]
        return prompt_cell.spec_digest(self.job.spec)

    @cached_property
    def essence(self) -> object:
        """What two versions of the cell must agree on to be the same: all but the editor's own metadata and layout."""
        stamp = json_bytes.canonical(stamp_of(self.raw))
        if self.kind is CellKind.NOTE:
            return (stamp, note_text(self.raw))
        return (stamp, source_of(self.raw), tuple(t for t in texts_of(self.raw) if grammar.is_result(t))[:1])
