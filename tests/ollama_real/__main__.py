"""`python -m tests.ollama_real`: build the pinned Ollama, if it is not there."""

from __future__ import annotations

import resource
import subprocess
import sys

from tests.ollama_real.build import PROGRAM, VERSION, build, why_not


def main() -> int:
    """Exit status 3 where it cannot be built; says why."""
    if PROGRAM.exists():
        print(f"Ollama {VERSION} is there: {PROGRAM}")
        return 0
    if reason := why_not():
        print(f"Ollama {VERSION} cannot be built: {reason}", file=sys.stderr)
        return 3
    print(f"Building Ollama {VERSION}: once, about six minutes of processor time …", flush=True)
    try:
        build()
    except subprocess.CalledProcessError:
        print(f"Ollama {VERSION} could not be built: the lines above say why", file=sys.stderr)
        return 3
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"Ollama {VERSION}: {PROGRAM}, {spent.ru_utime + spent.ru_stime:.0f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
