"""Where settings are looked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bridge.wiring import settings
from tests.support.unprivileged import as_nobody


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of folders work differently there")
def test_settings_in_a_folder_that_we_may_not_look_into_do_not_count(open_folder: Path) -> None:
    inner = open_folder / "closed" / "inner"
    inner.mkdir(parents=True)
    (open_folder / "bridge.toml").write_text('queue = "q.ipynb"\n')
    (open_folder / "closed").chmod(0o700)

    found = as_nobody(lambda: settings.find_queue(None, cwd=inner, environ={}).place)

    assert found == open_folder / "q.ipynb"
