"""A newcomer's tour: forty commands in a new project, with 20 prompts and four engines. `python -m tests.first_run.tour` writes docs/tour.md.

The commands are run as a person types them, in one process. The two servers are the loopback ones of the tests, so nothing
leaves this machine; what differs from run to run (ids, times, ports) is masked.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from bridge.cli import main
from tests.support.ollama import LoopbackOllama
from tests.support.openai import LoopbackOpenAI

PAGE = Path(__file__).parents[2] / "docs" / "tour.md"
GOOD = "Here it is:\n\n```python\ndef double(x: int) -> int:\n    return 2 * x\n```\n"
BROKEN = "```python\ndef double(x: int) -> int:\n    return y * x\n```\n"
BATCH = "".join(
    json.dumps({"prompt": f"Write function number {n}", "key": f"fn-{n:02}", "lang": "python"}) + "\n"
    for n in range(1, 16)
)


@dataclass(frozen=True)
class Step:
    """A command, what is said before it, its exit code, and how much of its output the page shows."""

    command: str
    words: str = ""
    code: int = 0
    most_lines: int = 12


#: A step, its exit code, and what it printed, masked.
Told = tuple[Step, int, str]

#: Twenty prompts: two by hand, two from files, one in another shape, fifteen as a batch.
STEPS = (
    Step("init", "A queue in the project, and a bridge.toml that says where it is."),
    Step("status"),
    Step("config get queue"),
    Step("config set max_attempts 2"),
    Step("config check"),
    Step('add "Write a function that doubles a number" --lang python --out src/double.py --key double', "Prompts, one by one, from files, and as a batch. A key is a name to call the job by."),
    Step("add prompt.md", "A path alone is not asked as a prompt.", code=2),
    Step("add -f prompt.md --context src/models.py --key models"),
    Step("add -f prompt.md --lang go --key port"),
    Step('add "Explain the queue" --system "Answer in one sentence." --key why'),
    Step("add --jsonl bad.jsonl", "What is wrong with a batch is told at once.", code=2),
    Step("add --jsonl batch.jsonl --batch nightly --model gpt-4o-mini", most_lines=2),
    Step('add "Write a haiku about queues" --priority 5 --key haiku'),
    Step("list --limit 6"),
    Step("lst", "Typing errors are told, too.", code=2),
    Step("work --base-url http://127.0.0.1:9/v1 --model small", "Without an engine nothing happens, and nothing is lost.", code=3),
    Step("work --base-url {ollama} --model qwen2.5-coder:7b --map gpt-4o-mini=qwen2.5-coder:7b --max-time 0s", "The first engine: Ollama. `--map` answers what asks for another provider's model."),
    Step("work --base-url {ollama} --model qwen2.5-coder:7b --map gpt-4o-mini=qwen2.5-coder:7b", most_lines=4),
    Step("status"),
    Step("wait double --no-repair", code=1),
    Step("show double"),
    Step("retry double --model large --max-tokens 2000", "It has an error: another model may do better. The second engine: any OpenAI-compatible API."),
    Step("work --base-url {openai} --model large"),
    Step("wait double models --no-repair", code=1),
    Step("show double --code"),
    Step("apply double --dry-run", "Into the project: first the diff, then the file."),
    Step("apply double"),
    Step("wait --batch nightly --no-repair", code=1, most_lines=3),
    Step("list --batch nightly --limit 3"),
    Step("edit haiku \"What is a queue?\"", "Changing one's mind."),
    Step("show haiku --prompt"),
    Step("cancel haiku"),
    Step("retry haiku"),
    Step("work --engine scripted --map *=scripted", "The third engine is a fake, for dry runs."),
    Step("run \"Write a function that adds two numbers\" --gguf tiny --max-tokens 16 --no-repair --key toy", "The fourth engine: llama.cpp in this process, with a toy model, in one go.", code=-1),
    Step("watch --once --outbox results --no-repair", "Results out of the queue."),
    Step("export --batch nightly --jsonl results.jsonl"),
    Step("report --batch nightly -o report.html"),
    Step("archive fn-01 fn-02"),
    Step("forget fn-01 --yes", "And gone for good."),
    Step("purge --older-than 30d --dry-run"),
    Step("status"),
)  # fmt: skip


@contextmanager
def project() -> Iterator[Path]:
    """A new project with a few files, and a state of its own."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as state:
        folder = Path(home).resolve() / "project"
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "models.py").write_text("class User:\n    name: str\n")
        (folder / "prompt.md").write_text("Write a function that greets a user.\n")
        (folder / "batch.jsonl").write_text(BATCH)
        (folder / "bad.jsonl").write_text('{"prompt": ""}\n{"custom_id": "r-2", "url": "/v1/nowhere"}\n{\n')
        unset = {name: "" for name in os.environ if name.startswith(("BRIDGE_", "OLLAMA_", "OPENAI_"))}
        with chdir(folder), mock.patch.dict(os.environ, {**unset, "BRIDGE_STATE_DIR": state, "COLUMNS": "100"}):
            for name in unset:
                os.environ.pop(name, None)
            yield folder


def transcript() -> list[Told]:
    """(step, exit code, masked output) of every step."""
    told: list[Told] = []
    with (
        project() as folder,
        LoopbackOllama(models=("qwen2.5-coder:7b",), answer=lambda _: BROKEN) as ollama,
        LoopbackOpenAI(models=("small", "large"), answer=lambda _: GOOD) as openai,
    ):
        for step in STEPS:
            line = step.command.format(ollama=ollama.url, openai=openai.url)
            done = CliRunner().invoke(main, shlex.split(line), prog_name="bridge")
            told.append((step, done.exit_code, masked(done.output, folder)))
    return told


def masked(text: str, folder: Path) -> str:
    """Without what differs from run to run."""
    text = text.replace(str(folder) + "/", "").replace(str(folder), "~/project")
    text = re.sub(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "<id>", text)
    text = re.sub(r"127\.0\.0\.1:\d{2,5}", "127.0.0.1:<port>", text)
    text = re.sub(r"\b[\d.]+ (?:tokens/s|s|min|h)\b", "<time>", text)
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def render(told: list[Told]) -> str:
    """The page."""
    pieces = [
        "# A tour in forty commands",
        "Made by `python -m tests.first_run.tour` from a run of these commands; a test runs them again and compares. The servers are stand-ins\n"
        "on this machine, so the answers are made up; ids, times and ports are masked. Long outputs are cut at `…`.",
    ]
    block: list[str] = []
    for step, code, output in told:
        if step.words and block:
            pieces.append("```console\n" + "\n".join(block) + "\n```")
            block = []
        if step.words:
            pieces.append(step.words)
        shown = step.command.replace("{ollama}", "http://127.0.0.1:11434").replace(
            "{openai}", "http://127.0.0.1:8000/v1"
        )
        lines = output.split("\n") if output else []
        block += [f"$ bridge {shown}", *lines[: step.most_lines], *(["…"] if len(lines) > step.most_lines else [])]
        block += [f"(exit code {code})"] if code else []
    pieces.append("```console\n" + "\n".join(block) + "\n```")
    return "\n\n".join(pieces) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render(transcript()), encoding="utf-8")
