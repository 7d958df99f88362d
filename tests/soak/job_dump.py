"""What one machine knows of every job: `python -m tests.soak.job_dump QUEUE` prints it as one JSON object."""

from __future__ import annotations

import json
import sys

from bridge import Bridge


def main() -> int:
    with Bridge(sys.argv[1]) as bridge:
        views = bridge.views([line.id for line in bridge.jobs()])
        json.dump({view.id: view.to_json() for view in views}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
