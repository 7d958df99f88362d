"""Everything that can be wrong with a queue and its surroundings, looked at without changing any of it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bridge import wiring
from bridge.core.errors import BridgeError
from bridge.core.install import install_command
from bridge.core.jsonable import Jsonable
from bridge.core.options import DEFAULT_NUM_CTX
from bridge.core.version import __version__
from bridge.format import codec, json_bytes, schema
from bridge.format.code_cells import strange_cells
from bridge.format.raw_cell import cells_of
from bridge.kernel.catalogue import DEFAULT_MODEL
from bridge.kernel.fit import AUTO, listed_names
from bridge.kernel.setup import is_older
from bridge.sandbox.confinement import confinement
from bridge.sandbox.folder import Toolbox
from bridge.store import refresh
from bridge.store.rebuild import missing_notebooks
from bridge.store.registry import Registry
from bridge.store.second_copies import held_back
from bridge.store.store import Store
from bridge.transports import conflict_copies
from bridge.transports.mount import mount_of
from bridge.transports.sync_clients import ClientKind

#: Colab fails to save at about this size (facts on notebook libraries, colabtools#4604).
_COLAB_LIMIT_BYTES = 10_000_000


class Grade(Enum):
    """How bad it is."""

    GOOD = "ok"  # as it should be
    WARNING = "warning"  # works, but something is missing or odd
    BROKEN = "broken"  # has to be mended before the queue works


@dataclass(frozen=True, kw_only=True)
class Observation(Jsonable):
    """One thing that was looked at."""

    grade: Grade
    check: str
    found: str
    remedy: str = ""


def examine(queue: str | None = None) -> list[Observation]:
    """Look at everything, the queue first. Never raises on what it finds."""
    findings = []
    try:
        opened = wiring.open_queue(queue, missing_ok=True)
    except BridgeError as error:
        findings.append(Observation(grade=Grade.BROKEN, check="queue", found=str(error), remedy="see left"))
    else:
        try:
            findings.append(
                Observation(grade=Grade.GOOD, check="queue", found=f"{opened.shown} (from {opened.source})")
            )
            findings += _guarded(lambda: _folder(opened))
            findings += _guarded(lambda: _files(opened.store))
            findings += _guarded(lambda: _journal(opened.store))
        finally:
            opened.close()
    findings += _engine(wiring.loaded_settings(queue).settings)
    findings += [*_linters(), _sandbox()]
    return findings


def _guarded(look: Callable[[], Iterator[Observation]]) -> list[Observation]:
    try:
        return list(look())
    except BridgeError as error:
        return [Observation(grade=Grade.BROKEN, check="queue", found=str(error), remedy="see left")]


def _folder(opened: wiring.Opened) -> Iterator[Observation]:
    """Who holds the folder, and whether the settings fit that."""
    if opened.path is None:
        yield from _on_drive(opened)
        return
    mount = mount_of(opened.path.parent)
    if not os.access(opened.path.parent, os.W_OK):
        yield Observation(grade=Grade.BROKEN, check="folder", found=f"{opened.path.parent} is read-only",
                      remedy="change its permissions, or copy the queue elsewhere")  # fmt: skip
    client, mode = mount.client, opened.settings.write_mode.value
    yield Observation(grade=Grade.GOOD, check="folder", found=f"{mount}: {client.means}" if client.means else str(mount),
                  remedy=client.advice)  # fmt: skip
    if mode == "replace" and client.in_place:
        yield Observation(grade=Grade.WARNING, check="write_mode", found="replace: here a replaced file may get a new id on Drive, "
                      "and a Colab tab goes on with the old one", remedy="set write_mode to auto")  # fmt: skip
    if mode == "inplace" and not client.in_place:
        yield Observation(grade=Grade.WARNING, check="write_mode", found="inplace: others may see half a file here, for no gain",
                      remedy="set write_mode to auto")  # fmt: skip
    state = mount_of(opened.home)
    if state.client.kind is not ClientKind.DISK:
        yield Observation(grade=Grade.WARNING, check="state", found=f"journal and locks lie in {opened.home}, which is in {state}",
                      remedy="set BRIDGE_STATE_DIR to a folder on a plain disk that nothing syncs")  # fmt: skip
    for twin in _twins(opened, opened.path):
        yield Observation(grade=Grade.WARNING, check="twin", found=f"{twin} is the same queue (queue_id {opened.store.journal.queue_id})",
                      remedy="use one of the two: what both change meets only where they are synced; move the other away")  # fmt: skip
    pending = _pending(opened.path)
    if pending:
        yield Observation(grade=Grade.WARNING, check="pending", found=f"files on their way, or left by a crash: {', '.join(pending)}",
                      remedy="wait for the sync; those that stay can be deleted")  # fmt: skip


def _twins(opened: wiring.Opened, path: Path) -> list[Path]:
    """Notebooks elsewhere on this machine that were this queue when a command last used them, and are there still."""
    known = Registry(opened.home.parent.parent / "queues.json").places(opened.store.journal.queue_id)
    others = [Path(place) for place in known if Path(place).is_absolute() and Path(place).is_file()]
    return [other for other in others if not path.exists() or not other.samefile(path)]


def _pending(queue: Path) -> list[str]:
    """Temporary files of the queue's notebooks."""
    try:
        names = sorted(file.name for file in queue.parent.iterdir() if file.is_file())
    except OSError:
        return []
    return [name for name in names if conflict_copies.is_temporary(name) and queue.stem in name]


def _on_drive(opened: wiring.Opened) -> Iterator[Observation]:
    from bridge.wiring.drive import facts_of

    facts = facts_of(opened)
    found = f"{facts.title!r} on Google Drive, as {facts.account}: every write is compared with what it replaces"
    if facts.editable:
        yield Observation(grade=Grade.GOOD, check="drive", found=found, remedy=facts.link)
    else:
        yield Observation(grade=Grade.BROKEN, check="drive", found=f"{found}; but this sign-in may only read it",
                      remedy="ask its owner for edit access")  # fmt: skip


def _files(store: Store) -> Iterator[Observation]:
    for entry in store.transport.entries():
        number = store.names.number(entry.name)
        read = store.transport.read(entry.name)
        if read is None:
            continue
        try:
            notebook = json_bytes.loads(read[0])
        except ValueError as error:
            if number:
                yield Observation(grade=Grade.BROKEN, check=entry.name, found=f"no whole JSON: {error}",
                              remedy="wait for its sync, or `bridge rebuild --notebooks`")  # fmt: skip
            continue
        stamp = codec.queue_stamp(notebook)
        if number is None:
            if stamp and stamp["queue_id"] == store.journal.queue_id:
                maker = conflict_copies.conflict_copy_maker(entry.name, store.names.stem)
                yield Observation(grade=Grade.WARNING, check=entry.name,
                              found="a second copy of this queue" + (f" (made by {maker})" if maker else ""),
                              remedy="the next command that writes folds it in and moves it to forks/")  # fmt: skip
            continue
        for cell in strange_cells(cells_of(notebook)):
            yield Observation(grade=Grade.WARNING, check="code", found=f"{entry.name}: not ours: {cell}",
                          remedy="look at it before you press Run all: whoever runs the notebook runs it too")  # fmt: skip
        problems = schema.problems(notebook)
        if problems:
            yield Observation(grade=Grade.BROKEN, check=entry.name, found="; ".join(problems[:3]),
                          remedy="fix the cell, or `bridge rebuild --notebooks`")  # fmt: skip
        elif len(read[0]) > _COLAB_LIMIT_BYTES:
            yield Observation(grade=Grade.WARNING, check=entry.name, found=f"{len(read[0]) / 1e6:.1f} MB: Colab may not save it",
                          remedy="`bridge archive`")  # fmt: skip
        elif number and (old := refresh.outdated_cells(codec.read_part(notebook).cells)):
            found, remedy = _versions(refresh.version_in(codec.read_part(notebook).cells), old)
            yield Observation(grade=Grade.WARNING, check=entry.name, found=found, remedy=remedy)
        else:
            yield Observation(
                grade=Grade.GOOD, check=entry.name, found=f"{len(notebook['cells'])} cells, {len(read[0]):,} bytes"
            )


def _versions(there: str | None, cells: list[str]) -> tuple[str, str]:
    """What to say of first cells that are not this version's. `there`: the version that their notebook names."""
    listed = ", ".join(cells)
    if there and is_older(__version__, there):
        return (
            f"cells of the newer version {there} (this is {__version__}): {listed}",
            "update qwen-bridge here; `bridge refresh` would bring the older ones back",
        )
    if there and is_older(there, __version__):
        return f"cells of the older version {there}: {listed}", f"`bridge refresh` brings them up to {__version__}"
    return (
        f"cells that differ from those of this version ({__version__}): {listed}",
        "`bridge refresh` writes this version's",
    )


def _journal(store: Store) -> Iterator[Observation]:
    journal = store.journal
    [verdict] = journal.db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict == "ok":
        yield Observation(grade=Grade.GOOD, check="journal", found=f"{journal.path}, writer {journal.writer}")
    else:
        yield Observation(grade=Grade.BROKEN, check="journal", found=str(verdict), remedy="`bridge rebuild --journal`")
    missing = missing_notebooks(store)
    if missing:
        yield Observation(grade=Grade.BROKEN, check="notebooks", found="missing: " + ", ".join(p.name for p in missing[:5]),
                      remedy="if second copies of it lie there, `bridge status`; else wait for the sync, or "
                      "`bridge rebuild --notebooks`")  # fmt: skip
    if why := held_back(journal, store.clock.now()):
        yield Observation(grade=Grade.WARNING, check="second copies", found=why,
                          remedy="stop one of the two programs, or let only one side write while the others sync")  # fmt: skip
    doubted = journal.doubted()
    if doubted:
        yield Observation(grade=Grade.WARNING, check="deletions", found=f"a version lacked {len(doubted)} open jobs; not believed",
                      remedy="`bridge cancel --doubted`, or `bridge cancel --keep-doubted`")  # fmt: skip


def _engine(settings: wiring.Settings) -> list[Observation]:
    """Whether Ollama answers on this machine; it need not, if Colab does the work."""
    import requests

    url = wiring.ollama_url()
    try:
        reply = requests.get(f"{url}/api/version", timeout=2).json()
        found = Observation(grade=Grade.GOOD, check="engine", found=f"Ollama {reply['version']} at {url}")
        return [found, *_fit(settings, url), *_required(settings, url)]
    except (requests.RequestException, ValueError, KeyError, TypeError):
        return [Observation(grade=Grade.WARNING, check="engine", found=f"no Ollama answers at {url}",
                        remedy="start it here, or run the notebook in Colab")]  # fmt: skip


def _required(settings: wiring.Settings, url: str) -> list[Observation]:
    """The models that `[router] require_models` names and Ollama has not, each with the command that fetches it."""
    wanted = settings.router.require_models
    try:
        has = wiring.open_engine(wiring.engine_settings("ollama", settings, base_url=url)).models() if wanted else ()
    except BridgeError:  # what answers there is no Ollama that lists its models
        has = ()
    names = {model.name for model in has}
    return [
        Observation(grade=Grade.WARNING, check="model", found=f"{name} is required by [router] and not there",
                    remedy=f"bridge models fetch {name}")
        for name in wanted
        if not names & {*listed_names(name)}
    ]  # fmt: skip


def _fit(settings: wiring.Settings, url: str) -> list[Observation]:
    """Whether the model that jobs get fits this machine; nothing, if Ollama is elsewhere."""
    named = settings.engines.get("ollama")
    model = (named.model if named else None) or DEFAULT_MODEL
    engine = wiring.open_engine(wiring.engine_settings("ollama", settings, base_url=url))
    warning = None if model == AUTO else wiring.fit_warning(engine, model, lanes=1, num_ctx=DEFAULT_NUM_CTX)
    if warning is None:
        return []
    return [Observation(grade=Grade.WARNING, check="model", found=warning,
                        remedy="name another with --model or [engines.ollama] model; `bridge models fit` compares")]  # fmt: skip


def _sandbox() -> Observation:
    within = confinement()
    if within.holds:
        return Observation(
            grade=Grade.GOOD, check="sandbox", found=f"{within.kind.value}: checkers see no other files, no network"
        )
    return Observation(grade=Grade.WARNING, check="sandbox", found=f"none ({within.why}): compilers are not started, so their languages are only parsed",
                       remedy="install bubblewrap (Linux), where that can be had")  # fmt: skip


def _linters() -> list[Observation]:
    toolbox = Toolbox()  # the same places as checking looks in
    found = [tool for tool in ("ruff", "oxlint", "shellcheck", "bash", "node", "tsc", "gofmt", "rustc", "javac", "gcc")
             if toolbox.find(tool)]  # fmt: skip
    packages = {"sqlglot": "SQL", "tree_sitter_typescript": "TypeScript, C++, Java and others", "yaml": "YAML"}
    lacking = [f"{name} ({what})" for name, what in packages.items() if importlib.util.find_spec(name) is None]
    if "ruff" not in found or lacking:
        what = ", ".join([*([] if "ruff" in found else ["ruff (Python)"]), *lacking])
        return [Observation(grade=Grade.WARNING, check="linters", found=f"not installed: {what}",
                        remedy=install_command("lint"))]  # fmt: skip
    return [Observation(grade=Grade.GOOD, check="linters", found=", ".join(found))]
