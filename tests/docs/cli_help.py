"""docs/cli.md, made from the commands themselves. `python -m tests.docs.cli_help` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from bridge.cli import main
from bridge.cli.app import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"

INTRO = """# The commands

Made from `--help` by `python -m tests.docs.cli_help`; a test compares. The queue is found by `--queue PATH`, `BRIDGE_QUEUE`,
`queue` in the `bridge.toml` of this folder or the nearest parent, else it is `notebooks/qwen_bridge.ipynb`.
[settings.md](settings.md) has all that `bridge.toml` and the environment may say.

A job is called by its id, an unambiguous start of it, its end (four characters at least; lists show six), or its key. Exit codes: 0 done, 1 the job's own failure, 2 wrong use, 3 the outside
world failed, 124 timed out, 130 interrupted. With `--json`, an error is `{"error": {"kind", "message", "exit_code"}}`.

`bridge completion SHELL` makes a shell complete all of it. Linux has another `bridge`, of iproute2, in `/sbin`: if that one
answers, call `qwen-bridge`, which is the same command ([state.md](state.md)). [batch.md](batch.md) has every field of a batch line.

## JSON of a job

In lists: `id`, `state`, `part` (number of its notebook, or null), `archive` (name of its archive notebook, or null), `caller`, `batch`,
`key`, `model`, `lang`, `priority`, `parent`, `created_at`, `finished_at`, `seconds`, `problem` (why its cell is not believed), `verdict`.
`bridge show` adds `round`, `options`, `prompt`, `answer`, `error`, `cancelled_by`, `finish_reason`, `tool_calls`, `attempt`, `usage`, `timing_s`,
`worker`, `attempts`, `outcome`.

`bridge demo --json` prints `engine` (`kind`, `model`, `about`), `folder`, `queue`, `outbox`, `project`, `jobs` (of each `job`, `name`,
`language`, `state`, `verdict`, `level`, `rounds`, `seconds`, `file`), `applied` (`job`, `files`), `seconds` and `complete`.

## Models that `bridge demo --download` fetches

Qwen2.5-Coder-Instruct in 4 bits (Q4_K_M) from its makers' pages on Hugging Face: 0.5b (0.5 GB), 1.5b (1.1 GB), 3b (2.1 GB) or 7b
(4.7 GB). The exact size is said, and asked about, first. A download that breaks off goes on where it stopped; the file gets its name
only when its SHA-256 is what the hub says. It is kept below the user's cache folder, or `BRIDGE_CACHE_DIR`; `HF_ENDPOINT` names
another hub. The code was tried against a loopback server that speaks the hub's protocol as its documents describe it, never
against the hub itself: there was no internet where it was written.
"""


def render() -> str:
    """The whole page."""
    sections = [INTRO]
    for path in _paths():
        told = CliRunner().invoke(main, [*path, "--help"], prog_name="bridge", terminal_width=100)
        sections.append(f"## bridge {' '.join(path)}\n\n```\n{told.stdout.strip()}\n```\n")
    return "\n".join(sections)


def _paths() -> Iterator[tuple[str, ...]]:
    """Every command, and after a group all that it holds."""
    for name in COMMANDS:
        yield (name,)
        command = main.get_command(click.Context(main), name)
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.commands)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
