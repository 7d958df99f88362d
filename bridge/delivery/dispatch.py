"""Checked jobs out through every channel: once each, with growing pauses while a channel fails, for as long as it takes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.core.errors import BridgeError
from bridge.core.events import Event, EventKind, Listener
from bridge.core.retry import Backoff
from bridge.delivery import payload
from bridge.delivery.channels import Channel
from bridge.store import review_state
from bridge.store.journal_reader import JournalReader
from bridge.store.review_state import Delivery, ReviewState
from bridge.store.store import Store

#: Between two tries of a channel that does not take a result.
PAUSES = Backoff(first_s=2.0, longest_s=300.0)
#: Results that are written down as handed over in one transaction, if their channel takes several at once.
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Hands over what is checked. Several processes may do so: each channel is used by one at a time."""

    store: Store
    channels: Sequence[Channel]
    notify: Listener
    #: A folder for the channels' locks, which the operating system frees when the process that holds them dies.
    locks: Path
    counted: Counter[str] = field(
        default_factory=Counter
    )  #: {channel, without what is secret of it: results that it took}

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
                for start in range(0, len(due), size := 1 if channel.at_once == 1 else _BATCH):
                    handed += self._send(channel, due[start : start + size])
        return handed

    def waiting(self) -> int:
        """How many results some channel has yet to take, due or not."""
        some_day = datetime.max.replace(tzinfo=UTC)

        def look(reader: JournalReader) -> int:
            left = (review_state.outgoing(reader, channel.name, some_day) for channel in self.channels)
            return len({job for jobs in left for job in jobs})

        return self.store.look(look)

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

    def _send(self, channel: Channel, jobs: Sequence[str]) -> list[str]:
        """Send some jobs, and write down in one transaction how that ended; gives those that are with their caller now."""
        journal, clock = self.store.journal, self.store.clock
        sendings = self.store.look(lambda reader: [_Sending.of(reader, channel, job) for job in jobs])
        due = [sending for sending in sendings if sending is not None]
        if channel.at_once > 1 and len(due) > 1:
            with ThreadPoolExecutor(channel.at_once) as pool:
                errors = list(pool.map(lambda sending: sending.send(channel), due))
        else:
            errors = [sending.send(channel) for sending in due]
        ended = [sending.ended(error, clock.now()) for sending, error in zip(due, errors, strict=True)]
        kind = channel.name.partition(":")[0]
        self.counted[kind] += sum(after.done_at is not None for after in ended)

        def decide() -> list[str]:
            for after in ended:
                review_state.put_delivery(journal, after)
            return [
                sending.what.job
                for sending, after in zip(due, ended, strict=True)
                if after.done_at is not None
                and self._complete(journal, sending.what)
                and review_state.deliver(journal, sending.what.job, to=kind, now=clock.now())
            ]

        complete = self.store.journal_only(decide, "noting what was handed over") if ended else []
        for after in ended:
            self._tell(after, complete=after.job in complete)
        return complete

    def _tell(self, after: Delivery, *, complete: bool) -> None:
        if complete:
            facts: dict[str, object] = {"job": after.job}
            self.notify(Event(kind=EventKind.DELIVERED, message=f"{after.job} handed over", facts=facts))
        elif after.done_at is None:
            message = f"{after.error}; next try in {PAUSES.pause_s(after.tries):.0f} s"
            facts = {"job": after.job, "channel": after.channel, "tries": after.tries}
            self.notify(Event(kind=EventKind.UNDELIVERED, message=message, facts=facts))


@dataclass(frozen=True, kw_only=True)
class _Sending:
    """One result on its way out through one channel."""

    what: ReviewState
    stored: Mapping[str, object]  #: its payload, as the journal keeps it
    before: Delivery

    @staticmethod
    def of(reader: JournalReader, channel: Channel, job: str) -> _Sending | None:
        """What is to be sent of a job; None: nothing, or not any more."""
        what = review_state.get(reader, job)
        if what is None or what.payload is None:
            return None
        before = review_state.delivery(reader, what, channel.name)
        if before.done_at is not None:
            return None
        return _Sending(what=what, stored=what.payload, before=before)

    def send(self, channel: Channel) -> BridgeError | None:
        """Hand it over; gives what went wrong."""
        sarif = self.stored.get("sarif")
        try:
            channel.send(
                payload.read(self.stored),
                key=f"{self.what.job}:{self.what.answer}",
                sarif=sarif if isinstance(sarif, dict) else None,
            )
        except BridgeError as error:
            return error
        return None

    def ended(self, error: BridgeError | None, now: datetime) -> Delivery:
        """How far the channel has come after this try."""
        tries = self.before.tries + 1
        if error is None:
            return replace(self.before, tries=tries, done_at=now, next_at=None, error=None)
        return replace(
            self.before, tries=tries, next_at=now + timedelta(seconds=PAUSES.pause_s(tries)), error=str(error)
        )
