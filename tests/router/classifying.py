"""How often a judge of prompts is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.router.targets import RouteRole
from tests.router.prompts import Told


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """How prompts were taken."""

    code_as_code: int
    code_as_general: int
    general_as_code: int
    general_as_general: int

    @property
    def balanced(self) -> float:
        """The mean of how often code and how often anything else is known."""
        code = self.code_as_code / max(1, self.code_as_code + self.code_as_general)
        general = self.general_as_general / max(1, self.general_as_code + self.general_as_general)
        return (code + general) / 2


def confusion(rows: Sequence[Told], judge: Callable[[str], RouteRole]) -> Confusion:
    """A judge over prompts."""
    seen = [(row.role, judge(row.text)) for row in rows]
    count = seen.count
    return Confusion(
        code_as_code=count((RouteRole.CODING, RouteRole.CODING)), code_as_general=count((RouteRole.CODING, RouteRole.REASONING)),
        general_as_code=count((RouteRole.REASONING, RouteRole.CODING)), general_as_general=count((RouteRole.REASONING, RouteRole.REASONING)),
    )  # fmt: skip
