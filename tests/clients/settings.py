"""How docs/gateway.md says to point a client at the gateway: `make clients` does what is written there, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "gateway.md"
#: The address on the page.
ADDRESS = "http://localhost:11452"
#: The model on the page.
MODEL = "qwen2.5-coder:14b"
_BLOCK = re.compile(r"(?:In `(?P<file>[^`\n]+)`:\n+)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """What a section of the page says."""

    files: dict[str, str]  #: {path, from the project's folder or with `~/` from home: what it holds}
    command: str  #: for a shell

    def with_files(self, more: Mapping[str, str]) -> ClientSettings:
        """The same with more text at the end of its files."""
        names = {**self.files, **more}
        return replace(
            self, files={name: "\n".join(filter(None, (self.files.get(name), more.get(name)))) for name in names}
        )


def client_settings(name: str, page: str | None = None) -> ClientSettings:
    """Those of a client by its heading. Raises KeyError: the page has none."""
    text = PAGE.read_text("utf-8") if page is None else page
    section = re.search(rf"^### {re.escape(name)}\n(.*?)(?=^##)", text, re.DOTALL | re.MULTILINE)
    if section is None:
        raise KeyError(name)
    blocks = list(_BLOCK.finditer(section[1]))
    return ClientSettings(
        files={block["file"]: block["text"] for block in blocks if block["file"]},
        command="".join(block["text"] for block in blocks if block["kind"] == "sh"),
    )
