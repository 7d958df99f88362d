"""How this package was installed, so that a hint to install more of it works."""

from __future__ import annotations

import json
import shlex

NAME = "qwen-bridge"


def install_command(extra: str) -> str:
    """The command that installs an extra from where the package itself came: a checkout, an archive, a repository, an index.

    Source: https://packaging.python.org/en/latest/specifications/direct-url/.
    """
    from importlib import metadata  # what starts fast does not need it
    from urllib.parse import unquote, urlsplit

    try:
        text = metadata.distribution(NAME).read_text("direct_url.json")
        origin = json.loads(text) if text else {}
    except (metadata.PackageNotFoundError, OSError, ValueError):
        origin = {}
    url = origin.get("url", "") if isinstance(origin, dict) else ""
    wanted = f"{NAME}[{extra}]"
    if not url:
        return f"pip install {shlex.quote(wanted)}"
    if not url.startswith("file:"):
        made_by = origin.get("vcs_info", {}).get("vcs")
        return "pip install " + shlex.quote(f"{wanted} @ {made_by}+{url}" if made_by else f"{wanted} @ {url}")
    path = unquote(urlsplit(url).path)
    flag = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return f"pip install {flag}{shlex.quote(f'{path}[{extra}]')}"
