"""A queue in a folder: which one it is, who holds the folder, and as a transport."""

from __future__ import annotations

from pathlib import Path

from bridge.core import files
from bridge.core.clock import Clock
from bridge.core.errors import NotAQueue, QueueNotFound, QueueUnreadable
from bridge.core.events import Event, EventKind, Listener
from bridge.format import codec, json_bytes
from bridge.store import missing_queue
from bridge.store.registry import Registry
from bridge.transports.folder import Folder
from bridge.transports.mount import mount_of
from bridge.transports.sync_clients import ClientKind
from bridge.wiring.queue_home import home_name
from bridge.wiring.settings import FoundQueue
from bridge.wiring.site import Site


def site_in_folder(
    path: Path,
    found: FoundQueue,
    registry: Registry,
    homes: Registry,
    *,
    clock: Clock,
    listener: Listener,
    missing_ok: bool,
) -> Site:
    """The queue whose first notebook is at a path. Raises what `open_queue` raises."""
    settings = found.settings
    mounted = mount_of(path.parent).client.kind in (ClientKind.DRIVE, ClientKind.NETWORK)
    vanished_s = settings.settle_s if mounted else 0.0
    if not missing_ok and vanished_s and (known := registry.get(str(path))):
        missing_queue.wait_for(
            path, registry=registry, known=known, clock=clock, patience_s=vanished_s, listener=listener
        )
    known = registry.get(str(path))
    queue_id, copies = _identify(path, registry, found.source, missing_ok=missing_ok)
    home = home_name(path, queue_id, queues=registry, homes=homes, was_known=known == queue_id)
    if home != queue_id and known is None:
        message = (
            f"{path} is a copy of a queue that is elsewhere on this machine: it has a journal of its own from now on"
        )
        listener(Event(kind=EventKind.WRITER, message=message))
    return Site(
        queue_id=queue_id,
        home=home,
        shown=str(path),
        path=path,
        stem=path.name.removesuffix(".ipynb"),
        transport=lambda home, _stem: Folder(path=path.parent, salvage=home / "inplace", mode=settings.write_mode),
        copies=copies,
        vanished_s=vanished_s,
    )


def _identify(path: Path, registry: Registry, source: str, *, missing_ok: bool) -> tuple[str, tuple[str, ...]]:
    """The queue_id of the notebook at a path, and the second copies that told it if the notebook is gone.

    Remembers it, so that the queue is known when the notebook is gone.
    """
    known = registry.get(str(path))
    try:
        kind = files.other_kind(path)
        if kind is not None:
            example = path / "qwen_bridge.ipynb" if path.is_dir() else path.with_name("qwen_bridge.ipynb")
            raise NotAQueue(f"{path} is {kind}: give the path of a queue notebook, for example {example}")
        data = path.read_bytes()
    except FileNotFoundError:
        if known and missing_ok:
            return known, ()
        copies = missing_queue.copies_of(path, registry, known)
        queue_id = missing_queue.revive(path, known, copies)
        if queue_id is None:
            hint = "`bridge rebuild` writes it again from the journal" if known else "make one with `bridge init`"
            if copies.doubtful:
                hint += f"; or, if {copies.doubtful[0]} is it, rename that to {path.name}"
            raise QueueNotFound(f"there is no queue notebook at {path} (from {source}): {hint}") from None
        if queue_id != known:
            registry.put(str(path), queue_id)
        return queue_id, copies.queues[queue_id]
    except OSError as error:
        raise QueueUnreadable(f"cannot read {path}: {error.strerror}") from error
    if known and known.encode() in data:
        return known, ()  # the store looks closer when it reads the file
    try:
        notebook = json_bytes.loads(data)
    except ValueError as error:
        if known:
            return known, ()  # the store waits for it to become whole
        raise QueueUnreadable(
            f"{path} is not whole JSON ({error}); it was not touched: wait for its sync, or restore it"
        ) from None
    if known and missing_ok:
        return known, ()
    queue_id = codec.read_part(notebook, name=path.name).queue_id
    if queue_id != known:
        registry.put(str(path), queue_id)
    return queue_id, ()
