"""Which domain work belongs to: the one that is named, else the one below whose paths its files lie. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from bridge.router.targets import Domain


def domain_of(domains: Sequence[Domain], name: str | None, files: Sequence[str]) -> Domain | None:
    """The domain; None: there is none of that name, or none has the files."""
    if name is not None:
        return next((domain for domain in domains if domain.name == name), None)
    return next(
        (domain for domain in domains for file in files if any(_below(file, path) for path in domain.paths)), None
    )


def _below(file: str, path: str) -> bool:
    return file.startswith(f"{path.rstrip('/')}/") or fnmatch.fnmatchcase(file, path)
