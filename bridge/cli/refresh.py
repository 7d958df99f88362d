"""`bridge refresh`."""

from __future__ import annotations

from bridge.cli import base


@base.command("refresh")
def command(*, queue: str | None, as_json: bool) -> None:
    """Bring the runtime and setup cells of the queue's notebooks up to this version of the package.

    \b
    bridge refresh
    bridge refresh --queue notebooks/qwen_bridge.ipynb

    Also the set-up notebook and the copy of the package beside the queue. Prompts, answers, a person's own notes and what
    was chosen in a form stay. Prints what changed; to be run after an update.
    """
    from bridge.setup import create

    changed = create.refresh_queue(queue, listener=base.tell)
    if as_json:
        base.print_json({"files": [str(file) for file in changed]})
        return
    for file in changed:
        base.show(file)
    if not changed:
        base.say("all is of this version")
