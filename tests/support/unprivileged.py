"""Run something as a user who is not root, to whom permissions apply. POSIX only."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any

NOBODY = 65534


def as_nobody(act: Callable[[], Any]) -> Any:
    """What `act` gives or raises in a forked child that has given up root; in this process if it is not root anyway."""
    if os.geteuid() != 0:
        return act()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            answer = (True, act())
        except BaseException as error:  # noqa: BLE001  # the parent raises it
            answer = (False, f"{type(error).__name__}: {error}")
        os.write(writer, pickle.dumps(answer))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    done, value = pickle.loads(data)
    if not done:
        raise ChildFailed(value)
    return value


class ChildFailed(Exception):
    """What the child raised, as text."""
