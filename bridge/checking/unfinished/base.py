"""What is said of code that ends too early. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EarlyEnd:
    """Where code stops short, and what tells."""

    line: int  #: of the code, from 0
    evidence: str
