"""`bridge completion`."""

from __future__ import annotations

import click

from bridge.cli import base

#: {shell: where its script belongs}
_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/bridge",
    "zsh": "a folder of your fpath, as the file _bridge, before compinit runs",
    "fish": "~/.config/fish/completions/bridge.fish",
}


@base.command("completion", of_queue=False)
@click.argument("shell", type=click.Choice(list(_PLACES)))
def command(*, shell: str, as_json: bool) -> None:
    """Print what makes your shell complete commands, options, job ids, states, engines and files.

    \b
    bridge completion bash > ~/.local/share/bash-completion/completions/bridge
    bridge completion zsh  > ~/.zfunc/_bridge      # with fpath+=~/.zfunc before compinit
    bridge completion fish > ~/.config/fish/completions/bridge.fish

    Job ids come from the journal of the queue that is meant; nothing is read from Drive for them.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    from bridge.cli.app import main

    found = get_completion_class(shell)
    assert found is not None  # click knows all three
    complete = found(main, {}, "bridge", "_BRIDGE_COMPLETE")
    script = ShellComplete.source(complete)  # bash's own asks the bash of this machine for its version first
    if as_json:
        base.print_json({"shell": shell, "place": _PLACES[shell], "script": script})
        return
    base.verbatim(script + "\n")
    base.say(f"it belongs into {_PLACES[shell]}; a new shell reads it")
