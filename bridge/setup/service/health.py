"""What a gateway says of itself, to whoever only wants to know whether it lives."""

from __future__ import annotations

import requests

_PATIENCE_S = 3.0


def health_of(url: str) -> str:
    """Its status, such as `ok`; empty: nobody answers there, or it is no gateway of ours."""
    try:
        told = requests.get(f"{url}/health", timeout=_PATIENCE_S).json()
    except (requests.RequestException, ValueError):
        return ""
    return str(told["status"]) if isinstance(told, dict) and {"status", "line", "engines"} <= told.keys() else ""
