"""A gateway that is killed again and again in the middle of requests: `python -m tests.gateway.kills` does it 200 times.

Prints one line of JSON: what of that which a client was promised is lost, and which files are torn; all of it has to be 0.
"""

from __future__ import annotations

import io
import json
import random
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

import click
import openai

from bridge.cli.base import show
from tests.gateway.process import ServeProcess, serve_process
from tests.support.patience import LONG_S, until

_CHAT = "/v1/chat/completions"


@dataclass(kw_only=True)
class Promised:
    """What the gateway said it has: ids, with what has to become of them."""

    files: dict[str, bytes] = field(default_factory=dict)
    responses: dict[str, str] = field(default_factory=dict)  #: their prompts
    batches: dict[str, int] = field(default_factory=dict)  #: their lines

    @property
    def count(self) -> int:
        """Of all."""
        return len(self.files) + len(self.responses) + len(self.batches)


@dataclass(frozen=True, kw_only=True)
class Survived:
    """What became of it."""

    kills: int
    promised: int
    files_lost: int
    files_torn: int
    responses_lost: int
    batches_lost: int


def survive(folder: Path, *, kills: int, seed: int, within_s: float = LONG_S) -> Survived:
    """Kill a gateway while a client asks for one thing after the other, then look for all that was promised."""
    draw = random.Random(seed)  # the same requests each time
    promised = Promised()
    with serve_process(folder) as process:
        for number in range(kills):
            _one_life(process, promised, draw, number, within_s)
        client = process.start()
        return Survived(
            kills=kills,
            promised=promised.count,
            files_lost=sum(_lost(lambda name=name: client.files.retrieve(name)) for name in promised.files),  # type: ignore[misc]
            files_torn=_torn(client, promised),
            responses_lost=sum(not _answered(client, *each, within_s) for each in promised.responses.items()),
            batches_lost=sum(not _completed(client, *each, within_s) for each in promised.batches.items()),
        )


def _one_life(process: ServeProcess, promised: Promised, draw: random.Random, number: int, within_s: float) -> None:
    """Start it, ask until so much is promised, kill it in the middle of the next request."""
    process.start()
    enough = promised.count + draw.randint(0, 6)

    def ask() -> None:
        with process.client() as client:  # its own: a kill closes the other one
            for turn in count(1):
                try:
                    _ask(client, promised, draw, f"{number}.{turn}")
                except openai.APIConnectionError:
                    return

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            until(lambda: promised.count >= enough or asking.done(), within_s)
            assert not asking.done() or asking.exception(), "the gateway went away before it was killed"
        finally:
            process.kill()
        asking.result(within_s)


def _ask(client: openai.OpenAI, promised: Promised, draw: random.Random, name: str) -> None:
    what = draw.choice(("file", "response", "response", "batch"))
    if what == "response":
        prompt = f"Write response {name}."
        promised.responses[client.responses.create(model="auto", input=prompt, background=True).id] = prompt
        return
    lines = draw.randint(1, 20)
    data = _data(name, lines)
    file = client.files.create(file=(f"{name}-{lines}.jsonl", io.BytesIO(data)), purpose="batch").id
    promised.files[file] = data
    if what == "batch":
        made = client.batches.create(input_file_id=file, endpoint=_CHAT, completion_window="24h")
        promised.batches[made.id] = lines


def _data(name: str, lines: int) -> bytes:
    rows = (
        {
            "custom_id": str(n),
            "method": "POST",
            "url": _CHAT,
            "body": {"messages": [{"role": "user", "content": f"Write {name}.{n}."}]},
        }
        for n in range(lines)
    )
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _torn(client: openai.OpenAI, promised: Promised) -> int:
    """Of all files that are listed, also those whose client never heard of them."""
    torn = 0
    for file in client.files.list():
        data = client.files.content(file.id).content
        if file.purpose == "batch":
            name, _, lines = file.filename.removesuffix(".jsonl").rpartition("-")
            torn += data != promised.files.get(file.id, _data(name, int(lines)))
        else:
            torn += len(data) != file.bytes or not data.endswith(b"}\n")
    return torn


def _lost(look: Callable[[], object]) -> bool:
    try:
        look()
    except openai.NotFoundError:
        return True
    return False


def _answered(client: openai.OpenAI, name: str, prompt: str, within_s: float) -> bool:
    if _lost(lambda: client.responses.retrieve(name)):
        return False
    until(lambda: client.responses.retrieve(name).status == "completed", within_s)
    return client.responses.retrieve(name).output_text == f"Answer to: {prompt}"


def _completed(client: openai.OpenAI, name: str, lines: int, within_s: float) -> bool:
    if _lost(lambda: client.batches.retrieve(name)):
        return False
    until(lambda: client.batches.retrieve(name).status == "completed", within_s)
    done = client.batches.retrieve(name)
    rows = client.files.content(done.output_file_id or "").text.splitlines()
    return sorted(int(json.loads(row)["custom_id"]) for row in rows) == list(range(lines))


@click.command()
@click.option("--kills", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(kills: int, seed: int) -> None:
    """Print what survived."""
    with tempfile.TemporaryDirectory() as folder:
        show(json.dumps(asdict(survive(Path(folder), kills=kills, seed=seed, within_s=1800))))


if __name__ == "__main__":
    main()
