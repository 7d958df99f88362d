"""Everything that can be wrong with a queue and its surroundings, looked at without changing any of it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bridge import schema, wiring
from bridge.errors import BridgeError
from bridge.notebook import codec, refresh, wire
from bridge.notebook.rebuild import missing_notebooks
from bridge.notebook.store import Store
from bridge.results.sandbox import Toolbox

#: Colab fails to save at about this size (facts on notebook libraries, colabtools#4604).
_COLAB_LIMIT_BYTES = 10_000_000


class Grade(Enum):
    """How bad it is."""

    GOOD = "ok"  # as it should be
    WARNING = "warning"  # works, but something is missing or odd
    BROKEN = "broken"  # has to be mended before the queue works


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    grade: Grade
    check: str
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """As JSON values."""
        return {"grade": self.grade.value, "check": self.check, "found": self.found, "remedy": self.remedy}


def examine(queue: str | None = None) -> list[Finding]:
    """Look at everything, the queue first. Never raises on what it finds."""
    findings = []
    try:
        opened = wiring.open_queue(queue, missing_ok=True)
    except BridgeError as error:
        findings.append(Finding(grade=Grade.BROKEN, check="queue", found=str(error), remedy="see left"))
    else:
        try:
            findings.append(Finding(grade=Grade.GOOD, check="queue", found=f"{opened.shown} (from {opened.source})"))
            findings += _guarded(lambda: _files(opened.store))
            findings += _guarded(lambda: _folder(opened))
            findings += _guarded(lambda: _journal(opened.store))
        finally:
            opened.close()
    findings += _engine()
    findings += _linters()
    return findings


def _guarded(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except BridgeError as error:
        return [Finding(grade=Grade.BROKEN, check="queue", found=str(error), remedy="see left")]


def _files(store: Store) -> Iterator[Finding]:
    for entry in store.transport.entries():
        number = store.names.number(entry.name)
        read = store.transport.read(entry.name)
        if read is None:
            continue
        try:
            notebook = wire.loads(read[0])
        except ValueError as error:
            if number:
                yield Finding(grade=Grade.BROKEN, check=entry.name, found=f"no whole JSON: {error}",
                              remedy="wait for its sync, or `bridge rebuild --notebooks`")  # fmt: skip
            continue
        stamp = codec.queue_stamp(notebook)
        if number is None:
            if stamp and stamp["queue_id"] == store.journal.queue_id:
                yield Finding(grade=Grade.WARNING, check=entry.name, found="a second copy of this queue",
                              remedy="the next command that writes folds it in and moves it to forks/")  # fmt: skip
            continue
        problems = schema.problems(notebook)
        if problems:
            yield Finding(grade=Grade.BROKEN, check=entry.name, found="; ".join(problems[:3]),
                          remedy="mend the cell, or `bridge rebuild --notebooks`")  # fmt: skip
        elif len(read[0]) > _COLAB_LIMIT_BYTES:
            yield Finding(grade=Grade.WARNING, check=entry.name, found=f"{len(read[0]) / 1e6:.1f} MB: Colab may not save it",
                          remedy="`bridge archive`")  # fmt: skip
        elif number and (old := refresh.outdated_cells(codec.read_part(notebook).cells)):
            yield Finding(grade=Grade.WARNING, check=entry.name, found=f"cells of another version: {', '.join(old)}",
                          remedy="`bridge refresh` brings them up to this one")  # fmt: skip
        else:
            yield Finding(
                grade=Grade.GOOD, check=entry.name, found=f"{len(notebook['cells'])} cells, {len(read[0]):,} bytes"
            )


def _folder(opened: wiring.Opened) -> Iterator[Finding]:
    if opened.path is not None and not os.access(opened.path.parent, os.W_OK):
        yield Finding(grade=Grade.BROKEN, check="folder", found=f"{opened.path.parent} is read-only",
                      remedy="change its permissions, or copy the queue elsewhere")  # fmt: skip


def _journal(store: Store) -> Iterator[Finding]:
    journal = store.journal
    [verdict] = journal.db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict == "ok":
        yield Finding(grade=Grade.GOOD, check="journal", found=f"{journal.path}, writer {journal.writer}")
    else:
        yield Finding(grade=Grade.BROKEN, check="journal", found=str(verdict), remedy="`bridge rebuild --journal`")
    missing = missing_notebooks(store)
    if missing:
        yield Finding(grade=Grade.BROKEN, check="notebooks", found="missing: " + ", ".join(p.name for p in missing[:5]),
                      remedy="wait for the sync, or `bridge rebuild --notebooks`")  # fmt: skip
    doubted = journal.doubted()
    if doubted:
        yield Finding(grade=Grade.WARNING, check="deletions", found=f"a version lacked {len(doubted)} open jobs; not believed",
                      remedy="`bridge cancel --doubted`, or `bridge cancel --keep-doubted`")  # fmt: skip


def _engine() -> list[Finding]:
    """Whether Ollama answers on this machine; it need not, if Colab does the work."""
    import requests

    url = wiring.ollama_url()
    try:
        reply: Any = requests.get(f"{url}/api/version", timeout=2).json()
        return [Finding(grade=Grade.GOOD, check="engine", found=f"Ollama {reply['version']} at {url}")]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return [Finding(grade=Grade.WARNING, check="engine", found=f"no Ollama answers at {url}",
                        remedy="start it here, or run the notebook in Colab")]  # fmt: skip


def _linters() -> list[Finding]:
    toolbox = Toolbox()  # the same places as checking looks in
    found = [tool for tool in ("ruff", "oxlint", "shellcheck", "bash", "node", "tsc", "gofmt", "rustc", "javac", "gcc")
             if toolbox.find(tool)]  # fmt: skip
    packages = {"sqlglot": "SQL", "tree_sitter_language_pack": "all other languages", "yaml": "YAML"}
    lacking = [f"{name} ({what})" for name, what in packages.items() if importlib.util.find_spec(name) is None]
    if "ruff" not in found or lacking:
        what = ", ".join([*([] if "ruff" in found else ["ruff (Python)"]), *lacking])
        return [Finding(grade=Grade.WARNING, check="linters", found=f"not installed: {what}",
                        remedy="pip install 'qwen-bridge[lint]'")]  # fmt: skip
    return [Finding(grade=Grade.GOOD, check="linters", found=", ".join(found))]
