"""A notice by a command of the user's own, such as `mail`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.delivery.notices.base import Notice
from bridge.delivery.outside import run_program


@dataclass(frozen=True, kw_only=True)
class NoticeCommand:
    """A command without a shell: the notice on its standard input, and in BRIDGE_NOTICE_TITLE and BRIDGE_NOTICE_TEXT."""

    argv: Sequence[str]
    timeout_s: float = 60.0

    @property
    def name(self) -> str:
        """See Notifier."""
        return self.argv[0]

    def tell(self, notice: Notice) -> None:
        """See Notifier."""
        told = f"{notice.title}\n\n{notice.text}\nqueue: {notice.queue}\n"
        environ = {"BRIDGE_NOTICE_TITLE": notice.title, "BRIDGE_NOTICE_TEXT": notice.text}
        run_program(self.argv, told.encode(), environ, timeout_s=self.timeout_s, about="the notice")
