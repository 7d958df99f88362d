"""What the gateway counts, as Prometheus reads it. No label holds a prompt, a job, a caller or a name from outside.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

#: Upper ends of a histogram's buckets, in seconds.
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


@dataclass(kw_only=True)
class Histogram:
    """How long something took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.total_s += seconds


class RequestCounters:
    """Of one gateway. Only the event loop that it is used in may touch it."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, Histogram] = {}

    def add(self, route: str, status: int, seconds: float) -> None:
        """A request has ended. `route`: as it is declared, not as it was asked for."""
        self._requests[route, f"{status // 100}xx"] += 1
        self._seconds.setdefault(route, Histogram()).add(seconds)

    def text(self, gauges: Mapping[str, float]) -> str:
        """All of it; `gauges`: {name: its value now}."""
        return "\n".join([*self._lines(gauges), ""])

    def _lines(self, gauges: Mapping[str, float]) -> Iterator[str]:
        yield "# TYPE bridge_requests_total counter"
        for (route, status), count in sorted(self._requests.items()):
            yield f'bridge_requests_total{{route="{route}",status="{status}"}} {count}'
        yield "# TYPE bridge_request_seconds histogram"
        for route, histogram in sorted(self._seconds.items()):
            so_far = 0
            for bound, count in zip((*_BUCKETS, float("inf")), histogram.counts, strict=True):
                so_far += count
                shown = "+Inf" if bound == float("inf") else f"{bound:g}"
                yield f'bridge_request_seconds_bucket{{route="{route}",le="{shown}"}} {so_far}'
            yield f'bridge_request_seconds_sum{{route="{route}"}} {histogram.total_s:.6f}'
            yield f'bridge_request_seconds_count{{route="{route}"}} {so_far}'
        for name, value in gauges.items():
            yield f"# TYPE {name} gauge"
            yield f"{name} {value:g}"
