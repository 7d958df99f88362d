"""What colab/setup_ollama.ipynb does, step by step: Drive, the package, Ollama, the queue. Its source stands in that notebook.

Standard library only until the package is installed. Every step can be run again. Drive is mounted from the notebook
itself, because only a kernel with a tab may ask for access; the worker runs as a process of its own beside it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.kernel.run import RunSettings

MOUNT = "/content/drive"
#: How deep below My Drive a queue is looked for: every folder is a request to Drive.
DEPTH = 3
#: How often Drive is mounted anew in one run.
REMOUNTS = 5


def look_for_gpu() -> bool:
    """Whether there is a GPU; says how to get one if not, unless OLLAMA_HOST names another machine, which needs none here."""
    host = os.environ.get("OLLAMA_HOST", "")
    if host and not re.search(r"(?:^|/|@)(?:localhost|127\.|0\.0\.0\.0|\[?::|:\d)", host):
        print(f"Ollama runs on another machine (OLLAMA_HOST is {host}): no GPU is needed here.")
        return True
    found = shutil.which("nvidia-smi") and subprocess.run(
        ["nvidia-smi", "-L"], capture_output=True, text=True, check=False
    )
    if found and found.returncode == 0 and found.stdout.strip():
        print(found.stdout.strip())
        return True
    print(
        "No NVIDIA GPU was found: Runtime > Change runtime type > T4 GPU > Save, then Run all again. Without one it is very slow."
    )
    return False


def mount_drive(*, again: bool = False) -> Path:
    """My Drive as a folder; asks for access. Elsewhere than in Colab: the current folder."""
    try:
        from google.colab import drive
    except ImportError:
        print("This is not Colab: the queue is looked for below the current folder.")
        return Path.cwd()
    drive.mount(MOUNT, force_remount=again)
    return Path(MOUNT, "MyDrive")


def find_queue(drive: Path, wanted: str) -> Path:
    """The queue's notebook: the one asked for, or the only one that there is.

    Raises:
        FileNotFoundError: none, or several; says what to do.
    """
    if wanted.strip():
        path = drive / wanted.strip()
        if not is_queue(path):
            raise FileNotFoundError(f"{path} is not the notebook of a queue: look at queue_file in the settings above")
        return path
    found = [path for path in _below(drive, DEPTH) if is_queue(path)]
    if len(found) != 1:
        listed = "".join(f"\n  {path.relative_to(drive)}" for path in found)
        raise FileNotFoundError(
            f"there are several queues; say which one as queue_file in the settings above:{listed}"
            if found
            else f"there is no qwen_bridge.ipynb at most {DEPTH} folders below {drive}: make one with `bridge init` in a "
            "folder that Drive syncs, wait for the sync, or say where it is as queue_file in the settings above"
        )
    print(f"Queue: {found[0]}")
    return found[0]


def is_queue(path: Path) -> bool:
    """Whether a file is the notebook of a queue."""
    try:
        return bool(json.loads(path.read_bytes())["metadata"]["bridge"]["queue_id"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    yield from (Path(entry.path) for entry in entries if entry.name == "qwen_bridge.ipynb")
    for entry in entries if depth else ():
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _below(Path(entry.path), depth - 1)


def install_package(folder: Path, *, wheel: str, sha256: str) -> None:
    """Install Qwen Bridge from the copy that `bridge init` put beside the queue, if it is the very one that this notebook names.

    A copy of its bytes is installed, so that nobody changes the file in between. What it needs comes from the package index.

    Raises:
        RuntimeError: there is no copy, it is another one, or pip failed; with its last lines.
    """
    if not sha256:
        raise RuntimeError(
            "this copy of the notebook belongs to no queue: open the setup_ollama.ipynb that `bridge init` wrote beside yours"
        )
    try:
        data = (folder / wheel).read_bytes()
    except OSError as error:
        raise RuntimeError(
            f"{folder / wheel} cannot be read ({error.strerror}): wait for the sync, or `bridge refresh` on your own machine writes it"
        ) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RuntimeError(
            f"{folder / wheel} is not the file that this notebook was made for: somebody changed one of the two, or a sync is "
            "under way. It was not installed; `bridge refresh` on your own machine writes both anew"
        )
    with tempfile.TemporaryDirectory() as own:
        copy = Path(own, wheel)
        copy.write_bytes(data)
        _install(str(copy))
    print(f"Installed {wheel}.")


def _install(what: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", what]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError("installing Qwen Bridge failed:\n" + "\n".join(done.stdout.strip().splitlines()[-8:]))
    importlib.invalidate_caches()


def set_up_ollama(model: str, *, lanes: int, context: int, max_tokens: int) -> tuple[RunSettings, Callable[[], None]]:
    """What the worker is to use, and what starts Ollama again when it has died.

    Raises:
        SetupError: a step failed; says which.
    """
    from bridge.kernel.run import RunSettings
    from bridge.kernel.server import reviver
    from bridge.kernel.setup import prepare

    wanted = RunSettings(model=model, lanes=lanes, num_ctx=context, max_tokens=max_tokens)
    settings, server = prepare(wanted, show=lambda line: print(line, end="\r"))
    return settings, reviver(server)


def work(queue: Path, settings: RunSettings, revive: Callable[[], None], *, max_time: str, look_s: float = 15.0) -> int:
    """Answer the queue until it is empty or the time is up; the exit status of `bridge work`. Says what to do next.

    Every `look_s` seconds it sees to it that Drive is still mounted and Ollama still runs. Interrupting it is clean.
    """
    command = [
        sys.executable, "-m", "bridge", "work", "--queue", str(queue), "--model", settings.model,
        "--parallel", str(settings.lanes), "--context", str(settings.num_ctx), "--max-tokens", str(settings.max_tokens),
        "--max-time", max_time, "--wait-for-engine",
    ]  # fmt: skip
    from bridge.kernel.queue_key import queue_key
    from bridge.kernel.signing import KEY_NAME

    key = queue_key()
    environ = {
        **os.environ,
        **({"OLLAMA_HOST": settings.host} if settings.host else {}),
        **({KEY_NAME: key} if key else {}),
    }
    left = REMOUNTS

    def look() -> bool:
        nonlocal left
        revive()
        if not left or not _gone(queue.parent):
            return False
        left -= 1
        print("Drive is gone; mounting it again. Answers are safe on this machine meanwhile.")
        try:
            mount_drive(again=True)
        except Exception as error:  # noqa: BLE001  # whatever Colab's private parts raise, the worker goes on
            print(f"That failed ({error}); trying again in a while.")
        return not _gone(queue.parent)

    while True:
        code = watched(command, environ, look, look_s)
        if code != 3 or not look():  # 3: the outside world failed; with Drive back, what is left is published
            break
    print(AFTER.get(code, AFTER[3]))
    return code


#: What to do next, by the exit status of `bridge work`.
AFTER = {
    0: "Done. Give Drive a minute to upload, then disconnect (Runtime > Disconnect and delete runtime). On your own machine "
    "`bridge status` shows the answers as soon as they are synced; `bridge show ID` prints one.",
    1: "Done, but some prompts failed: `bridge list --state failed` on your own machine says why, `bridge retry ID` puts one "
    "back. Give Drive a minute to upload before you disconnect.",
    3: "Stopped before the end: the lines above say why. Run this cell again; what was answered is safe on this machine "
    "and is published then.",
    130: "Stopped, and what was under way is back in the queue. Run this cell again for the rest. Give Drive a minute to upload "
    "before you disconnect.",
}


def _gone(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return True


def watched(command: list[str], environ: dict[str, str], look: Callable[[], bool], look_s: float) -> int:
    """Run a command, print what it prints, and `look` every `look_s` seconds; its exit status. An interrupt is passed on."""
    process = subprocess.Popen(  # noqa: S603  # `bridge work` with values from the form, no shell
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True,
    )  # fmt: skip
    lines: SimpleQueue[str | None] = SimpleQueue()

    def read() -> None:
        assert process.stdout is not None  # it is a pipe
        with process.stdout as output:
            for line in output:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            try:
                line = lines.get(timeout=look_s)
            except Empty:
                look()
                continue
            if line is None:
                return process.wait()
            print(line, end="")
        except KeyboardInterrupt:
            print("Stopping; what is under way goes back into the queue.")
            process.send_signal(signal.SIGINT)
