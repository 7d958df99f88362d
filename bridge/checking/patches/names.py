"""The names in the heads of a diff: without prefix, date and quotes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Prefixes that git puts before both names, the second ones with `diff.mnemonicPrefix`.
_PREFIXES = (("a/", "b/"), ("i/", "w/"), ("c/", "i/"), ("c/", "w/"), ("o/", "w/"))
#: No path is longer; what searches for a date in spaces alone takes the square of their number.
_MAX_CHARS = 1000
_ABSENT = "/dev/null"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, kw_only=True)
class PatchedNames:
    """A file's names before and after; None: it is not there."""

    old: str | None
    new: str | None


def of_heads(old: str, new: str) -> PatchedNames:
    """What follows `--- ` and `+++ `."""
    first, second = _plain(old), _plain(new)
    for a, b in _PREFIXES:
        if first.startswith((a, _ABSENT)) and second.startswith((b, _ABSENT)):
            first, second = first.removeprefix(a), second.removeprefix(b)
            break
    if first != second and first.startswith("a/") and first[2:] == second:
        first = second
    return PatchedNames(old=None if first == _ABSENT else first, new=None if second == _ABSENT else second)


def of_git(line: str) -> PatchedNames | None:
    """What follows `diff --git `, if both names are one; None if they are not, or cannot be told from each other."""
    if line.startswith('"'):
        match = re.fullmatch(r'("(?:\\.|[^"\\])*") ("(?:\\.|[^"\\])*")', line)
        return of_heads(match[1], match[2]) if match else None
    middle = len(line) // 2
    if line[middle : middle + 1] != " ":
        return None
    names = of_heads(line[:middle], line[middle + 1 :])
    return names if names.old == names.new else None


def _plain(head: str) -> str:
    if head.startswith('"'):
        return _unquoted(head)
    name = head[:_MAX_CHARS].partition("\t")[0]
    name = re.sub(r"\s+\d{4}-\d\d-\d\d.*$|\s+\((?:original|modified|updated|new|old|before|after)\)\s*$", "", name)
    return name.strip().strip("`").replace("\\", "/").removeprefix("./")


def _unquoted(head: str) -> str:
    """A name as git quotes it: C escapes, bytes of UTF-8 in octal."""
    inner = head[1:].rpartition('"')[0]
    data = bytearray()
    for octal, letter, plain in re.findall(r"\\([0-7]{3})|\\(.)|([^\\]+)", inner):
        data += bytes([int(octal, 8) & 255]) if octal else _ESCAPES.get(letter, letter).encode() + plain.encode()
    return data.decode("utf-8", "replace")
