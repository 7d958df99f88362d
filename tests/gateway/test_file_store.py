"""What of a file is there, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bridge.gateway.file_store import FileStore
from bridge.gateway.records import Record, Records

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class NotedRecords(Records):
    """Says what was ever recorded, be it for a moment."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.noted: list[str] = []

    def put(self, *records: Record) -> None:
        self.noted += [record.id for record in records]
        super().put(*records)


def test_a_file_that_stays_empty_is_never_listed_and_one_that_fails_leaves_nothing(tmp_path: Path) -> None:
    records = NotedRecords(tmp_path / "records.sqlite3")
    store = FileStore(tmp_path / "files", records)
    writing = partial(store.writing, filename="x", purpose="batch_output", caller="", now=NOW, unless_empty=True)
    with writing(name="file-empty"):
        pass
    with pytest.raises(OSError, match="full"), writing(name="file-torn") as stream:  # noqa: PT012  # the block is what fails
        stream.write(b"half")
        raise OSError("full")
    with writing(name="file-good") as stream:
        stream.write(b"{}\n")
    assert records.noted == ["file-good"]
    with writing(name="file-good"):  # anew, after a kill
        pass
    assert store.newest(after=None, limit=9, newest_first=False) == []
    assert list((tmp_path / "files").iterdir()) == []
    records.close()
