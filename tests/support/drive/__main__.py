"""The stand-in as a process: `python -m tests.support.drive --port-file FILE [--seed N] [--faults RATE] [--state FILE]`.

Prints its URL and writes its port to FILE; runs until SIGTERM or SIGINT, then writes its state.
"""

from __future__ import annotations

import argparse
import pickle
import signal
import sys
import threading
from pathlib import Path

from tests.support.drive.standin import StandIn


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.drive")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, help="gets the port once the server listens")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=float, default=0.0, help="share of requests that suffer one, 0 to 1")
    parser.add_argument("--state", type=Path, help="read at the start if it is there, written at the end")
    parser.add_argument("--service-storage", action="store_true", help="service accounts may own content")
    options = parser.parse_args()
    drive = StandIn(
        seed=options.seed, fault_rate=options.faults, service_storage=options.service_storage, port=options.port
    )
    if options.state and options.state.exists():
        files, oauth = pickle.loads(options.state.read_bytes())
        drive.files.restore(files)
        drive.oauth.restore(oauth)
    over = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: over.set())
    drive.start()
    if options.port_file:
        new = options.port_file.with_suffix(".new")
        new.write_text(f"{drive.port}\n")
        new.replace(options.port_file)
    print(drive.url, flush=True)  # whoever started it reads this
    over.wait()
    drive.stop()
    if options.state:
        options.state.write_bytes(pickle.dumps((drive.files.state(), drive.oauth.state())))
    for violation in drive.violations:
        print(violation, file=sys.stderr)
    return 1 if drive.violations else 0


if __name__ == "__main__":
    sys.exit(main())
