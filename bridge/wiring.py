"""The one place that reads settings and the environment, and names concrete classes."""

from __future__ import annotations

import os
import platform
import re
import secrets
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import config
from bridge.errors import ConfigError, ModelMissing, NotAQueue, QueueNotFound, QueueUnreadable
from bridge.events import Listener, ignore
from bridge.job import NewJob
from bridge.notebook import codec, wire
from bridge.notebook.absorb import Limits
from bridge.notebook.clock import Clock
from bridge.notebook.enqueue import Added
from bridge.notebook.journal import Journal
from bridge.notebook.lock import QueueLock
from bridge.notebook.names import Names
from bridge.notebook.registry import Registry
from bridge.notebook.store import Store
from bridge.transports.folder import Folder, WriteMode
from bridge.transports.fuse import on_fuse

if TYPE_CHECKING:
    from bridge.engines.base import Engine
    from bridge.results.examine import Bench
    from bridge.watcher.channels import Channel
    from bridge.watcher.desk import Desk
    from bridge.watcher.dispatch import Dispatch
    from bridge.watcher.hints import Hints
    from bridge.watcher.waiting import Waiting
    from bridge.watcher.watch import Watcher
    from bridge.worker.loop import Worker
    from bridge.worker.plan import Plan

# Workers, watchers and engines are imported where they are made: `bridge add` needs none of them, and starts fast.

Enqueue = Callable[[list[NewJob]], list[Added]]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How answers are checked."""

    max_rounds: int = 2  #: repair rounds at most; 0: ask nothing again
    project: Path | None = None  #: ask its own linters too


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A queue that is ready for use, and how it was found."""

    store: Store
    path: Path
    source: str
    settings: config.Settings
    home: Path  #: the queue's folder in the local state folder


def system_clock() -> Clock:
    """The real time."""
    return Clock(now=lambda: datetime.now(UTC), sleep=time.sleep)


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where this user's journals are: `BRIDGE_STATE_DIR`, else what the platform has for such things."""
    if given := environ.get("BRIDGE_STATE_DIR"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_state_path

    return user_state_path("qwen-bridge", appauthor=False)


def locate(queue: str | None = None) -> config.Found:
    """Which queue is meant, by argument, environment, `bridge.toml` or default."""
    return config.find_queue(queue, cwd=Path.cwd(), environ=os.environ)


def ollama_url(environ: Mapping[str, str] = os.environ, *, base_url: str | None = None) -> str:
    """Where Ollama is: as given, else `OLLAMA_HOST`, as Ollama itself reads it, else 127.0.0.1:11434."""
    host = base_url or environ.get("OLLAMA_HOST") or "127.0.0.1:11434"
    return (host if "://" in host else f"http://{host}").rstrip("/")


def open_queue(
    queue: str | None = None,
    *,
    listener: Listener = ignore,
    clock: Clock | None = None,
    missing_ok: bool = False,
    fresh_journal: bool = False,
    state: Path | None = None,
) -> Opened:
    """Open the queue that is meant.

    Args:
        queue: path of its notebook; None: found as `config.find_queue` says.
        listener: is told what happens.
        clock: real time by default.
        missing_ok: open a queue whose notebook is gone, if this machine has its journal (for `rebuild`).
        fresh_journal: move the journal aside and begin a new one (for `rebuild`).
        state: the local state folder, if not the user's own.

    Raises:
        QueueNotFound: no notebook there; says how to make one.
        NotAQueue, QueueUnreadable: a file is there, but it is none that can be used.
        ConfigError, JournalError: as they say.
    """
    found = locate(queue)
    path, settings = found.path.absolute(), found.settings
    state = state or state_folder()
    registry = Registry(state / "queues.json")
    queue_id = _identify(path, registry, found.source, missing_ok=missing_ok)
    home = state / "queues" / queue_id
    try:
        mode = WriteMode(settings.write_mode)
    except ValueError:
        raise ConfigError(f"write_mode is {settings.write_mode!r}; known are auto, replace and inplace") from None
    file = journal_file(home)
    lock = QueueLock(home / "lock", notify=listener, now=time.monotonic, patience_s=settings.lock_patience_s)
    if fresh_journal:
        with lock.held("setting the journal aside"):
            _set_aside(file.parent, home)
    journal = Journal(
        file, queue_id=queue_id, fingerprint=_fingerprint(file), new_writer=lambda: "w" + secrets.token_hex(4)
    )
    store = Store(
        transport=Folder(path=path.parent, salvage=home / "inplace", mode=mode),
        journal=journal,
        lock=lock,
        names=Names(stem=path.name.removesuffix(".ipynb")),
        clock=clock or system_clock(),
        notify=listener,
        limits=Limits(part_jobs=settings.part_jobs, part_bytes=settings.part_bytes),
        settle_s=settings.settle_s,
    )
    return Opened(store=store, path=path, source=found.source, settings=settings, home=home)


def journal_file(home: Path) -> Path:
    """The journal's place in a queue's state folder: alone in a folder, so that it moves as a whole with SQLite's files."""
    return home / "journal" / "journal.sqlite3"


def _set_aside(folder: Path, home: Path) -> None:
    """Rename a journal's folder, in one step; nothing is deleted."""
    if folder.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        n = 1
        while (aside := home / f"journal.{stamp}.{n}").exists():
            n += 1
        folder.rename(aside)


def _identify(path: Path, registry: Registry, source: str, *, missing_ok: bool) -> str:
    """The queue_id of the notebook at a path; remembers it, so that the queue is known when the notebook is gone."""
    known = registry.get(path)
    if path.is_dir():
        raise NotAQueue(
            f"{path} is a folder: give the path of a queue notebook, for example {path / 'qwen_bridge.ipynb'}"
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if known and missing_ok:
            return known
        hint = "`bridge rebuild` writes it again from the journal" if known else "make one with `bridge init`"
        raise QueueNotFound(f"there is no queue notebook at {path} (from {source}): {hint}") from None
    except OSError as error:
        raise QueueUnreadable(f"cannot read {path}: {error.strerror}") from error
    if known and known.encode() in data:
        return known  # the store looks closer when it reads the file
    try:
        notebook = wire.loads(data)
    except ValueError as error:
        if known:
            return known  # the store waits for it to become whole
        raise QueueUnreadable(
            f"{path} is not whole JSON ({error}); it was not touched: wait for its sync, or restore it"
        ) from None
    if known and missing_ok:
        return known
    queue_id = codec.read_part(notebook, name=path.name).queue_id
    if queue_id != known:
        registry.put(path, queue_id)
    return queue_id


def _fingerprint(journal: Path) -> str:
    """Names this machine and the journal's place on it: a journal that was copied must not write under its old id."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = platform.node()
    return f"{sys.platform}:{machine}:{platform.node()}:{journal}"


#: For jobs that name none, on Ollama.
DEFAULT_MODEL = "qwen2.5-coder:32b"

#: Kinds of engine, and what each needs.
ENGINES: Mapping[str, str] = {
    "ollama": "Ollama by its own API; OLLAMA_HOST says where",
    "openai": "any OpenAI-compatible API; --base-url or OPENAI_BASE_URL, and OPENAI_API_KEY if it wants one",
    "llamacpp": "llama.cpp in a child process; --gguf FILE; needs the extra [embedded]",
    "scripted": "a fake that answers at once, for dry runs",
}


def open_engine(
    kind: str,
    *,
    lanes: int = 1,
    num_ctx: int = 8192,
    gguf: str | None = None,
    base_url: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Engine:
    """An engine of a kind in `ENGINES`; starts and contacts nothing yet.

    Raises:
        ConfigError: unknown kind, or something that this kind needs is missing.
        MissingExtra: its package is not installed.
    """
    if kind == "ollama":
        from bridge.engines.ollama import OllamaEngine

        return OllamaEngine(ollama_url(environ, base_url=base_url))
    if kind == "openai":
        from bridge.engines.openai import OpenAIEngine

        url = base_url or environ.get("OPENAI_BASE_URL")
        if not url:
            raise ConfigError("the engine openai needs --base-url or OPENAI_BASE_URL")
        return OpenAIEngine(url, api_key=environ.get("OPENAI_API_KEY"))
    if kind == "llamacpp":
        from bridge.engines.llamacpp import LlamaCppEngine

        if not gguf:
            raise ConfigError("the engine llamacpp needs --gguf FILE")
        return LlamaCppEngine(Path(gguf), lanes=lanes, num_ctx=num_ctx)
    if kind == "scripted":
        from bridge.engines.scripted import ScriptedEngine

        return ScriptedEngine()
    raise ConfigError(f"unknown engine {kind!r}; known are {', '.join(ENGINES)}")


def ready_model(engine: Engine, model: str | None, *, pull: bool, say: Callable[[str], None]) -> str:
    """The model for jobs that name none; sees to it that an engine that answers has it.

    None: qwen2.5-coder:32b for Ollama, else the one model that the engine has. An engine that is down is left to the
    worker, which waits for it.

    Raises:
        ConfigError: the engine has several models, or is down, and none was named.
        ModelMissing: it is not there, and `pull` is off; says how to get it.
        EngineError: the download failed.
    """
    if model is None and engine.name == "ollama":
        model = DEFAULT_MODEL
    if not engine.health().ok:
        if model is None:
            raise ConfigError("the engine does not answer yet, so it cannot say which model it has: give --model")
        return model
    names = {found.name for found in engine.models()}
    if model is None:
        if len(names) != 1:
            raise ConfigError(f"the engine has {len(names)} models: choose one with --model")
        return names.pop()
    if names & {model, f"{model}:latest"} or engine.name == "openai":
        return model  # an API may answer to names that it does not list
    if not pull:
        have = ", ".join(sorted(names)[:5]) or "none"
        raise ModelMissing(
            f"the engine does not have {model} (it has {have}): --pull fetches it, --model names another"
        )
    say(f"fetching {model}")
    shown = [-1]

    def progress(status: str, done: int, total: int) -> None:
        percent = 100 * done // total if total else 0
        if percent // 10 != shown[0]:
            shown[0] = percent // 10
            say(f"{status} {percent} % of {total / 1e9:.1f} GB")

    engine.pull(model, progress)
    return model


def open_worker(
    opened: Opened,
    engine: Engine,
    plan: Plan,
    *,
    listener: Listener,
    lease_s: float = 900.0,
    now_s: Callable[[], float] = time.monotonic,
) -> Worker:
    """A worker on a queue, ready to run. `now_s`: seconds of a clock that only goes forward."""
    from bridge.worker.leases import Leases
    from bridge.worker.ledger import Ledger
    from bridge.worker.loop import Worker
    from bridge.worker.presence import Presence

    host = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:30] or "host"
    name = f"{host}-{os.getpid()}-{secrets.token_hex(2)}"
    store = opened.store
    presence = Presence(name, locks=opened.home / "workers", transport=store.transport)
    ledger = Ledger(
        store=store,
        leases=Leases(length_s=lease_s, is_dead=presence.is_dead),
        worker=name,
        about=lambda: {"engine": engine.name, "where": platform.node()},
        default_model=plan.model,
        max_attempts=opened.settings.max_attempts,
        patience=timedelta(minutes=30),
    )
    return Worker(store=store, ledger=ledger, engine=engine, presence=presence, plan=plan, notify=listener, now_s=now_s)


def open_bench() -> Bench:
    """Tools to check with; they start when the first answer is looked at."""
    from bridge.results.examine import Bench

    return Bench()


def open_desk(opened: Opened, enqueue: Enqueue, bench: Bench, rules: Rules, listener: Listener) -> Desk:
    """A desk at a queue."""
    from bridge.watcher.desk import Desk

    return Desk(
        store=opened.store,
        bench=bench,
        notify=listener,
        enqueue=enqueue,
        max_rounds=rules.max_rounds,
        project=rules.project,
    )


def open_waiting(opened: Opened, enqueue: Enqueue, bench: Bench | None, rules: Rules) -> Waiting:
    """A wait on a queue; with a bench, it works at the desk whenever that is free."""
    from bridge.watcher.waiting import Waiting

    store = opened.store
    desk = open_desk(opened, enqueue, bench, rules, store.notify) if bench is not None else None
    return Waiting(store=store, desk=desk, hints=_hints(opened), desk_lock=_desk_lock(opened), now_s=time.monotonic)


def open_watcher(
    opened: Opened,
    enqueue: Enqueue,
    archive: Callable[[timedelta], list[str]],
    bench: Bench,
    rules: Rules,
    *,
    channels: Sequence[Channel],
    poll_s: float,
    archive_after_s: float | None,
    listener: Listener,
) -> Watcher:
    """A watcher on a queue, ready to run."""
    from bridge.watcher.watch import Watcher

    return Watcher(
        store=opened.store,
        desk=open_desk(opened, enqueue, bench, rules, listener),
        dispatch=open_dispatch(opened, channels, listener),
        hints=_hints(opened),
        now_s=time.monotonic,
        notify=listener,
        archive=archive,
        poll_s=poll_s,
        archive_after=timedelta(seconds=archive_after_s) if archive_after_s is not None else None,
        desk_lock=_desk_lock(opened),
    )


def open_dispatch(opened: Opened, channels: Sequence[Channel], listener: Listener) -> Dispatch:
    """The hand-over of a queue's checked jobs."""
    from bridge.watcher.dispatch import Dispatch

    locks = _desk_lock(opened).parent
    return Dispatch(store=opened.store, channels=channels, notify=listener, locks=locks)


def open_channels(
    *, outbox: str | None, program: str | None, webhook: str | None, environ: Mapping[str, str] = os.environ
) -> list[Channel]:
    """The ways out that were asked for. The webhook's secret is `BRIDGE_WEBHOOK_SECRET`. Raises ConfigError."""
    from bridge.watcher.channels import Outbox, Program, Webhook

    channels: list[Channel] = []
    if outbox:
        channels.append(Outbox(folder=Path(outbox).expanduser().absolute()))
    if program:
        argv = shlex.split(program)
        if not argv:
            raise ConfigError("--exec needs a command")
        channels.append(Program(argv=argv))
    if webhook:
        if not webhook.startswith(("http://", "https://")):
            raise ConfigError(f"--webhook needs an http or https URL, not {webhook!r}")
        channels.append(Webhook(url=webhook, secret=environ.get("BRIDGE_WEBHOOK_SECRET")))
    return channels


def _hints(opened: Opened) -> Hints:
    from bridge.watcher.hints import Hints

    folder = opened.path.parent
    return Hints(folder, poll=on_fuse(folder))


def _desk_lock(opened: Opened) -> Path:
    return opened.home / "desk.lock"
