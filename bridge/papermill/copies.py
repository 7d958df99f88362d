"""Which queue a papermill run works on: the one at the output path, or a copy of the input under a queue_id of its own."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.errors import NotAQueue
from bridge.papermill.needed import papermill

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from bridge.core.events import Event
    from bridge.wiring import Opened


@contextmanager
def opened_queue(nb: NotebookNode, input_path: object, output_path: object) -> Iterator[Opened]:
    """The queue at the output path if that is the input's, else a copy of the input there (or nowhere, if that is no file)."""
    from bridge import wiring

    source, target = _local(input_path), _local(output_path)
    with tempfile.TemporaryDirectory(prefix="qwen-bridge-") as folder:
        if source and target and target.exists() and source.samefile(target):
            _check_first(source)
            path, state = source, None
        else:
            path, state = target or Path(folder, "queue.ipynb"), Path(folder, "state")
            path.write_bytes(_copy(nb))
        heartbeats = path.parent / "workers"
        were_there = heartbeats.exists()
        opened = wiring.open_queue(str(path), listener=_tell, state=state)
        try:
            yield opened
        finally:
            opened.close()
            if not were_there:
                with suppress(OSError):
                    heartbeats.rmdir()  # only if it is empty


def _tell(event: Event) -> None:
    papermill("log").logger.info(event.message)


def _local(path: object) -> Path | None:
    """A path as papermill means it, absolute; None for what is no file of this machine."""
    if not isinstance(path, str) or not path or path == "-" or "://" in path:
        return None
    # `papermill --cwd` changes the folder for the cells, but not for the two notebooks.
    handler = papermill("iorw").papermill_io.get_handler("local")
    return Path(getattr(handler, "_cwd", None) or os.curdir, path).absolute()


def _check_first(path: Path) -> None:
    from bridge.format import codec, json_bytes

    if codec.read_part(json_bytes.loads(path.read_bytes()), name=path.name).number != 1:
        raise NotAQueue(f"{path.name} is a further part of a queue: give the path of its first notebook")


def _copy(nb: NotebookNode) -> bytes:
    """The input under a queue_id of its own, so that nobody takes the copy for a second version of the queue."""
    from bridge.format import codec, template

    written = codec.write_part(codec.read_part(json.loads(json.dumps(nb)), name="the notebook"))
    written["metadata"]["bridge"] |= {"queue_id": str(uuid.uuid4()), "part": 1}
    return template.notebook_bytes(written)
