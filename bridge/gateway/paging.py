"""Lists by the page, as OpenAI has them. Decides nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from bridge.protocols.asked import Json
from bridge.protocols.refusal import RefusedAsk


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list."""

    after: str | None
    limit: int
    newest_first: bool

    def body(self, rows: Sequence[Json]) -> Json:
        """The list's object, of one row more than fits."""
        shown = list(rows[: self.limit])
        return {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": len(rows) > self.limit,
        }


def read_page(request: Request, *, most: int, default: int | None = None) -> Page:
    """`after`, `limit` and `order`. Raises RefusedAsk."""
    told = request.query_params.get("limit", str(default or most))
    if not told.isdecimal() or len(told) > 9 or not 1 <= int(told) <= most:
        raise RefusedAsk.bad(f"limit must be a whole number from 1 to {most}", "limit")
    order = request.query_params.get("order", "desc")
    if order not in ("asc", "desc"):
        raise RefusedAsk.bad("order must be asc or desc", "order")
    return Page(after=request.query_params.get("after"), limit=int(told), newest_first=order == "desc")
