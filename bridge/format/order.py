"""Where a cell stands in its notebook, as a key that sorts: order survives a merge without comparing whole lists.

A job's key is its id, a ULID, so jobs that two machines append interleave by time. Any other cell gets a key between
those of its neighbours when it is first seen, and a new one when somebody moves it. Keys are text over `_DIGITS`; the
lowest digit never ends a generated key, so there is room between any two. New cells in a row are numbered below the key of
the first, so 200,000 of them have keys of a few letters, and one more at the end changes none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from operator import lt

#: In ASCII order. "-" is below all that ids are made of, which leaves room below and between them.
_DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#: What can be a key: there is room below it.
KEY = re.compile(r"[-0-9A-Za-z]*[0-9A-Za-z]")


def between(low: str, high: str | None) -> str:
    """A key above `low` and below `high` (None: no bound); close to `low`, so that neighbours stay neighbours.

    Raises ValueError if low is not below high.
    """
    if high is None:
        return low + "V"
    if low >= high:
        raise ValueError(f"no key lies between {low!r} and {high!r}")
    if not high.startswith(low):
        return low + "V"  # low is no prefix of high, so all that begins with low stays below high
    tail = high[len(low) :]
    lowest = len(tail) - len(tail.lstrip(_DIGITS[0]))
    if lowest == len(tail):  # unreachable for generated keys and ids, which do not end in the lowest digit
        raise ValueError(f"no key lies between {low!r} and {high!r}")
    digit = _DIGITS.index(tail[lowest])
    head = low + tail[:lowest]
    return head + _DIGITS[digit // 2] if digit > 1 else head + _DIGITS[0] + "V"


def place(keys: Sequence[str | None]) -> tuple[list[str], set[int]]:
    """Keys for cells in the order of a file, and the indexes of those that were moved.

    None asks for a new key. The longest rising run of the given keys stays; what breaks it was moved by a person and
    gets a key between its new neighbours.
    """
    given = [key for key in keys if key is not None]
    if len(given) == len(keys) and all(map(lt, given, given[1:])):
        return given, set()
    kept = _longest_rising([(i, key) for i, key in enumerate(keys) if key is not None])
    moved = {i for i, key in enumerate(keys) if key is not None and i not in kept}
    return _fill([key if i in kept else None for i, key in enumerate(keys)]), moved


def _fill(keys: Sequence[str | None]) -> list[str]:
    upper: str | None = None
    uppers: list[str | None] = []
    for key in reversed(keys):
        uppers.append(upper)
        upper = key or upper
    filled: list[str] = []
    low, first, count = "", "", 0  # of the run of new keys under way: its first key, how many follow that
    for key, high in zip(keys, reversed(uppers), strict=True):
        if key:
            low, count = key, 0
        elif not count:
            low = first = between(low, high)
            count = 1
        else:
            low = first + _numeral(count)  # `first` is no prefix of `high`, so all that begins with it stays below
            count += 1
        filled.append(low)
    return filled


def _numeral(number: int) -> str:
    """A number above 0 as text that sorts as numbers do: a letter for how many digits follow, then those."""
    if number == 1:
        return "V"
    digits = ""
    while number:
        number, rest = divmod(number, len(_DIGITS) - 1)
        digits = _DIGITS[1 + rest] + digits
    return "VWXYZabcdefghijklm"[len(digits)] + digits


def _longest_rising(items: Sequence[tuple[int, str]]) -> set[int]:
    """Indexes of the longest strictly rising subsequence (patience sorting, n log n)."""
    tails: list[str] = []
    tail_at: list[int] = []
    before: list[int] = [-1] * len(items)
    for n, (_, key) in enumerate(items):
        slot = bisect_left(tails, key)
        before[n] = tail_at[slot - 1] if slot else -1
        tails[slot : slot + 1] = [key]
        tail_at[slot : slot + 1] = [n]
    kept: set[int] = set()
    n = tail_at[-1] if tail_at else -1
    while n >= 0:
        kept.add(items[n][0])
        n = before[n]
    return kept
