"""Data languages, SQL and the web's documents: parsers of the worker process."""

from __future__ import annotations

from bridge.checking.checkers.in_worker import InWorker

JSON = InWorker(name="json", parser="json", languages=frozenset({"json", "jsonc"}))
YAML = InWorker(name="yaml", parser="yaml", languages=frozenset({"yaml"}))
TOML = InWorker(name="toml", parser="toml", languages=frozenset({"toml"}))
XML = InWorker(name="xml", parser="xml", languages=frozenset({"xml"}))
