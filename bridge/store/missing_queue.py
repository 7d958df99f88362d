"""Which queue a path stands for when its notebook is not there: told by its second copies, or by what is remembered.

rclone bisync renames both sides of a conflict, so that the name itself is gone; on a mounted drive there is no file for a
moment while another machine replaces it (facts on Drive, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bridge.core.clock import Clock
from bridge.core.errors import QueueNotWritable, QueueUnreadable, StorageFull, TwoQueues
from bridge.core.events import Event, EventKind, Listener
from bridge.format import codec, json_bytes
from bridge.format.file_names import FileNames
from bridge.store.registry import Registry
from bridge.store.store import Store
from bridge.transports import conflict_copies


@dataclass(frozen=True, kw_only=True)
class ConflictCopies:
    """What lies beside a notebook that is gone."""

    queues: Mapping[str, tuple[str, ...]]  #: {queue_id: names of second copies of its first part}
    damaged: tuple[str, ...] = ()  #: names of second copies that are not whole JSON
    doubtful: tuple[str, ...] = field(default=())  #: names of queue notebooks that may be copies, or something else


def copies_of(path: Path, registry: Registry, known: str | None) -> ConflictCopies:
    """The second copies of a notebook that is gone. `known`: the queue that was last seen there.

    A copy has a name that only copies have; of a known queue, any name will do. A notebook that was opened as a queue
    under its own name is none.
    """
    names = FileNames(stem=path.name.removesuffix(".ipynb"))
    queues: dict[str, tuple[str, ...]] = {}
    damaged, doubtful = [], []
    for file in _notebooks_beside(path):
        called = conflict_copies.conflict_copy_name(file.name, names.stem)
        if names.number(file.name) is not None or registry.get(str(file)):
            continue
        try:
            notebook = json_bytes.loads(file.read_bytes())
        except OSError:
            continue
        except ValueError:
            damaged += [file.name] if called and called.telling else []
            continue
        stamp = codec.queue_stamp(notebook)
        if stamp is None or stamp.get("part") != 1:
            continue
        if (called and called.telling) or stamp["queue_id"] == known:
            queues[stamp["queue_id"]] = (*queues.get(stamp["queue_id"], ()), file.name)
        elif called:
            doubtful.append(file.name)
    return ConflictCopies(queues=queues, damaged=tuple(damaged), doubtful=tuple(doubtful))


def revive(path: Path, known: str | None, copies: ConflictCopies) -> str | None:
    """The queue_id that the copies of a missing notebook tell; None: they tell none.

    Raises:
        TwoQueues: copies of different queues lie there.
        QueueUnreadable: all that lie there are half-written.
    """
    told = dict(copies.queues)
    if known and told:
        told.setdefault(known, ())
    if len(told) > 1:
        listed = "; ".join(
            f"queue {queue_id}: {', '.join(names) or 'was at this path'}" for queue_id, names in sorted(told.items())
        )
        raise TwoQueues(
            f"{path} is gone, and beside it lie copies of different queues ({listed}): move those of the queue that is not "
            "meant into another folder, and run the command again"
        )
    if told:
        return next(iter(told))
    if copies.damaged:
        raise QueueUnreadable(
            f"{path} is gone, and its copy {copies.damaged[0]} is not whole JSON; nothing was touched: wait for its sync"
        )
    return None


def wait_for(
    path: Path, *, registry: Registry, known: str, clock: Clock, patience_s: float, listener: Listener
) -> None:
    """Wait until a notebook that has vanished, or a copy of it, is there; at most so long."""
    waited = 0.0
    while waited < patience_s and not _is_there(path) and not copies_of(path, registry, known).queues:
        if not waited:
            listener(Event(kind=EventKind.WAITING, message=f"{path.name} is gone for the moment; waiting for it"))
        clock.sleep(0.25)
        waited += 0.25


def news_of(path: Path, copies: tuple[str, ...]) -> Event:
    """What to tell when a notebook was written again from its copies."""
    stem = path.name.removesuffix(".ipynb")
    makers = sorted({maker for name in copies if (maker := conflict_copies.conflict_copy_maker(name, stem))})
    made = f" (made by {', '.join(makers)})" if makers else ""
    message = f"{path.name} was gone; it was written again from {', '.join(copies)}{made}, and nothing is lost"
    return Event(kind=EventKind.CONFLICT_COPY, message=message, facts={"copies": list(copies)})


def write_again(store: Store, path: Path, copies: tuple[str, ...]) -> None:
    """Write a notebook that is gone from its second copies, if the folder lets us; it can be read without, too."""
    try:
        store.publish()
    except (QueueNotWritable, StorageFull) as error:
        store.notify(
            Event(kind=EventKind.CONFLICT_COPY, message=f"{path.name} is gone and cannot be written again: {error}")
        )
    except BaseException:
        store.journal.close()
        raise
    else:
        store.notify(news_of(path, copies))


def _is_there(path: Path) -> bool:
    with suppress(OSError):  # a mount that died
        return path.exists()
    return False


def _notebooks_beside(path: Path) -> list[Path]:
    try:
        return sorted(
            file for file in path.parent.iterdir() if conflict_copies.is_notebook(file.name) and file.is_file()
        )
    except OSError:
        return []
