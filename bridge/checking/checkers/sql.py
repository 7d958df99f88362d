"""SQL: sqlglot, right if any dialect reads it."""

from __future__ import annotations

from bridge.checking.checkers.in_worker import InWorker

SQLGLOT = InWorker(name="sqlglot", parser="sql", languages=frozenset({"sql"}))
