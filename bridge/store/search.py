"""Which jobs speak of something: their prompts, answers and keys, looked through as they stand in the journal."""

from __future__ import annotations

import re

from bridge.store.journal_reader import JournalReader

#: What JSON never escapes, so that it stands in a cell as it was typed.
_PLAIN = re.compile(r"[A-Za-z0-9]+")


def candidates(reader: JournalReader, words: list[str]) -> list[str]:
    """Jobs, newest first, whose cells hold the letters and digits of each of these words, in any case.

    More than those that are meant: a word may stand in a name of the cell's JSON. The time is linear in the bytes of the queue.
    """
    plain = [piece for word in words for piece in _PLAIN.findall(word)]
    clauses = " AND CAST(raw AS TEXT) LIKE ?" * len(plain)
    rows = reader.db.execute(
        f"SELECT id FROM cell WHERE kind = 'job'{clauses} ORDER BY created_at DESC, position DESC",  # noqa: S608  # as many marks as values
        [f"%{piece}%" for piece in plain],
    )
    return [row["id"] for row in rows]
