"""What `from bridge import ...` gives."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import bridge
from bridge import AsyncBridge, Bridge, BridgeError, JobHandle


def test_every_name_that_is_promised_is_there_and_can_be_completed():
    assert all(getattr(bridge, name) is not None for name in bridge.__all__)
    assert set(bridge.__all__) <= set(dir(bridge))


def test_every_error_that_a_method_says_it_raises_can_be_imported():
    told: set[str] = set()
    for kind in (Bridge, AsyncBridge, JobHandle):
        for _, method in inspect.getmembers(kind, inspect.isfunction):
            text = (method.__doc__ or "").partition("Raise")[2]
            told |= {name for name in re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", text) if _is_error(name)}

    assert {"SecretFound", "WaitTimedOut", "JobFailed", "WrongState"} <= told
    assert told <= set(bridge.__all__)


def _is_error(name: str) -> bool:
    from bridge.core import errors

    return issubclass(getattr(errors, name, object), BridgeError)


def test_importing_the_package_and_its_errors_loads_no_queue():
    code = (
        "import sys, bridge; bridge.WaitTimedOut; bridge.__version__\n"
        "heavy = {'bridge.store', 'bridge.api', 'sqlite3', 'asyncio', 'orjson', 'click', 'rich', 'requests'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"
