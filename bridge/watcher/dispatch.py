"""Checked jobs out through every channel: once each, with growing pauses while a channel fails, for as long as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.errors import BridgeError
from bridge.events import Event, Kind, Listener
from bridge.notebook import handling
from bridge.notebook.store import Store
from bridge.watcher.channels import Channel

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Hands over what is checked. Only one process a queue does this at a time (see watch.py)."""

    store: Store
    channels: Sequence[Channel]
    notify: Listener

    def send_due(self) -> list[str]:
        """Try what is due on every channel; gives the jobs that are with their caller now."""
        handed: list[str] = []
        for channel in self.channels:
            due = self.store.note(
                lambda channel=channel: handling.outgoing(self.store.journal, channel.name, self.store.clock.now()),  # type: ignore[misc]  # binds now
                "looking for results",
            )
            handed += [job for job in due if self._send(channel, job)]
        return handed

    def _send(self, channel: Channel, job: str) -> bool:
        journal, clock = self.store.journal, self.store.clock
        what = self.store.note(lambda: handling.get(journal, job), "reading a result")
        if what is None:
            return False
        before = self.store.note(lambda: handling.delivery(journal, what, channel.name), "reading a delivery")
        body = {name: value for name, value in what.payload.items() if name != "sarif"}
        try:
            channel.send(body, key=f"{what.job}:{what.answer}", sarif=what.payload.get("sarif"))
        except BridgeError as error:
            tries = before.tries + 1
            pause = timedelta(seconds=min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(tries - 1, 20)))
            after = replace(before, tries=tries, next_at=clock.now() + pause, error=str(error))
            self.store.note(lambda: handling.put_delivery(journal, after), "noting a failed delivery")
            message = f"{error}; next try in {pause.total_seconds():.0f} s"
            self.notify(
                Event(
                    kind=Kind.UNDELIVERED, message=message, facts={"job": job, "channel": channel.name, "tries": tries}
                )
            )
            return False
        done = replace(before, tries=before.tries + 1, done_at=clock.now(), next_at=None, error=None)

        def decide() -> bool:
            handling.put_delivery(journal, done)
            left = [c for c in self.channels if handling.delivery(journal, what, c.name).done_at is None]
            return not left and handling.deliver(journal, job, to=channel.name.partition(":")[0], now=clock.now())

        complete = self.store.note(decide, "noting a delivery")
        if complete:
            self.notify(Event(kind=Kind.DELIVERED, message=f"{job} handed over", facts={"job": job}))
        return complete
