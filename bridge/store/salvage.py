"""Notebooks that are only half there, made whole again with the cells that are left: for `bridge rebuild --salvage`."""

from __future__ import annotations

from pathlib import Path

from bridge.core import files
from bridge.core.errors import NotAQueue, QueueNotWritable
from bridge.format import file_names, json_bytes, salvage
from bridge.format.file_names import FileNames


def salvage_notebooks(path: Path, known: str | None) -> dict[str, int]:
    """{file name: whole cells} of the notebooks of the queue at a path that are no JSON. Each moves to `damaged/`.

    Args:
        path: of its first notebook.
        known: the queue_id that this machine saw there.

    Raises:
        NotAQueue: none of its cells is whole, or nobody knows whose it is.
        QueueNotWritable: the folder refuses.
    """
    names = FileNames(stem=path.name.removesuffix(".ipynb"))
    parts = {file: names.number(file.name) for file in sorted(path.parent.glob("*.ipynb")) if file.is_file()}
    contents = {file: file.read_bytes() for file, number in parts.items() if number is not None}
    queue_id = known or next((found for data in contents.values() if (found := salvage.said_queue_id(data))), None)
    done = {}
    for file, data in contents.items():
        if _is_whole(data):
            continue
        if queue_id is None:
            raise NotAQueue(
                f"{file} is cut, and neither it nor a notebook beside it says of which queue it is: nothing was changed"
            )
        made, count = salvage.salvaged(data, queue_id=queue_id, part=parts[file] or 1)
        if not count:
            raise NotAQueue(f"{file} has no whole cell: nothing was changed")
        _put(file, data, made)
        done[file.name] = count
    return done


def _is_whole(data: bytes) -> bool:
    try:
        json_bytes.loads(data)
    except ValueError:
        return False
    return True


def _put(file: Path, data: bytes, made: bytes) -> None:
    aside = file.parent / file_names.DAMAGED
    try:
        aside.mkdir(exist_ok=True)
        names = (aside / (file.name if n == 1 else f"{n}-{file.name}") for n in range(1, 10_000))
        files.write_synced(next(name for name in names if not name.exists()), data)
        files.write_atomically(file, made)
    except OSError as error:
        raise QueueNotWritable(f"cannot write {file}: {error.strerror}") from error
