"""The prompt cells of a notebook as it was found: which are done, which are to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .display import from_display, is_display
from .grammar import (
    JOB_ID,
    GrammarError,
    Header,
    adopted_id,
    is_prompt_cell,
    parse_header,
    parse_result,
    prompt_sha256,
    read_count,
    split_cell,
)


@dataclass(frozen=True, kw_only=True)
class PromptCell:
    """One job as its cell tells it."""

    job: str
    header: Header
    body: str  #: the prompt as it is sent: line ends are LF, none at the very end
    named: str = ""  #: the id in the header, or the one that follows from header and prompt
    index: int = 0  #: place in the notebook; lower runs earlier
    attempts: int = 0  #: highest attempt number among its results, of whatever prompt
    done: str | None = None  #: text of the complete, valid result that stands there

    @property
    def key(self) -> tuple[str, str]:
        """What an executing cell knows of itself: the id in its header or of it, and its prompt."""
        return (self.named, prompt_sha256(self.body))


def read_cell(line: str, body: str, *, index: int = 0, outputs: Any = (), claimed: tuple[Any, ...] = ()) -> PromptCell:
    """The job of one cell. `claimed`: ids that its metadata names, the strongest first, then weaker ones.

    Raises:
        GrammarError: the header cannot be read.
    """
    header = parse_header(line)
    body = body.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    ids = (*claimed[:1], header.job, *claimed[1:])
    named = header.job or adopted_id(line, body)
    job = next((i for i in ids if isinstance(i, str) and JOB_ID.fullmatch(i)), None) or named
    attempts, done = header.attempt_floor, None
    best = (0, 0)
    for text in _texts(outputs):
        try:
            record, _ = parse_result(text)
        except GrammarError:
            continue
        attempt = read_count(record.get("attempt")) or 0
        attempts = max(attempts, attempt)
        rank = {"succeeded": 2, "truncated": 1}.get(str(record.get("status")), 0)
        valid = record.get("prompt_sha256") == prompt_sha256(body) and attempt > header.attempt_floor
        if valid and rank and record.get("job") == job and (rank, attempt) > best:
            best, done = (rank, attempt), text
    return PromptCell(job=job, header=header, body=body, named=named, index=index, attempts=attempts, done=done)


def read_cells(notebook: Mapping[str, Any]) -> list[PromptCell]:
    """Every prompt cell whose header can be read; the others say what is wrong when they are executed."""
    found = []
    cells = notebook.get("cells")
    for index, cell in enumerate(cells if isinstance(cells, list) else ()):
        source = _joined(_field(cell, "source"))
        if _field(cell, "cell_type") != "code" or not is_prompt_cell(source):
            continue
        metadata = _field(cell, "metadata")
        claimed = (_field(_field(metadata, "bridge"), "id"), _field(cell, "id"), _field(metadata, "id"))
        line, body = split_cell(source)
        try:
            found.append(read_cell(line, body, index=index, outputs=_field(cell, "outputs"), claimed=claimed))
        except GrammarError:
            continue
    return found


def _field(value: object, name: str) -> Any:
    """A member of what should be an object; None if it is none."""
    return value.get(name) if isinstance(value, dict) else None


def _texts(outputs: Any) -> list[str]:
    """Both carriers of every output: after a Colab save either alone must do."""
    datas = [_field(output, "data") for output in (outputs if isinstance(outputs, list) else ())]
    carriers = ("text/plain", "text/markdown")
    texts = [_joined(data[name]) for data in datas if isinstance(data, dict) for name in carriers if name in data]
    return list(dict.fromkeys(from_display(text) if is_display(text) else text for text in texts))


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")
