"""How a notebook file is laid out, so that it is written as the program does that somebody opens it with. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OURS = b"  "
_START = re.compile(rb'\{(\r?\n([ \t]{0,8}))?"')
_INDENT = re.compile(rb"\n( +)")
_BETWEEN = re.compile(rb"(,)?\n *")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The white space of a file. Default: as `json_bytes.join_notebook` writes it."""

    indent: str | None = "  "  #: of one level; None: all on one line
    final_newline: bool = True

    def of_ours(self, data: bytes) -> bytes:
        """A file in our layout, in this one. No text in JSON holds a line end, so white space is all that changes."""
        if self.indent is None:
            data = _BETWEEN.sub(lambda found: b", " if found[1] else b"", data) + b"\n"
        elif (indent := self.indent.encode()) != _OURS:
            data = _INDENT.sub(lambda found: b"\n" + indent * (len(found[1]) // 2), data)
        return data if self.final_newline else data.rstrip(b"\n")


def layout_of(data: bytes) -> Layout:
    """How a file is laid out, as far as its first line and its end say it; ours, if it begins like no notebook."""
    begins = _START.match(data)
    if begins is None:
        return Layout()
    return Layout(
        indent=begins[2].decode() if begins[1] is not None else None, final_newline=data.endswith((b"\n", b"\r"))
    )
