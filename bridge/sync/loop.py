"""Keeps a queue in a folder and its copy on Drive one: two stores over one journal.

What one side has is taken into the journal and published on the other, by the same merge as everywhere, so it does not
matter in which order that happens, or where it is interrupted. While Drive cannot be reached, all that is local goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.core.errors import DriveError, JournalError, QueueError, TooLarge
from bridge.core.events import Event, EventKind, Listener
from bridge.core.retry import Backoff
from bridge.store.store import Store
from bridge.transports.file_events import FileEvents

#: Longest pause between two tries while Drive does not let us.
MOST_PAUSE_S = 300.0
#: Between two looks whether somebody asked to stop.
_TICK_S = 0.5


@dataclass(kw_only=True)
class Sync:
    """One queue, two places. `ask_to_stop` from any thread or a signal handler."""

    local: Store
    remote: Store
    #: Looks at the remote side and fetches what changed, with patience, before the lock is taken.
    fetch_ahead: Callable[[], None]
    #: Archives what is finished of a notebook that is too large; gives the ids.
    shrink: Callable[[str], list[str]]
    file_events: FileEvents
    notify: Listener
    now_s: Callable[[], float]
    poll_s: float = 10.0
    rounds: int = 0
    _stop: bool = field(default=False)

    def ask_to_stop(self) -> None:
        """End after the present round."""
        self._stop = True

    def once(self) -> None:
        """Make both sides one.

        Raises:
            DriveError: as Drive says; the local side is up to date with what is known.
            QueueError: as the local folder says.
            TooLarge: a notebook is too large for Drive, and nothing in it is finished.
        """
        self.local.publish()
        self.fetch_ahead()
        for attempt in range(3):
            try:
                self.remote.publish()
                break
            except TooLarge as error:
                archived = self.shrink(error.name) if attempt < 2 else []
                if not archived:
                    raise
                self.notify(
                    Event(
                        kind=EventKind.PUBLISHED, message=f"{error.name} was too large: {len(archived)} jobs archived"
                    )
                )
        if self.local.lagging():
            self.local.publish()
        self.rounds += 1

    def run(self) -> None:
        """Round after round: soon after a local change, every `poll_s` otherwise, until asked to stop. Raises JournalError."""
        trouble: str | None = None
        pauses = Backoff(first_s=2 * self.poll_s, longest_s=MOST_PAUSE_S)
        tries = 0  # in a row that Drive refused
        self.file_events.start()
        try:
            while not self._stop:
                try:
                    self.once()
                except JournalError:
                    raise
                except QueueError as error:
                    tries = tries + 1 if isinstance(error, DriveError) else 0
                    if trouble != type(error).__name__:
                        trouble = type(error).__name__
                        self.notify(Event(kind=EventKind.BLOCKED, message=f"{error}; it is tried again"))
                else:
                    tries = 0
                    if trouble:
                        trouble = None
                        self.notify(Event(kind=EventKind.PUBLISHED, message="Drive and the folder are one again"))
                self._rest(pauses.pause_s(tries) if tries else self.poll_s, woken=trouble is None)
        finally:
            self.file_events.stop()

    def _rest(self, pause_s: float, *, woken: bool) -> None:
        """Until the next look is due, or, if all is well, something changes here."""
        until = self.now_s() + pause_s
        while not self._stop and self.now_s() < until:
            if self.file_events.wait(min(_TICK_S, max(0.0, until - self.now_s()))) and woken:
                return
