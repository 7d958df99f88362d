"""The body of an HTTP reply, read in pieces as they come, so that none can take more memory or time than it is given.

Replies are asked for uncompressed, and compressed ones are refused: what a few bytes unpack to has no bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import requests
import urllib3

#: One line of a stream, or one whole reply. The longest honest ones hold a whole answer, or the vectors of many texts.
LONGEST_BYTES = 32 << 20
#: The text of an error.
LONGEST_ERROR_BYTES = 64 << 10
_PIECE_BYTES = 64 << 10


class BodyTooLong(ValueError):
    """More came than a reply can honestly hold."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"more than {most_bytes} bytes without an end")


class BodyCompressed(ValueError):
    """The reply is compressed, though it was asked for as it is."""


def pieces(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, at most `_PIECE_BYTES` at a time.

    Raises:
        BodyCompressed
        urllib3.exceptions.HTTPError: the connection broke, or nothing came for too long.
    """
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise BodyCompressed
    while piece := response.raw.read1(_PIECE_BYTES, decode_content=False):
        yield piece


def lines(response: requests.Response, *, longest_bytes: int = LONGEST_BYTES) -> Iterator[bytes]:
    """Each line of the body, without its end, and an empty one after each piece, so that a caller can look around.

    Raises:
        BodyTooLong: a line is longer than that.
    """
    held = bytearray()
    for piece in pieces(response):
        held += piece
        if b"\n" in piece:
            *whole, rest = bytes(held).split(b"\n")
            held = bytearray(rest)
            for line in whole:
                yield line.rstrip(b"\r")
        if len(held) > longest_bytes:
            raise BodyTooLong(longest_bytes)
        yield b""
    yield bytes(held)


def whole(response: requests.Response, *, most_bytes: int = LONGEST_BYTES, timeout_s: float) -> bytes:
    """The whole body.

    Raises:
        BodyTooLong
        requests.ReadTimeout: it did not end in time, however steadily it came.
    """
    until, held = time.monotonic() + timeout_s, bytearray()
    for piece in pieces(response):
        held += piece
        if len(held) > most_bytes:
            raise BodyTooLong(most_bytes)
        if time.monotonic() > until:
            raise requests.ReadTimeout
    return bytes(held)


def beginning(response: requests.Response, *, timeout_s: float) -> str:
    """The text of an error, as far as it matters. Never raises for what the server does."""
    until, held = time.monotonic() + timeout_s, bytearray()
    try:
        for piece in pieces(response):
            held += piece
            if len(held) >= LONGEST_ERROR_BYTES or time.monotonic() > until:
                break
    except (BodyCompressed, requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        pass  # what came of it must do
    return bytes(held[:LONGEST_ERROR_BYTES]).decode(errors="replace")
