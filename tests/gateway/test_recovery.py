"""What a kill -9 leaves of a gateway: all of it. The long forms: `python -m tests.gateway.recovery` and `tests.gateway.kills`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.kills import survive
from tests.gateway.recovery import recover


@pytest.mark.slow
def test_a_batch_goes_on_after_a_kill(tmp_path: Path) -> None:
    found = recover(tmp_path, lines=300, kill_at=90)
    assert (found.missing, found.doubled, found.wrong) == (0, 0, 0)


@pytest.mark.slow
def test_nothing_that_was_promised_is_lost_by_kills(tmp_path: Path) -> None:
    found = survive(tmp_path, kills=4, seed=7)
    assert (found.files_lost, found.files_torn, found.responses_lost, found.batches_lost) == (0, 0, 0, 0)
    assert found.promised > 0
