"""Where Ollama is: what OLLAMA_HOST means. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

DEFAULT_HOST = "127.0.0.1:11434"


def ollama_url(host: str) -> str:
    """The URL that an OLLAMA_HOST value stands for; scheme, host and port may each be missing.

    Read as Ollama reads it (envconfig.Host): without a scheme the port is 11434, with one it is the scheme's, and a port that
    is none counts as missing. Its own URL is read as the same URL.
    """
    host = host.strip().strip("\"'").rstrip("/") or DEFAULT_HOST
    scheme, _, rest = host.rpartition("://")
    place, slash, path = rest.partition("/")
    place = place.rpartition("@")[2]
    name, colon, port = place.rpartition(":")
    if not colon or place.endswith("]") or (":" in name and not name.endswith("]")):
        name, port = place, ""  # no port: a name, or an IPv6 address with or without brackets
    default = {"http": "80", "https": "443"}.get(scheme, "11434")
    port = port if re.fullmatch(r"\d{1,5}", port) and int(port) <= 65535 else default
    name = name.strip("[]").lower()
    name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104  # "everywhere" is no place to call
    return f"{scheme or 'http'}://{f'[{name}]' if ':' in name else name}:{port}{slash}{path}"


def is_here(url: str) -> bool:
    """Whether a URL leads to this machine, by its host alone."""
    name = urlsplit(url).hostname or ""
    return bool(re.fullmatch(r"localhost|127(\.\d+){3}|::1|0\.0\.0\.0", name))
