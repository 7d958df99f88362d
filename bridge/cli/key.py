"""`bridge key`."""

from __future__ import annotations

import sys

import click

from bridge.cli import base
from bridge.core.errors import UsageError


@base.command("key")
@click.option(
    "--show", "what", flag_value="show", help="Print the newest key itself, for a Colab secret or another machine."
)
@click.option("--rotate", "what", flag_value="rotate", help="Make a new key; older ones still count until forgotten.")
@click.option("--add", "what", flag_value="add", help="Take a key of another machine from standard input.")
@click.option("--forget", metavar="ID", help="Let a key count no longer.")
def command(*, what: str | None, forget: str | None, queue: str | None, as_json: bool) -> None:
    """Show, rotate or import the key that workers sign their answers with, so that nobody else can give one.

    \b
    bridge key --show          the key: in Colab, add it as a secret named BRIDGE_QUEUE_KEY (the key symbol at the left)
    bridge key --add < FILE    on another machine; a worker may also have it in the environment, as BRIDGE_QUEUE_KEY
    bridge key --rotate        a new one, after somebody saw it: give it to Colab as well, then --forget the old one

    With [trust] require_signed in bridge.toml only signed answers count. A wrong signature never counts.
    """
    from bridge.setup import queue_key

    if forget and what:
        raise UsageError("--forget goes with no other option")
    if forget:
        found = queue_key.forget(queue, forget)
    elif what == "add":
        found = queue_key.add(queue, sys.stdin.read())
    else:
        found = queue_key.rotate(queue) if what == "rotate" else queue_key.facts(queue)
    if what == "show":
        if found.secret is None:
            raise UsageError("this machine has no key of the queue: `bridge key --rotate` makes one")
        base.verbatim(found.secret + "\n")
    elif as_json:
        base.print_json({"queue": found.queue, "keys": list(found.ids), "required": found.required})
    else:
        base.show(f"{found.queue}: {'answers must be signed' if found.required else 'answers need not be signed'}")
        base.print_table(["key", ""], [(one, "signs" if n == 0 else "counts") for n, one in enumerate(found.ids)])
