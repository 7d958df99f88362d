"""`bridge init`."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.cli import base


@base.command("init")
@click.argument("folder", metavar="[DIR]", default="notebooks", type=click.Path(file_okay=False))
@click.option("--examples", is_flag=True, help="With three example jobs.")
@click.option("--config/--no-config", default=True, help="Write bridge.toml here, so that commands find the queue.")
def command(folder: str, *, examples: bool, config: bool, queue: str | None, as_json: bool) -> None:
    """Make a new queue in DIR (default: notebooks), which may be a folder that Drive syncs.

    \b
    bridge init
    bridge init ~/"Google Drive/My Drive/queue" --examples

    \b
    Writes DIR/qwen_bridge.ipynb       the queue, with a new queue_id
           DIR/setup_ollama.ipynb      sets Ollama up in Colab and works on the queue unattended
           DIR/qwen_bridge-*.whl       this package, for that notebook: pip installs it without an index
           bridge.toml                 here: says where the queue is

    Nothing that is there is overwritten.
    """
    from bridge.setup import create

    made = create.create_queue(
        Path.cwd(), queue or str(Path(folder) / "qwen_bridge.ipynb"), examples=examples, config=config
    )
    if as_json:
        files = [str(file) for file in made.files]
        base.print_json(
            {"queue_id": made.queue_id, "queue": str(made.queue), "files": files, "folder": str(made.mount)}
        )
        return
    for file in made.files:
        base.show(file)
    if made.mount.client.means:
        base.say(f"who holds this folder: {made.mount}; {made.mount.client.means}")
    base.say('next, `bridge add "Write a function that ..."`, then open the notebook in Colab')
