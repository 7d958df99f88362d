"""Which compilers run here: one may be on the path and not work, as rustup's stand-in does without a toolchain."""

from __future__ import annotations

import shutil
import subprocess
from functools import lru_cache

#: Languages whose files nobody here can call clean without the compiler.
NEEDED = {"rust": "rustc"}


@lru_cache
def can_judge(language: str) -> bool:
    """Whether a file of this language can be called clean on this machine."""
    program = NEEDED.get(language)
    if program is None:
        return True
    found = shutil.which(program)
    return found is not None and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0
