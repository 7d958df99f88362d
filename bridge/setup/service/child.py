"""What the keeper starts: the command itself, which ends when its keeper does, however that one died.

`python -m bridge.setup.service.child LOCK COMMAND …`. It holds LOCK while it lives, so that there is never a second one, and
reads standard input, which is a pipe: its end means that nobody keeps this process any more.
"""

from __future__ import annotations

import _thread
import os
import runpy
import signal
import sys
import threading

from filelock import FileLock, Timeout

#: How long the command may take to end cleanly, in seconds.
FAREWELL_S = 20.0
#: How long the process before may still need to end; longer than its farewell.
_PATIENCE_S = 30.0


def main(lock: str, *argv: str) -> None:
    """Run a command of `bridge` in this process."""
    threading.Thread(target=_end_with_the_keeper, daemon=True).start()
    try:
        held = FileLock(lock, mode=0o600)
        held.acquire(timeout=_PATIENCE_S)
    except Timeout:
        sys.exit(f"bridge: another process of this service still runs after {_PATIENCE_S:.0f} s")
    sys.argv = ["bridge", *argv]
    runpy.run_module("bridge", run_name="__main__")


def _end_with_the_keeper() -> None:
    while os.read(0, 1024):
        pass
    if sys.platform == "win32":
        _thread.interrupt_main(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(FAREWELL_S)
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
