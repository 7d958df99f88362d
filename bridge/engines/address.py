"""Whether an address is of this machine or its own network. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

#: Ends of names that no public server has (RFC 6761, 6762, 8375, and what routers at home use).
_OWN = (".localhost", ".local", ".lan", ".internal", ".home.arpa")


def is_public(url: str) -> bool:
    """Whether somebody else runs what answers there: no address and no name of one's own network. Of no URL: false."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return True
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_OWN)
