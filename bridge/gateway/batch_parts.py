"""What a batch is worked on with, and its record: read and changed by one thread at a time, so that no change is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bridge.api.bridge import Bridge
from bridge.gateway.file_store import KEPT_S, FileStore
from bridge.gateway.live import Live
from bridge.gateway.records import Record, Records
from bridge.protocols.openai_batch import ApiBatch, load, store

KIND = "batch"
#: Of what became of a line that is no job.
LINE_KIND = "batch_line"


@dataclass(frozen=True, kw_only=True)
class BatchParts:
    """What the batches of one gateway are worked on with. Threads may share it."""

    bridge: Bridge
    live: Live
    records: Records
    files: FileStore
    now: Callable[[], datetime]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now_s(self) -> int:
        """Seconds since 1970."""
        return int(self.now().timestamp())

    def get(self, name: str) -> ApiBatch | None:
        """A batch as it stands."""
        record = self.records.get(KIND, name, now=self.now())
        return load(record.body) if record else None

    def put(self, batch: ApiBatch) -> ApiBatch:
        """Write it down."""
        created, body = batch.created_at, store(batch)
        self.records.put(
            Record(id=batch.id, kind=KIND, created=created, expires=created + 4 * KEPT_S, caller="", body=body)
        )
        return batch

    def change(self, batch: ApiBatch, how: Callable[[ApiBatch], ApiBatch]) -> ApiBatch:
        """Change a batch as it stands now, which may be further than `batch`: a client may have cancelled it meanwhile."""
        with self._lock:
            return self.put(how(self.get(batch.id) or batch))

    def input_of(self, batch: ApiBatch) -> Path:
        """Its own copy of its input file: the client may delete that one."""
        own = self.files.path(_held(batch))
        return own if own.exists() else self.files.path(batch.input_file_id)

    def hold_input(self, batch: ApiBatch) -> None:
        """Keep its input file until `let_input_go`."""
        self.files.hold(batch.input_file_id, _held(batch))

    def let_input_go(self, batch: ApiBatch) -> None:
        """The batch is over."""
        self.files.let_go(_held(batch))


def _held(batch: ApiBatch) -> str:
    return f"{batch.id}.input"
