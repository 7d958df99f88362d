"""Checked jobs out through every channel: once each, with growing pauses while a channel fails, for as long as it takes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import BridgeError
from bridge.core.events import Event, EventKind, Listener
from bridge.core.retry import Backoff
from bridge.delivery import payload
from bridge.delivery.channels import Channel
from bridge.store import review_state
from bridge.store.journal_reader import JournalReader
from bridge.store.store import Store

#: Between two tries of a channel that does not take a result.
PAUSES = Backoff(first_s=2.0, longest_s=300.0)


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Hands over what is checked. Several processes may do so: each channel is used by one at a time."""

    store: Store
    channels: Sequence[Channel]
    notify: Listener
    #: A folder for the channels' locks, which the operating system frees when the process that holds them dies.
    locks: Path

    def send_due(self, only: Collection[str] | None = None) -> list[str]:
        """Try what is due on every channel; gives the jobs that are with their caller now.

        Args:
            only: these jobs; None: all.
        """
        handed = []
        for channel in self.channels:
            name = hashlib.sha256(channel.name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
            lock = FileLock(self.locks / f"channel-{name}.lock")
            with suppress(Timeout), lock.acquire(timeout=0):  # held: that process sends what is due
                due = [job for job in self._due(channel) if only is None or job in only]
                handed += [job for job in due if self._send(channel, job)]
        return handed

    def left(self, jobs: Collection[str]) -> list[str]:
        """Those of these jobs that some channel has yet to deliver."""

        def look(reader: JournalReader) -> list[str]:
            known = [what for job in jobs if (what := review_state.get(reader, job)) is not None]
            return [what.job for what in known if not self._complete(reader, what)]

        return self.store.look(look)

    def _due(self, channel: Channel) -> list[str]:
        now = self.store.clock.now()
        return self.store.look(lambda reader: review_state.outgoing(reader, channel.name, now))

    def _complete(self, reader: JournalReader, what: review_state.ReviewState) -> bool:
        ways = (review_state.delivery(reader, what, channel.name) for channel in self.channels)
        return what.restored or all(way.done_at for way in ways)

    def _send(self, channel: Channel, job: str) -> bool:
        journal, clock = self.store.journal, self.store.clock
        what = self.store.look(lambda reader: review_state.get(reader, job))
        if what is None or what.payload is None:
            return False
        before = self.store.look(lambda reader: review_state.delivery(reader, what, channel.name))
        if before.done_at is not None:
            return False
        sarif = what.payload.get("sarif")
        try:
            channel.send(
                payload.read(what.payload),
                key=f"{what.job}:{what.answer}",
                sarif=sarif if isinstance(sarif, dict) else None,
            )
        except BridgeError as error:
            self._failed(channel, before, error)
            return False
        done = replace(before, tries=before.tries + 1, done_at=clock.now(), next_at=None, error=None)

        def decide() -> bool:
            review_state.put_delivery(journal, done)
            kind = channel.name.partition(":")[0]
            return self._complete(journal, what) and review_state.deliver(journal, job, to=kind, now=clock.now())

        complete = self.store.journal_only(decide, "noting a delivery")
        if complete:
            self.notify(Event(kind=EventKind.DELIVERED, message=f"{job} handed over", facts={"job": job}))
        return complete

    def _failed(self, channel: Channel, before: review_state.Delivery, error: BridgeError) -> None:
        tries = before.tries + 1
        pause = timedelta(seconds=PAUSES.pause_s(tries))
        after = replace(before, tries=tries, next_at=self.store.clock.now() + pause, error=str(error))
        self.store.journal_only(
            lambda: review_state.put_delivery(self.store.journal, after), "noting a failed delivery"
        )
        message = f"{error}; next try in {pause.total_seconds():.0f} s"
        facts = {"job": before.job, "channel": channel.name, "tries": tries}
        self.notify(Event(kind=EventKind.UNDELIVERED, message=message, facts=facts))
