"""Whose fault it is when cells fail: one that fails while others are answered has failed; several in a row show that the engine has.

The same rule as a worker's (engines/blame.py), as far as it goes where every cell is asked once: `JOBS_IN_A_ROW` is shared.
"""

from __future__ import annotations

import threading

from .error_kind import ErrorKind
from .grammar import failure_text
from .lanes import CellTask

#: Different jobs that fail in a row, without an answer, before it is the engine's fault.
JOBS_IN_A_ROW = 3
#: These are about the request, whatever state the engine is in.
OF_THE_REQUEST = frozenset(
    {ErrorKind.CONTEXT_EXCEEDED.value, ErrorKind.NOT_SUPPORTED.value, ErrorKind.OUT_OF_MEMORY.value}
)


class EngineFaults:
    """The failures that nobody is blamed for yet. Lanes share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[tuple[CellTask, str]] = []  # and what each shows if it was its own fault
        self._notice = ""  # the engine is to blame, and this is said of it

    def failed(self, task: CellTask, result: str, why: str) -> str:
        """Take in a failure; what to say of the engine if it is to blame, else nothing: the task waits for a verdict."""
        with self._lock:
            self._held.append((task, result))
            task.held = True
            if not self._notice and len(self._held) >= JOBS_IN_A_ROW:
                self._notice = failure_text(
                    f"{JOBS_IN_A_ROW} cells in a row got no answer, so it is the engine and none of them: {why}. "
                    "Nothing more is asked, and no attempt was used: see to the engine, then run the cells again."
                )
            notice, held = self._notice, self._held
            if notice:
                self._held = []
        for waiting, _ in held if notice else ():
            waiting.finish(notice, failed=True)
        return notice

    def answered(self) -> None:
        """The engine answers: what failed before has failed by itself."""
        with self._lock:
            held, self._held, self._notice = self._held, [], ""
        for task, result in held:
            task.finish(result, failed=True)

    def nothing_left(self) -> None:
        """There is nobody else to compare with. What was said of the engine stands until it is asked again."""
        with self._lock:
            held, self._held = self._held, []
        for task, result in held:
            task.finish(result, failed=True)

    def begin(self) -> None:
        """Ask anew, whatever was said of the engine."""
        with self._lock:
            self._notice = ""

    def abandon(self) -> None:
        """Somebody stopped: no verdict will come."""
        with self._lock:
            held, self._held = self._held, []
        for task, _ in held:
            task.abandon()
