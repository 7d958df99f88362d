"""Whether an engine read less of a prompt than it was sent. Pure.

Ollama cuts what is longer than its window to half of that, from the front, and answers as if nothing were (facts of the gateway,
section 4): only the count of what it read tells.
"""

from __future__ import annotations

from bridge.engines.base import Request
from bridge.kernel.error_kind import estimate_tokens

#: Of an exact count, what an engine must have read at least: templates differ by a few tokens.
_SHARE_OF_COUNT = 0.9
#: Of an estimate: it may be twice too high for repetitive text.
_SHARE_OF_ESTIMATE = 0.4
#: Estimates of less say nothing.
_LEAST_TOKENS = 1_000


def silent_cut(request: Request, *, counted: int | None, read: int | None) -> dict[str, object]:
    """What the reply says of it; empty: all was read, or nobody knows.

    `counted`: tokens of the request, exact; None: it was short, and nobody counted. `read`: that the engine says it read.
    """
    if not read:  # not told
        return {}
    if counted is not None:
        is_cut, sent = read < _SHARE_OF_COUNT * counted, counted
    else:
        sent = estimate_tokens(request.text)
        is_cut = sent >= _LEAST_TOKENS and read < _SHARE_OF_ESTIMATE * sent
    return {"prompt_cut_by_engine": {"sent": sent, "read": read, "exact": counted is not None}} if is_cut else {}
