"""The queue's files cannot be used: exit 3."""

from __future__ import annotations

from bridge.core.errors.base import BridgeError


class QueueError(BridgeError):
    """The queue's files cannot be used."""


class NotAQueue(QueueError):
    """This file is not a queue notebook that this version can read."""


class NewerNotebook(NotAQueue):
    """A newer version of this program wrote the notebook."""


class TwoQueues(QueueError):
    """Copies of different queues claim the same path."""


class QueueUnreadable(QueueError):
    """The queue notebook is half-written or still changing."""


class QueueUnsettled(QueueUnreadable):
    """The queue notebook changes while it is read."""


class QueueChanged(QueueError):
    """Somebody else wrote the queue notebook between our read and our write."""


class QueueNotWritable(QueueError):
    """The queue's folder does not let us write: it is read-only, or a permission is missing."""


class StorageFull(QueueError):
    """No space is left on the device."""


class TooLarge(QueueError):
    """A notebook is larger than its place takes at once: `bridge archive` makes it smaller."""

    def __init__(self, name: str, size: int, most: int) -> None:
        self.name = name
        sizes = f"{name} has {size / 1e6:.1f} MB, and Drive takes {most / 1e6:.0f} MB at once"
        super().__init__(f"{sizes}: `bridge archive` makes it smaller")


class LockHeld(QueueError):
    """Another process holds the queue's lock."""

    def __init__(self, holder: str, waited_s: float) -> None:
        self.holder, self.waited_s = holder, waited_s
        super().__init__(f"waited {waited_s:.0f} s for the queue's lock, held by {holder}: try again when it has ended")


class JournalError(QueueError):
    """The local journal cannot be opened, or is damaged."""


class JournalTooNew(JournalError):
    """A newer version of this program wrote the local journal."""

    def __init__(self, path: str, *, version: int, known: int) -> None:
        versions = f"(journal version {version}, this one knows {known})"
        update = "update Qwen Bridge here (`pip install -U qwen-bridge`), or make a new journal with `bridge rebuild --journal`"
        super().__init__(f"the journal {path} was written by a newer Qwen Bridge {versions}: {update}")
