"""Whether a name is one typing error away from a popular one: a letter more, less or other, or two that changed places. Pure."""

from __future__ import annotations

from collections.abc import Collection

#: Shorter names are near to too many others.
_SHORTEST = 4


def meant(name: str, popular: Collection[str]) -> str | None:
    """The popular name that a name with a typing error may have meant; None: there is none."""
    if len(name) < _SHORTEST:
        return None
    same = next((p for p in sorted(popular) if _plain(p) == _plain(name) and p != name), None)
    return same or next((p for p in sorted(popular) if len(p) >= _SHORTEST and one_error(name, p)), None)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(".", "")


def one_error(a: str, b: str) -> bool:
    """Whether two different texts are one typing error apart."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        return a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
    short, long = sorted((a, b), key=len)
    return short[at:] == long[at + 1 :]
