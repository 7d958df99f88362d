"""Notebook bytes: read and written with orjson, and with the standard library where orjson is too strict.

nbformat is not used here: reading and writing 1,000 cells costs it about 240 ms, this 25 ms (see docs/benchmarks.md).
Promises: what is written reads back equal (a whole number beyond 64 bits, which orjson cannot hold, as a float); bytes that
are no JSON raise ValueError, never give half a notebook.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

import orjson

_CELL_INDENT = b"\n    "


def loads(data: bytes) -> Any:
    """The value that JSON bytes hold. Lone surrogates, which orjson refuses, are read too. Raises ValueError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data.decode("utf-8-sig"))


def dumps(value: object, *, indent: bool = False) -> bytes:
    """A value as JSON bytes, keys as they come; a lone surrogate is written as an escape."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0)
    except (TypeError, orjson.JSONEncodeError):  # lone surrogates, whole numbers beyond 64 bits
        return json.dumps(value, indent=2 if indent else None, separators=None if indent else (",", ":")).encode()


def canonical(value: object) -> bytes:
    """JSON bytes that are equal exactly when the values are: compact, keys sorted."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def dump_cell(raw: Mapping[str, object]) -> bytes:
    """One cell as it stands inside a notebook, indented for its place there.

    JSON strings hold no raw line ends, so indenting is a plain replacement.
    """
    return dumps(raw, indent=True).replace(b"\n", _CELL_INDENT)


def join_notebook(cells: Iterable[bytes], metadata: Mapping[str, object]) -> bytes:
    """A whole nbformat 4.5 notebook from cells that `dump_cell` made; no cell is parsed or encoded again."""
    meta = dumps(metadata, indent=True).replace(b"\n", b"\n  ")
    head, tail = b'{\n  "cells": [', b'],\n  "metadata": ' + meta + b',\n  "nbformat": 4,\n  "nbformat_minor": 5\n}\n'
    pieces = list(cells)
    if not pieces:
        return head + tail
    pieces[0] = head + b"\n    " + pieces[0]
    pieces[-1] += b"\n  " + tail
    return b",\n    ".join(pieces)  # the whole file is copied once


def join_lines(text: object) -> str:
    """Notebook text, which is a string or a list of lines, as one string."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        try:
            return "".join(text)
        except TypeError:
            return "".join(line for line in text if isinstance(line, str))
    return ""


def split_lines(text: str) -> list[str]:
    """The list of lines that editors write for a text, cut at line feeds only; `join_lines` gives the text back.

    Unicode's other line ends stay inside a line: VS Code ends every item but the last with a line feed, which would be new text.
    """
    return StringIO(text, newline="\n").readlines()
