"""Notebook bytes: read and written with orjson, and with the standard library where orjson is too strict.

nbformat is not used here: reading and writing 1,000 cells costs it about 240 ms, this 25 ms (see docs/benchmarks.md).
Promises: what is written reads back equal (a whole number beyond 64 bits, which orjson cannot hold, as a float); bytes that
are no JSON raise ValueError, never give half a notebook. What Python could not handle (nested beyond limits.DEPTH, Infinity,
NaN, a number of 400 digits) is carried along as an `UnreadJson` and written as it came, so it spoils nothing around it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import orjson

from bridge.format import limits

_CELL_INDENT = b"\n    "


#: Levels of a notebook file around a cell.
_AROUND = 2
#: Group 1: a text that the file ends in. Without it, each quote behind would be tried in turn, each as far as the end.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|(\\?\Z))|[\[\]{}]|NaN|-?Infinity', re.DOTALL)
_BLANK = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|\s+', re.DOTALL)


@dataclass(frozen=True)
class UnreadJson:
    """A JSON value that was not decoded, as bytes without white space."""

    data: bytes


def loads(data: bytes) -> Any:
    """The value that JSON bytes hold, a notebook or a part of one. Raises ValueError."""
    return _loads(data, 0)


def load_cell(data: bytes) -> Any:
    """The value of a cell's bytes: what `loads` gives for it in its notebook. Raises ValueError."""
    return _loads(data, _AROUND)


def _loads(data: bytes, around: int) -> Any:
    try:
        value = orjson.loads(data)
        orjson.dumps(_wrapped(value, around))  # nested deeper than it can write: then neither could anybody else
    except (orjson.JSONDecodeError, TypeError):
        return _loads_around(data, limits.DEPTH + _AROUND - around)
    return value


def _wrapped(value: object, levels: int) -> object:
    return [[value]] if levels else value


def _loads_around(data: bytes, depth: int) -> Any:
    """The value, with `UnreadJson` in place of what is nested deeper or is no number that JSON knows."""
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    unread: list[bytes] = []
    pieces: list[bytes] = []
    open_ = bytearray()
    written = begin = 0
    for token in _TOKEN.finditer(data):
        if token[1] is not None:
            raise ValueError("it ends within a text")
        kind = data[token.start()]
        if kind in b"[{":
            open_.append(kind + 2)  # what closes it, in ASCII
            if len(open_) == depth + 1:
                begin = token.start()
        elif kind in b"]}":
            if not open_ or open_.pop() != kind:
                raise ValueError(f"brackets do not match at byte {token.start() + 1}")
            if len(open_) == depth:
                pieces += [data[written:begin], b"NaN"]
                unread.append(_BLANK.sub(rb"\1", data[begin : token.end()]))
                written = token.end()
        elif kind in b"NI-" and len(open_) <= depth:
            unread.append(token[0])
    if open_:
        raise ValueError("it ends before its brackets do")
    pieces.append(data[written:])
    left = iter(unread)
    return json.loads(
        b"".join(pieces).decode(),
        parse_constant=lambda _: UnreadJson(next(left)),
        parse_int=lambda text: int(text) if len(text) < 19 else _number(text),
        parse_float=_number,
    )


def _number(text: str) -> object:
    """As orjson reads it: whole if 64 bits hold it, else a float; left unread if no float holds it either."""
    if text.lstrip("-").isdigit() and len(text) < 25 and -(2**63) <= int(text) < 2**64:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else UnreadJson(text.encode())


def dumps(value: object, *, indent: bool = False) -> bytes:
    """A value as JSON bytes, keys as they come; a lone surrogate is written as an escape."""
    try:
        return orjson.dumps(value, _as_it_came, option=orjson.OPT_INDENT_2 if indent else 0)
    except (TypeError, orjson.JSONEncodeError):  # lone surrogates, whole numbers beyond 64 bits
        return _plain_dumps(value, indent=2 if indent else None, separators=None if indent else (",", ":"))


def canonical(value: object) -> bytes:
    """JSON bytes that are equal exactly when the values are: compact, keys sorted."""
    try:
        return orjson.dumps(value, _as_it_came, option=orjson.OPT_SORT_KEYS)
    except (TypeError, orjson.JSONEncodeError):
        return _plain_dumps(value, sort_keys=True, separators=(",", ":"))


def _as_it_came(value: object) -> orjson.Fragment:
    if isinstance(value, UnreadJson):
        return orjson.Fragment(value.data)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _plain_dumps(value: object, **layout: Any) -> bytes:
    """With the standard library, which has no fragments: each is a number of its own first, and put in afterwards."""
    unread: list[bytes] = []

    def hold(left: object) -> str:
        if not isinstance(left, UnreadJson):
            raise TypeError(f"{type(left).__name__} is no JSON")
        unread.append(left.data)
        return _PLACE

    text = json.dumps(value, default=hold, **layout).encode()
    if not unread:
        return text
    pieces = text.split(json.dumps(_PLACE).encode())
    return b"".join(piece + held for piece, held in zip(pieces, [*unread, b""], strict=True))


#: Stands for what was left unread while a value is written; a private character, and no text of ours.
_PLACE = "\uf8ff left unread \uf8ff"


def by_name(values: Mapping[str, object]) -> dict[str, object]:
    """An object with its names sorted, as Jupyter's programs write all of theirs: then a save there moves no line."""
    return dict(sorted(values.items()))


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
