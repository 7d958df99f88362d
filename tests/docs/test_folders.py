"""The page on synced folders says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.transports import sync_clients
from bridge.transports.sync_clients import FILE_SYSTEMS, FOLDERS

PAGE = (Path(__file__).parents[2] / "docs" / "folders.md").read_text(encoding="utf-8")
ROWS = [re.split(r" *\| *", line.strip("| ")) for line in PAGE.splitlines() if line.startswith("| ")]


def test_the_page_tells_of_every_client_how_it_is_written_and_whether_events_come() -> None:
    for client in (sync_clients.DISK, *FILE_SYSTEMS.values(), *FOLDERS):
        [row] = [cells for cells in ROWS if client.name in cells[0].split(", ") and len(cells) > 3]
        assert row[2:4] == ["in place" if client.in_place else "replace", "yes" if client.events else "no"], client.name


def test_the_page_names_every_file_system_and_the_flags_of_rclone() -> None:
    for kind, client in FILE_SYSTEMS.items():
        assert f"`{kind}`" in PAGE or client.name in PAGE, kind
    flags = re.findall(r"--[\w-]+ \w+", sync_clients.RCLONE.advice)
    assert len(flags) == 4
    assert all(flag in PAGE for flag in flags)
