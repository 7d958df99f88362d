"""`bridge demo`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli import base, complete
from bridge.cli.download_bar import download_bar
from bridge.core.errors import UsageError

if TYPE_CHECKING:
    from bridge.api.local_run import LocalRun
    from bridge.cli.progress import Reporter
    from bridge.setup.demo import DemoFolder, Story
    from bridge.wiring import Choice

#: What `--download` takes; keep in sync with `models/fetch.py` (a test compares).
_SIZES = ("0.5b", "1.5b", "3b", "7b")


@base.command("demo", of_queue=False)
@click.option(
    "--engine",
    metavar="KIND",
    shell_complete=complete.engines,
    help="ollama, openai, llamacpp, or scripted (a fake); default: look.",
)
@click.option("--model", help="The model, as the engine names it; default: its largest coder model.")
@base.file_option(
    "--gguf", metavar="FILE|tiny", help="Answer with this file, by llama.cpp; `tiny`: a toy that ships with it."
)
@click.option("--base-url", metavar="URL", help="Server URL (OpenAI-compatible or Ollama).")
@base.folder_option("--folder", help="A folder that is new or empty; default: bridge-demo, here.")
@click.option("--download", type=click.Choice(_SIZES), help="Fetch Qwen2.5-Coder of this size first, once, and use it.")
@click.option("--yes", is_flag=True, help="Agree to what would be asked: a download, or prompts to another machine.")
def command(
    *, engine: str | None, model: str | None, gguf: str | None, base_url: str | None, folder: str | None,
    download: str | None, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Show everything once, in a few seconds: no account, no GPU, nothing to download.

    \b
    bridge demo                     with the first engine that answers
    bridge demo --gguf tiny         with the toy model that ships with the package
    bridge demo --download 1.5b     with a real model: asks, fetches 1.1 GB, keeps it

    Makes a queue in a new folder, adds prompts, answers, checks and repairs them, hands each over to an outbox, and applies
    one result to a project. Looks for an engine in this order: Ollama with a coder model, OPENAI_BASE_URL, the toy. Nothing
    is sent to another machine unless you agree.

    Exit code 0 if every prompt has an answer that was checked, whatever the verdict.
    """
    from bridge import wiring
    from bridge.cli.progress import Reporter
    from bridge.setup.demo import NUM_CTX, Demo, make_place
    from bridge.worker.config import WorkerConfig

    gguf = _gguf(engine, gguf, download, yes=yes)
    choice = wiring.choose_engine(
        kind=engine, model=model, gguf=gguf, base_url=base_url, agree=lambda asked: yes or base.agreed(asked), say=base.say
    )  # fmt: skip
    base.say(f"the engine: {choice.about}")
    with wiring.prepared_engine(
        choice.settings, choice.model, lanes=2, num_ctx=NUM_CTX, say=base.say
    ) as (opened, models):  # fmt: skip
        chosen = models.default
        plan = WorkerConfig(model=chosen, lanes=2, forever=True, num_ctx=NUM_CTX, max_tokens=NUM_CTX // 2, poll_s=0.2)
        place = make_place(Path(folder) if folder else None)
        base.say(f"a new queue: {_shown(place.queue)}")
        reporter = Reporter(as_json=False)
        with Demo(place, listener=reporter.tell, now_s=time.monotonic) as demo:
            base.say(f"{demo.add()} prompts are in it; now they are answered, checked and, where they fail, repaired")
            story = demo.run(opened, plan, around=lambda local_run: _watched(reporter, local_run))
    if as_json:
        base.print_json(_json(choice, chosen, place, story))
    else:
        _print(place, story)
    sys.exit(0 if story.complete else 1)


def _gguf(engine: str | None, gguf: str | None, download: str | None, *, yes: bool) -> str | None:
    """The file that answers, fetched if that was asked for; None: none was named. Raises UsageError, DownloadFailed."""
    if download and gguf:
        raise UsageError("--download and --gguf each name a model: give one of them")
    if (download or gguf) and engine not in (None, "llamacpp"):
        raise UsageError(f"--download and --gguf are for the engine llamacpp, not {engine}")
    return str(_downloaded(download, yes=yes)) if download else gguf


def _downloaded(size: str, *, yes: bool) -> Path:
    """The model of a size: the one that is kept, or fetched now if that is agreed to. Raises UsageError, DownloadFailed."""
    from bridge import wiring

    hub = wiring.open_hub()
    if kept := hub.kept(size):
        return kept
    file = hub.look_up(size)
    base.say(
        f"{file.name} has {file.size_bytes / 1e9:.2f} GB; it is fetched from {hub.host} once, and kept in {hub.folder}"
    )
    if not (yes or base.agreed("Fetch it?")):
        raise UsageError("nothing was fetched: --yes agrees to it")
    with download_bar() as advance:
        return hub.fetch(file, advance)


@contextmanager
def _watched(reporter: Reporter, local_run: LocalRun) -> Iterator[None]:
    base.stop_on_signals(local_run.ask_to_stop)
    with reporter.watching(local_run.worker):
        yield


def _print(place: DemoFolder, story: Story) -> None:
    base.print_table(
        ("prompt", "language", "verdict", "level", "rounds", "seconds", "file"),
        [
            (r.name, r.language, r.verdict or r.state, r.level, r.rounds, r.seconds, _below(place, r.file))
            for r in story.rows
        ],
    )
    verdicts = Counter(row.verdict or row.state for row in story.rows)
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    repaired = sum(row.rounds > 0 for row in story.rows)
    base.show(f"\n{len(story.rows)} prompts in {story.seconds:.0f} s: {told}; {repaired} of them after a repair round")
    for file in story.written:
        base.show(f"`bridge apply` wrote {_shown(file)}")
    folder = _shown(place.folder)
    base.show(f"""
Look around:
{_activation()}  cd {folder}
  bridge list
  bridge show {story.rows[0].job} --code
  bridge apply {story.rows[-1].job} --root project --dry-run
  bridge report

The same on a GPU of Colab, with Qwen2.5-Coder 14B or 32B:
  1. Make a queue in a folder that Drive syncs: bridge init DIR
  2. Add prompts: bridge add "Write a function that ..." --lang python --out src/x.py
  3. Open qwen_bridge.ipynb from drive.google.com with Colaboratory, and choose a T4 GPU.
  4. Press Runtime > Run all.
  5. Back here: bridge wait ID, or bridge watch --outbox DIR""")


def _activation() -> str:
    """The line that puts our `bridge` on PATH, if it is not there (Linux has another one, of iproute2); empty otherwise."""
    scripts = Path(sys.prefix) / ("Scripts" if os.name == "nt" else "bin")
    found = shutil.which("bridge")
    if (found and Path(found).resolve().parent == scripts.resolve()) or sys.prefix == sys.base_prefix:
        return ""
    return f"  . {_shown(scripts / 'activate')}\n"


def _json(choice: Choice, model: str, place: DemoFolder, story: Story) -> dict[str, object]:
    return {
        "engine": {"kind": choice.kind, "model": model, "about": choice.about},
        "folder": str(place.folder),
        "queue": str(place.queue),
        "outbox": str(place.outbox),
        "project": str(place.project),
        "jobs": [row.to_json() for row in story.rows],
        "applied": {"job": story.applied, "files": [str(file) for file in story.written]},
        "seconds": round(story.seconds, 1),
        "complete": story.complete,
    }


def _shown(path: Path) -> str:
    """A path as one would type it here: relative, if it is below this folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _below(place: DemoFolder, file: Path | None) -> str:
    return file.relative_to(place.folder).as_posix() if file else ""
