"""A new queue on disk: the notebooks and `bridge.toml`."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from bridge import wiring
from bridge.errors import QueueExists, QueueNotWritable
from bridge.notebook import template

SETUP_NAME = "setup_ollama.ipynb"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made."""

    queue_id: str
    queue: Path
    files: list[Path]


def create_queue(cwd: Path, queue: str, *, examples: bool, config: bool) -> Made:
    """Make a queue at a path, relative to `cwd`.

    Raises:
        QueueExists: a file is in the way; nothing was written.
        QueueNotWritable: the folder cannot be written.
    """
    path = cwd / Path(queue).expanduser()
    if path.suffix != ".ipynb":
        path /= "qwen_bridge.ipynb"
    settings = cwd / "bridge.toml"
    queue_id = str(uuid.uuid4())
    wanted = {
        path: template.notebook_bytes(template.queue_notebook(queue_id, examples=examples)),
        path.with_name(SETUP_NAME): template.notebook_bytes(template.setup_notebook()),
    }
    if config:
        shown = path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else str(path)
        wanted[settings] = (
            f"# Where `bridge` finds its queue.\nqueue = {json.dumps(shown, ensure_ascii=False)}\n".encode()
        )
    for file in wanted:
        if file.exists() and file.name != SETUP_NAME:
            hint = "--no-config leaves it alone" if file == settings else "give another DIR"
            raise QueueExists(f"{file} is there already and is not overwritten: {hint}")
    written = []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, data in wanted.items():
            if not file.exists():
                file.write_bytes(data)
                written.append(file)
    except OSError as error:
        raise QueueNotWritable(f"cannot write below {path.parent}: {error.strerror}") from error
    opened = wiring.open_queue(str(path))
    opened.store.publish()  # takes the first cells in, so that a later deletion of one is understood
    opened.store.journal.close()
    return Made(queue_id=queue_id, queue=path, files=written)
