"""A group of commands that says which one was meant, where there is none of that name."""

from __future__ import annotations

import click

from bridge.core.text import plain

#: What people type who know other tools.
MEANT = {
    "ls": "list", "jobs": "list", "rm": "forget", "delete": "forget", "get": "show", "cat": "show", "view": "show",
    "enqueue": "add", "submit": "add", "push": "add", "start": "work", "worker": "work", "results": "export",
    "stop": "cancel", "kill": "cancel", "settings": "config", "new": "init", "create": "init", "login": "auth",
    "server": "serve", "rerun": "retry", "clean": "purge",
}  # fmt: skip


class Group(click.Group):
    """The group."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a guess where there is no such command."""
        if not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise click.UsageError(f"there is no command {plain(args[0])!r}; {self._hint(ctx, args[0])}", ctx)
        return super().resolve_command(ctx, args)

    def _hint(self, ctx: click.Context, name: str) -> str:
        from difflib import get_close_matches

        names = self.list_commands(ctx)
        meant = MEANT.get(name) or next(iter(get_close_matches(name, names, n=1)), None)
        if meant in names:
            return f"did you mean `{ctx.command_path} {meant}`?"
        return f"`{ctx.command_path} --help` lists them"
