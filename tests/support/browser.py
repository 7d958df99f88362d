"""Chromium without a window: what a page becomes in it, and how it looks. Pages are files or come from loopback only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

#: Names under which distributions install it, best first.
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars",
    # No name is ever looked up: what is not a file or on loopback fails.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


def find() -> str | None:
    """The program; None if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def needed() -> str:
    """The program; skips the test if there is none, and fails it where one was promised (`BRIDGE_NEEDS_BROWSER=1`)."""
    path = find()
    if path is None:
        reason = "no chromium on this machine: `make browser` installs it where there is apt-get and root"
        if os.environ.get("BRIDGE_NEEDS_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def dump_dom(page: Path, *, width: int = 1000, budget_ms: int = 3_000) -> str:
    """The document as it stands when everything on the page has run for so long of its own, virtual time."""
    return _run(page, "--dump-dom", f"--window-size={width},900", f"--virtual-time-budget={budget_ms}").stdout


def screenshot(html_path: Path, png_path: Path, width: int, height: int, *, dark: bool = False) -> None:
    """The page in a window of this size as a PNG; `dark`: for a reader who prefers that."""
    scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
    _run(
        html_path, f"--screenshot={png_path}", f"--window-size={width},{height}", "--virtual-time-budget=2000", *scheme
    )
    assert png_path.is_file(), "chromium wrote no picture"


def _run(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            [needed(), *FLAGS, f"--user-data-dir={profile}", *flags, page.absolute().as_uri()],
            capture_output=True, text=True, encoding="utf-8", check=False, timeout=100,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return done
