"""The answers of a batch with `metadata.check`: each is checked, without asking the model again. Blocking."""

from __future__ import annotations

import threading
from itertools import islice

from filelock import FileLock, Timeout

from bridge import wiring
from bridge.api.bridge import Bridge
from bridge.core.events import ignore
from bridge.core.states import State
from bridge.delivery.review import Reviewer
from bridge.gateway import batch_lines
from bridge.protocols.openai_batch import ApiBatch

#: States of an answer that nobody has checked.
UNCHECKED = (State.SUCCEEDED, State.TRUNCATED)
#: Answers that are checked in one step: between two, the batch may be cancelled.
_AT_ONCE = 50


class BatchReview:
    """Checks the answers of batches, unless a `bridge watch` does so already."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._one_at_a_time = threading.Lock()
        self._reviewer: Reviewer | None = None

    def step(self, batch: ApiBatch) -> bool:
        """Check some of a batch's answers; gives whether any was."""
        lines = self._bridge.jobs(state=UNCHECKED, caller=batch_lines.caller_of(batch))
        due = [line.id for line in islice((line for line in lines if line.parent is None), _AT_ONCE)]
        if not due:
            return False
        with self._one_at_a_time:
            try:
                with FileLock(wiring.review_lock(self._bridge.opened), timeout=0):
                    return bool(self._open().settle(due))
            except Timeout:  # a watcher does it, under its own rules
                return False

    def _open(self) -> Reviewer:
        if self._reviewer is None:
            bridge, rules = self._bridge, wiring.Rules(max_rounds=0)
            self._reviewer = wiring.open_reviewer(bridge.opened, bridge.toolchain(), rules, ignore)
        return self._reviewer
