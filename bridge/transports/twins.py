"""Further parts that lie in a folder under another name only, because a client saw two files of one title.

Such a file is shown, read and written by the part's own name as long as there is none. It is never renamed: many clients take
that for a deletion, and the part would be gone for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bridge.transports.base import Entry
from bridge.transports.conflict_copies import is_further_part, twin_of


def by_part(entries: Iterable[Entry]) -> list[Entry]:
    """The entries of a folder; of a part that is not among them the first twin has the part's name."""
    found = {entry.name: entry for entry in entries}
    for name in sorted(found, key=_order):
        part = twin_of(name)
        if part is not None and part not in found:
            found[part] = replace(found.pop(name), name=part)
    return list(found.values())


def path_of(folder: Path, name: str) -> Path:
    """Where the file of a name lies: of a part that is not there the first twin. Raises OSError."""
    path = folder / name
    if not is_further_part(name) or path.is_symlink() or path.exists():
        return path
    stem = path.name.removesuffix(".ipynb")
    twins = [file.name for file in path.parent.glob("*.ipynb") if file.name.startswith(stem) and file.is_file()]
    return min((path.with_name(twin) for twin in twins if twin_of(twin) == path.name), key=_order, default=path)


def _order(name: str | Path) -> tuple[int, str]:
    return len(str(name)), str(name)
