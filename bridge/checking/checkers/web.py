"""HTML and style sheets: tags that pair, brackets that close."""

from __future__ import annotations

from bridge.checking.checkers.in_worker import InWorker

HTML = InWorker(name="html", parser="html", languages=frozenset({"html", "vue", "svelte"}))
CSS = InWorker(name="css", parser="css", languages=frozenset({"css", "scss", "less"}))
