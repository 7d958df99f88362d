"""Two names of a folder exchanged in one step, where the system can: then what was replaced is still there to be looked at.

Linux: renameat2 with RENAME_EXCHANGE (man 2 renameat2); macOS: renameatx_np with RENAME_SWAP.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache

_SWAP = 2  # the same number in both systems


def exchange(fd: int, one: str, other: str) -> bool:
    """Give two files of a folder each other's names; False if the system or this file system cannot.

    Raises:
        FileNotFoundError: one of them is gone; nothing was changed.
    """
    call = _call()
    if call is None:
        return False
    if call(fd, os.fsencode(one), fd, os.fsencode(other), _SWAP) == 0:
        return True
    if ctypes.get_errno() == 2:
        raise FileNotFoundError(2, "no such file", one)
    return False


@lru_cache(maxsize=1)
def _call() -> ctypes._NamedFuncPointer | None:
    name = "renameat2" if sys.platform.startswith("linux") else "renameatx_np" if sys.platform == "darwin" else None
    try:
        call = getattr(ctypes.CDLL(None, use_errno=True), name) if name else None
    except (AttributeError, OSError, TypeError):
        return None
    if call is not None:
        call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return call
