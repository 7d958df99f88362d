"""What is fuzzed: each reader of something from outside, with its seeds and what it may raise."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bridge.checking.extraction.extract import extract
from bridge.checking.patches import parse as patches
from bridge.checking.patches.patch_set import apply_all
from bridge.core.errors import BadBatch, NotAQueue, SecretFound
from bridge.core.job import JobForm, NewJob
from bridge.format import codec, json_bytes, known_cells, merge, result_record
from bridge.format.cell import CellKind
from bridge.format.prompt_cell import read_header
from bridge.intake.batch import read_batch
from bridge.intake.secret_scan import scan_for_secrets
from bridge.kernel import grammar
from bridge.kernel.cells import read_cells
from bridge.kernel.display import from_display, to_display
from bridge.protocols.job_body import read_body
from bridge.protocols.openai import ChatError
from tests.fuzz.campaign import Target
from tests.fuzz.wires import drive_answers, llamacpp_wire, ollama_wire, openai_wire
from tests.security.injections import injections

_NOTEBOOKS = Path(__file__).parents[1] / "fixtures" / "notebooks"
_JOB = "01JD3K6S7M2W8Q5V4T9R0XYZAB"


def _text(data: bytes) -> str:
    """Every text can come of some bytes, lone surrogates too."""
    return (
        data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")
        if _decodes(data)
        else data.decode("latin-1")
    )


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _notebooks() -> list[bytes]:
    return [path.read_bytes() for path in sorted(_NOTEBOOKS.glob("*.ipynb"))]


def _sources() -> list[str]:
    cells = [cell for data in _notebooks() for cell in json.loads(data)["cells"]]
    return sorted({json_bytes.join_lines(cell["source"]) for cell in cells})


def _results() -> list[str]:
    found = set()
    for data in _notebooks():
        for cell in json.loads(data)["cells"]:
            for output in cell.get("outputs", ()):
                found |= {json_bytes.join_lines(text) for text in output.get("data", {}).values()}
    return sorted(found)


def notebook() -> Target:
    """A file as a part of a queue: read, every job in it, written, read again, merged with itself."""

    def run(data: bytes) -> None:
        try:
            part = codec.read_part(known_cells.loads(data, ()))
        except (NotAQueue, ValueError):
            return
        for cell in part.cells.values():
            if cell.kind is CellKind.JOB:
                _ = cell.job.spec, cell.job.results
        written = codec.dump_part(part)
        again = codec.read_part(json_bytes.loads(written))
        assert list(again.cells) == [cell.id for cell in part.in_order()] or set(again.cells) == set(part.cells)
        assert codec.dump_part(merge.merge(part, part)) == codec.dump_part(merge.merge(again, again)), (
            "read, written, read: another one"
        )

    return Target(name="notebook", seeds=_notebooks(), run=run)


def kernel_cells() -> Target:
    """The same file in a kernel that runs it, which has readers of its own."""

    def run(data: bytes) -> None:
        try:
            notebook = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(notebook, Mapping):
            read_cells(notebook)

    return Target(name="kernel cells", seeds=_notebooks(), run=run)


def header() -> Target:
    """The first line of a cell."""

    def run(data: bytes) -> None:
        source = _text(data)
        read, body, broken = read_header(source)
        grammar.adopted_id(*grammar.split_cell(source))
        if broken is None:
            again = read_header(grammar.join_cell(read, body))
            assert again == (read, body, None), "it is not read back as it was written"

    seeds = [source.encode() for source in _sources()]
    flags = b"%%qwen 01JD3K6S7M2W8Q5V4T9R0XYZAB --lang go --out 'a b/c.go' --max-tokens 512 --temperature .25 --top-p 0.9 --seed -7 --stop '\"END\"' --stop '\"\\n\"' --priority 3 --floor 2\nx"
    return Target(name="header", seeds=[*seeds, flags, flags.replace(b"--floor 2", b"--chat --cancelled")], run=run)


def record() -> Target:
    """A result in a cell's output, plain or displayed."""

    def run(data: bytes) -> None:
        text = _text(data)
        with contextlib.suppress(grammar.GrammarError):
            grammar.parse_result(text)
        output = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": text, "text/markdown": text}}
        result_record.read_results({"cell_type": "code", "source": "", "metadata": {}, "outputs": [output]}, _JOB)

    return Target(name="record", seeds=[text.encode() for text in _results()], run=run)


def display() -> Target:
    """An answer as it is shown, and back."""

    def run(data: bytes) -> None:
        text = _text(data)
        if not text.startswith("<!-- bridge-"):
            assert from_display(to_display(text)) == text
        from_display(text)

    return Target(name="display", seeds=[text.encode() for text in (*_results(), *injections()[::7])], run=run)


def extraction() -> Target:
    """An answer to blocks and patches."""

    def run(data: bytes) -> None:
        text = _text(data)
        found = extract(text, prompt=text[:200], lang="python", finish_reason="stop")
        assert all(isinstance(block.code, str) for block in found.blocks)
        patch = patches.read(text, default="a.py")
        apply_all([(0, patch)], lambda _path: "x = 1\ny = 2\n" * 20)

    answers = [text.encode() for text in _results()]
    diff = b"Here:\n\n```diff\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n```\n\n`src/b.ts`:\n\n```ts\nexport const x = 1;\n```\n\n1. a\n   ```py\n   x\n   ```\n"
    search = b"a.py\n```\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n```\n"
    return Target(name="extraction", seeds=[*answers, diff, search, diff + search], run=run)


def batch_lines() -> Target:
    """A JSONL batch."""

    def run(data: bytes) -> None:
        with contextlib.suppress(BadBatch):
            read_batch(data, defaults=NewJob(body=""), source="fuzz", skip_bad=True)

    own: dict[str, Any] = {
        "prompt": "x",
        "system": "s",
        "lang": "go",
        "out": "a.go",
        "stop": ["END"],
        "key": "k",
        "caller": "c",
        "max_tokens": 5,
    }
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "x"}]}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}]
    body = {
        "model": "m",
        "messages": messages,
        "tools": tools,
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "n": 1,
    }
    lines: list[dict[str, Any]] = [
        own,
        {"messages": messages},
        {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body},
        {"custom_id": "2", "method": "POST", "url": "/v1/completions", "body": {"prompt": "x", "suffix": "y"}},
    ]
    return Target(name="batch lines", seeds=[json.dumps(line).encode() for line in lines], run=run)


def job_body() -> Target:
    """The body of a cell under `--chat` and `--request`."""

    def run(data: bytes) -> None:
        for form in JobForm:
            with contextlib.suppress(ChatError):
                read_body(_text(data), form)

    seeds = [json.dumps(json.loads(line)["body"]).encode() for line in batch_lines().seeds[2:]]
    return Target(name="job body", seeds=[*seeds, json.dumps(json.loads(seeds[0])["messages"]).encode()], run=run)


def secrets() -> Target:
    """The look for secrets in a prompt."""

    def run(data: bytes) -> None:
        with contextlib.suppress(SecretFound):
            scan_for_secrets([("prompt", _text(data))])

    texts = [
        b"AWS_SECRET=x\n",
        b"Authorization: Bearer abcdefghijklmnop\n",
        b"postgres://u:p@h/db\n",
        b"-----BEGIN RSA PRIVATE KEY-----\n",
    ]
    return Target(name="secrets", seeds=[*texts, *(source.encode() for source in _sources())], run=run)


#: By name; made when asked for, because some start a server.
TARGETS: Mapping[str, Callable[[], Target]] = {
    "notebook": notebook, "kernel cells": kernel_cells, "header": header, "record": record, "display": display, "extraction": extraction,
    "batch lines": batch_lines, "job body": job_body, "secrets": secrets,
    "ollama": ollama_wire, "openai": openai_wire, "llamacpp": llamacpp_wire, "drive": drive_answers,
}  # fmt: skip
