"""Under which id a file is to be made: on disk before it is used, and for parts the same on every machine.

Drive makes a file under an id that it gave out before, once: the second request is answered 409. So whatever happens between
request and answer, a file is made once, and two machines that open part 2 at the same time agree, if they agree on its id.
They do in properties of part 1, one for each part, which are written with `If-Match` and stay: so a part is known to whoever
looks at part 1, however late Drive's lists are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from bridge.core.errors import DriveFileGone, DriveUnreachable
from bridge.transports.drive.catalog import CLAIM, NOTHING, claim_key, claimed
from bridge.transports.drive.directory import Directory
from bridge.transports.drive.refusals import Changed

_TRIES = 8


@dataclass(frozen=True, kw_only=True)
class FileIds:
    """The claims of one machine. `back_off`: waits, the longer the more tries there were."""

    directory: Directory
    back_off: Callable[[int], None]

    def id_for(self, name: str) -> str:
        """The id to make a file under. Raises DriveUnreachable."""
        pending = self.directory.memo.pending
        if name in pending:
            return pending[name]
        role = self.directory.role(name)
        # Only parts have several makers: every other file carries its only writer's name.
        file_id = self._agreed(role, name) if role.startswith("*.") else self.directory.calls.new_id()
        self._remember({**pending, name: file_id})
        return file_id

    def settle(self, name: str) -> None:
        """The file was made."""
        self._remember({n: i for n, i in self.directory.memo.pending.items() if n != name})

    def give_up(self, name: str) -> None:
        """What was made under the id lies in the trash: the next try agrees on another one."""
        given_up = self.directory.memo.pending.get(name)
        self.settle(name)
        first = self.directory.calls.get(self.directory.anchor)
        for key, claim in first.properties.items():
            if key.startswith(CLAIM) and claim.rpartition(":")[2] == given_up:
                with suppress(Changed):  # then the next try gives it up
                    self.directory.calls.describe(first, properties={key: NOTHING})
                return

    def claim(self, name: str, file_id: str) -> str:
        """Agree that a file which is there already is the part of a name; gives the id that is agreed on.

        Another id than the one given: somebody else made the part meanwhile, and it is there. Raises DriveUnreachable.
        """
        role, calls = self.directory.role(name), self.directory.calls
        for attempt in range(_TRIES):
            first = calls.get(self.directory.anchor)
            agreed = claimed(first).get(role, file_id)
            if agreed != file_id and self._is_there(agreed, name):
                return agreed
            try:
                calls.describe(first, properties={claim_key(role): f"{role}:{file_id}"})
            except Changed:
                self.back_off(attempt)
            else:
                self.settle(name)
                return file_id
        raise DriveUnreachable(f"{name} cannot be agreed on: the queue on Drive is changed all the time")

    def _is_there(self, file_id: str, name: str) -> bool:
        try:
            self.directory.whole(self.directory.calls.get(file_id), name)
        except DriveFileGone:
            return False
        return True

    def _remember(self, pending: dict[str, str]) -> None:
        self.directory.remember(replace(self.directory.memo, pending=pending))

    def _agreed(self, role: str, name: str) -> str:
        calls = self.directory.calls
        for attempt in range(_TRIES):
            first = calls.get(self.directory.anchor)
            claims = claimed(first)
            if role in claims:
                return claims[role]
            file_id = calls.new_id()
            try:
                calls.describe(first, properties={claim_key(role): f"{role}:{file_id}"})
            except Changed:
                self.back_off(attempt)
            else:
                return file_id
        raise DriveUnreachable(f"{name} cannot be made: the queue on Drive is changed all the time")
