"""Jobs out of the notebooks into this writer's archive notebooks: the row moves, the next publishing writes both files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.core import changes
from bridge.core.job import Job, to_iso
from bridge.format import file_names, merge
from bridge.format.cell import Cell
from bridge.format.other_metadata import OtherMetadata, other_metadata
from bridge.store import review_state
from bridge.store.journal import Journal
from bridge.store.rows import NotebookRow


@dataclass(frozen=True, kw_only=True)
class PartLimits:
    """How large a notebook may grow before the next one is opened; Colab fails to save at about 10 MB."""

    part_jobs: int = 400
    part_bytes: int = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Archiver:
    """Moves jobs into the archive of one journal."""

    journal: Journal
    names: file_names.FileNames
    limits: PartLimits

    def retire(self, job: Job, dots: Mapping[str, int], source: int, now: datetime, other: OtherMetadata) -> None:
        """Move a job's cell from a part into this writer's open archive notebook."""
        archive = self._open_archive(now)
        standing = job.evolve(spec=replace(job.spec, position=job.id))
        self.journal.put(archive.id, [merge.job_cell(standing, dots, other)], now=now)
        self.journal.touch(archive.id)
        self.journal.touch(source)

    def archive(self, job: Job, cell: Cell, source: int, now: datetime) -> None:
        """Move a job from where its cell was to this writer's archive, with what the local side knows of it."""
        state = job.state(job.best(job.spec.body_sha256), now)
        known = review_state.facts(self.journal, job.id)
        self.retire(
            changes.archived(job, state, at=to_iso(now), known=known), cell.dots, source, now, other_metadata(cell.raw)
        )

    def _open_archive(self, now: datetime) -> NotebookRow:
        writer = self.journal.writer
        prefix = self.names.archive_prefix(now, writer)
        last = self.journal.last_archive(prefix)
        if last is not None:
            jobs, size = self.journal.room(last.id)
            if jobs < self.limits.part_jobs and size < self.limits.part_bytes:
                return last
        roll = 1 + (int(last.name.removeprefix(prefix).partition(".")[0]) if last else 0)
        return self.journal.add_place(kind="archive", number=0, name=self.names.archive(now, writer, roll))
