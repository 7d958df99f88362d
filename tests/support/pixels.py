"""A PNG as pixels, with the standard library alone: 8 bits a channel, no interlacing, as Chromium writes (RFC 2083)."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from pathlib import Path

Colour = tuple[int, int, int]


def read(path: Path) -> tuple[int, int, list[bytes]]:
    """(width, height, rows of RGB)."""
    data, at = path.read_bytes(), 8
    packed = b""
    width = height = channels = 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", chunk)
            assert (depth, interlace) == (8, 0)
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            packed += chunk
    return width, height, _rows(zlib.decompress(packed), width * channels, channels)


def colours(rows: list[bytes]) -> Counter[Colour]:
    """How many pixels have each colour."""
    seen: Counter[Colour] = Counter()
    for row in rows:
        seen.update(zip(row[0::3], row[1::3], row[2::3], strict=True))
    return seen


def _rows(raw: bytes, length: int, channels: int) -> list[bytes]:
    rows, last = [], bytearray(length)
    for at in range(0, len(raw), length + 1):
        kind, row = raw[at], bytearray(raw[at + 1 : at + 1 + length])
        if kind == 1:
            for n in range(channels, length):
                row[n] = (row[n] + row[n - channels]) & 255
        elif kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, last, strict=True))
        elif kind == 3:
            for n in range(length):
                row[n] = (row[n] + ((row[n - channels] if n >= channels else 0) + last[n]) // 2) & 255
        elif kind == 4:
            for n in range(length):
                left, corner = (row[n - channels], last[n - channels]) if n >= channels else (0, 0)
                row[n] = (row[n] + _paeth(left, last[n], corner)) & 255
        rows.append(bytes(row) if channels == 3 else bytes(b for n, b in enumerate(row) if n % 4 != 3))
        last = row
    return rows


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    near = (abs(guess - left), abs(guess - above), abs(guess - corner))
    return left if near[0] <= near[1] and near[0] <= near[2] else above if near[1] <= near[2] else corner
