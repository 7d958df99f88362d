"""The lines of a batch between its files and the queue: read and judged, added as jobs, written as output. Blocking; no line is kept.

Files of 200 MB go through here a line at a time. A line's job has the key `batch_…/N`, so adding it twice adds nothing: that is what
makes a batch go on where a killed gateway left it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from bridge.core.errors import BridgeError, SecretFound
from bridge.core.job import NewJob
from bridge.gateway.names import queue_model
from bridge.gateway.queued import caller_name, job_for
from bridge.intake.secret_scan import scan_for_secrets
from bridge.protocols.asked import Asked, WireFormat
from bridge.protocols.job_body import texts_of
from bridge.protocols.openai_batch import MOST_ERRORS, MOST_LINES, ApiBatch, BadLine, BatchLine, LineProblem, read_line
from bridge.protocols.openai_chat import ChatCompletions
from bridge.protocols.openai_completions import Completions
from bridge.protocols.refusal import RefusedAsk
from bridge.protocols.responses import Responses

#: {endpoint: its wire}; embeddings have none, because they are no jobs.
WIRES: dict[str, WireFormat] = {
    "/v1/chat/completions": ChatCompletions(),
    "/v1/completions": Completions(),
    "/v1/responses": Responses(),
}
#: The longest line that is read, in bytes.
_LONGEST_LINE = 8 << 20


@dataclass(kw_only=True)
class JudgedFile:
    """What a look at all lines found."""

    total: int = 0
    problems: list[LineProblem] = field(default_factory=list)


def judge(path: Path, endpoint: str) -> JudgedFile:
    """Whether all lines of a file can be asked."""
    found = JudgedFile()
    seen: set[bytes] = set()
    with path.open("rb") as stream:
        for number, line in _numbered(stream):
            if found.total >= MOST_LINES or len(found.problems) >= MOST_ERRORS:
                break
            found.total += 1
            try:
                _judge(line, number, endpoint, seen)
            except BadLine as bad:
                found.problems.append(LineProblem(code=bad.code, message=str(bad), line=number, param=bad.param))
            if found.total == MOST_LINES and next(_numbered(stream), None) is not None:
                message = f"a batch has at most {MOST_LINES:,} lines"
                found.problems.append(LineProblem(code="too_many_lines", message=message, line=number + 1))
    if not found.total:
        found.problems.append(LineProblem(code="empty_file", message="the file has no line", line=1))
    return found


def _judge(line: bytes, number: int, endpoint: str, seen: set[bytes]) -> None:
    """Raises BadLine."""
    if len(line) >= _LONGEST_LINE:
        raise BadLine("line_too_long", f"a line has at most {_LONGEST_LINE >> 20} MB")
    read = read_line(line, number, endpoint)
    digest = hashlib.blake2b(read.custom_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if digest in seen:
        raise BadLine(
            "duplicate_custom_id", f"custom_id {read.custom_id[:80]!r} stands in an earlier line", "custom_id"
        )
    seen.add(digest)
    if endpoint not in WIRES:
        return
    try:
        asked = asked_of(read, endpoint)
        if asked.private:
            raise BadLine("invalid_value", "a private request does not go into the queue", "bridge")
        scan_for_secrets(("the prompt", text) for text in texts_of(asked.request))
        job_for(asked, model=None, caller="")
    except RefusedAsk as refused:
        raise BadLine("invalid_value", refused.refusal.message, refused.refusal.param) from None
    except SecretFound as error:
        raise BadLine("secret_found", str(error)) from None
    except BridgeError as error:
        raise BadLine("invalid_value", str(error)) from None


def asked_of(line: BatchLine, endpoint: str) -> Asked:
    """The request of a line. Raises RefusedAsk."""
    return WIRES[endpoint].read(line.body)


def lines_of(path: Path, endpoint: str) -> Iterator[BatchLine]:
    """The lines of a file that was judged to be well."""
    with path.open("rb") as stream:
        for number, line in _numbered(stream):
            yield read_line(line, number, endpoint)


def jobs_of(batch: ApiBatch, path: Path, *, has: frozenset[str]) -> Iterator[NewJob]:
    """A job for each line. `has`: the models of the engine here."""
    for line in lines_of(path, batch.endpoint):
        asked = asked_of(line, batch.endpoint)
        model = queue_model(asked.options.model, has=has)
        yield job_for(asked, model=model, caller=batch.id, key=key_of(batch, line))


def caller_of(batch: ApiBatch) -> str:
    """Under which name its jobs stand in the queue."""
    return caller_name(batch.id)


def key_of(batch: ApiBatch, line: BatchLine) -> str:
    """The key of a line's job. Two batches may share all their custom_ids."""
    return f"{batch.id}/{line.number}"


def _numbered(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1. A byte order mark is no part of the first."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.strip():
            yield number, line
        while len(line) >= _LONGEST_LINE and not line.endswith(b"\n"):  # what is left of a line that is too long
            line = stream.readline(_LONGEST_LINE)
