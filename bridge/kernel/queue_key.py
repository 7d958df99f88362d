"""Where a kernel has the queue's key from: a Colab secret, or the environment. It never stands in a notebook."""

from __future__ import annotations

import os
import sys

from .signing import KEY, KEY_NAME


def queue_key() -> str | None:
    """The key that this kernel was given: by a Colab secret, else by the environment; None if it has none, or what is there is no key.

    To be called from the main thread: Colab asks the tab for it, and the tab may ask the person.
    """
    found = os.environ.get(KEY_NAME) or _colab_secret() or ""
    return found.strip() if KEY.fullmatch(found.strip()) else None


def _colab_secret() -> str | None:
    if "google.colab" not in sys.modules:
        return None  # Colab's kernel has imported it; importing it elsewhere may mean anything
    try:
        from google.colab import userdata

        return str(userdata.get(KEY_NAME))
    except Exception:  # noqa: BLE001  # no such secret, no leave to read it, no tab: each has an error of its own
        return None
