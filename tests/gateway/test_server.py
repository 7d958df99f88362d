"""The address that `bridge serve` tells."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge.engines.scripted import ScriptedEngine
from bridge.gateway.server import ServePlan, serve


class Reached(Exception):
    """The address was there to be reached."""


def test_who_is_told_the_address_can_connect_at_once(tmp_path: Path) -> None:
    def connect(url: str) -> None:
        there = urlsplit(url)
        socket.create_connection((there.hostname, there.port), timeout=30).close()
        raise Reached

    with pytest.raises(Reached):
        serve(
            ScriptedEngine(),
            ServePlan(port=0),
            on_ready=connect,
            on_request=lambda _line: None,
            queue=None,
            home=tmp_path,
        )
