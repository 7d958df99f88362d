"""A queue on disk: a new one with all that goes beside it, and an older one brought up to this version."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from bridge import wiring
from bridge.core.errors import QueueExists, QueueNotWritable
from bridge.core.events import Listener, ignore
from bridge.format import json_bytes, template
from bridge.setup import wheel
from bridge.store import queue_keys, refresh
from bridge.transports.mount import Mount, mount_of

SETUP_NAME = "setup_ollama.ipynb"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was made."""

    queue_id: str
    queue: Path
    files: list[Path]
    mount: Mount  #: what holds the queue's folder


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
    wanted = {path: template.notebook_bytes(template.queue_notebook(queue_id, examples=examples)), **_beside(path)}
    if config:
        shown = path.relative_to(cwd).as_posix() if path.is_relative_to(cwd) else str(path)
        wanted[settings] = (
            f"# Where `bridge` finds its queue.\nqueue = {json.dumps(shown, ensure_ascii=False)}\n".encode()
        )
    for file in (path, *([settings] if config else [])):
        if file.exists():
            hint = "--no-config leaves it alone" if file == settings else "give another DIR"
            raise QueueExists(f"{file} is there already and is not overwritten: {hint}")
    written = [file for file, data in wanted.items() if not file.exists() and _write(file, data)]
    opened = wiring.open_queue(str(path))
    queue_keys.add(opened.home, queue_keys.new_key())
    opened.store.publish()  # takes the first cells in, so that a later deletion of one is understood
    opened.close()
    return Made(queue_id=queue_id, queue=path, files=written, mount=mount_of(path.parent))


def refresh_queue(queue: str | None, *, listener: Listener = ignore) -> list[Path]:
    """Bring runtime and setup cells of every part, and what lies beside the queue, up to this version; gives what changed.

    A person's notes and what was chosen in a form stay. Older copies of the package are left where they are.

    Raises:
        QueueError: as `open_queue` and publishing say.
        QueueNotWritable: a file beside the queue cannot be written.
    """
    opened = wiring.open_queue(queue, listener=listener)
    try:
        path = opened.file("`bridge refresh`")
        changed = [path.with_name(name) for name in refresh.refresh_notes(opened.store)]
    finally:
        opened.close()
    for file, data in _beside(path).items():
        if (not file.exists() or file.read_bytes() != data) and _write(file, data):
            changed.append(file)
    return changed


def _beside(queue: Path) -> dict[Path, bytes]:
    """{path: content} of what Colab needs beside a queue: the set-up notebook and the package itself."""
    notebook, package = queue.with_name(SETUP_NAME), wheel.build()
    pin = (wheel.NAME, hashlib.sha256(package).hexdigest())
    try:
        fresh = template.refreshed_setup(json_bytes.loads(notebook.read_bytes()), *pin)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # none there, or none that can be read
        fresh = template.setup_notebook(*pin)
    return {notebook: template.notebook_bytes(fresh), queue.with_name(wheel.NAME): package}


def _write(file: Path, data: bytes) -> bool:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)  # into the file: on a mounted Drive a new one would get a new id, and orphan an open tab
    except OSError as error:
        raise QueueNotWritable(f"cannot write {file}: {error.strerror}") from error
    return True
