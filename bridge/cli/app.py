"""`bridge`: the commands, each imported when it is called, so that `--help` and `add` start fast."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from bridge.cli.groups import Group

#: {heading of `--help`: {command: (module in bridge.cli, one line of help)}}, in this order.
SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Everyday": {
        "demo": ("demo", "Show everything once, in a new folder, with the first engine that answers."),
        "init": ("init", "Make a new queue: its notebook, what Colab needs beside it, and bridge.toml."),
        "add": ("add", "Add prompts; prints one job id a line."),
        "run": ("run", "Add, work and watch in one process, until all is handed over."),
        "wait": ("wait", "Wait for jobs until they are answered and checked."),
        "apply": ("apply", "Write a job's code into your project."),
        "status": ("status", "The queue at a glance."),
        "list": ("listing", "List jobs, oldest first."),
        "show": ("show", "Show one job: what went wrong, its answer, its code, its prompt."),
        "retry": ("retry", "Put finished or cancelled jobs back into the queue."),
        "edit": ("edit", "Change the prompt or the options of a job."),
        "cancel": ("cancel", "Cancel jobs."),
    },
    "Workers and servers": {
        "work": ("work", "Answer the jobs, unattended, with an engine of your choice."),
        "top": ("top", "Watch the queue live: jobs, workers, results, errors."),
        "models": ("models", "List, fetch, load and remove models."),
        "engines": ("engines", "List the engines of bridge.toml; add Gemini, Groq, Anthropic and others."),
        "route": ("route", "Say which target answers a request, and why; switch targets off and on."),
        "usage": ("usage", "Show what the router's calls were: answers, errors, times, tokens, cost."),
        "serve": ("serve", "Serve any client of OpenAI's, Anthropic's or Ollama's API."),
        "service": ("service", "Keep the server or a worker running in the background, and check that it works."),
        "mcp": ("mcp", "Serve agents that speak the Model Context Protocol, on standard input and output."),
        "sync": ("sync", "Keep the queue and its copy on Google Drive in sync."),
    },
    "Results": {
        "watch": ("watch", "Check finished answers and hand them over, until stopped."),
        "answer": ("answer", "Give a job an answer that you bring from elsewhere."),
        "export": ("export", "Export results as OpenAI Batch lines."),
        "report": ("report", "Make one HTML page about a queue or a batch."),
    },
    "Upkeep": {
        "doctor": ("doctor", "Check everything, and say what to do."),
        "config": ("config", "Show, check and change settings."),
        "auth": ("auth", "Sign in to Google Drive, see who is signed in, sign out."),
        "key": ("key", "Show, rotate or import the key that answers are signed with."),
        "archive": ("archive", "Move finished jobs to the archive."),
        "forget": ("forget", "Delete jobs for good."),
        "purge": ("purge", "Delete old jobs for good."),
        "rebuild": ("rebuild", "Make the journal from the notebooks, or the notebooks from the journal."),
        "refresh": ("refresh", "Bring the queue's first cells up to this version."),
        "completion": ("completion", "Print a shell completion script."),
    },
}
#: All of them, without headings.
COMMANDS: Mapping[str, tuple[str, str]] = {
    name: told for section in SECTIONS.values() for name, told in section.items()
}


class LazyGroup(Group):
    """A group that knows its commands by name and imports one only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """All names, in our order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command of that name."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"bridge.cli.{COMMANDS[name][0]}")
        command = module.command
        assert isinstance(command, click.Command)  # narrows the type
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        """The list of commands, without importing any."""
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, help="Versions of this package, of Python, and of the tools it finds; with --json too."
)
@click.option("--json", "as_json", is_flag=True, hidden=True)
@click.pass_context
def main(ctx: click.Context, *, version: bool, as_json: bool) -> None:
    """Batches of coding prompts on a free GPU, with a notebook as the database.

    \b
    bridge demo                                    see everything once, without account or GPU
    bridge init ~/"Google Drive/My Drive/queue"    make a queue where Colab can open it
    bridge add "Write a function that ..." --lang python --out src/x.py
    bridge wait ID && bridge apply ID              checked code, into your project

    The queue is found by --queue, BRIDGE_QUEUE, bridge.toml here or in a parent folder, or else it is
    notebooks/qwen_bridge.ipynb. Every command takes --json, and a job is called by its id, the start
    or the end of it, or its key.

    Exit codes: 0 done, 1 the job's own failure, 2 wrong use, 3 the outside world failed, 124 timed out, 130 interrupted.
    """
    if version:
        from bridge.cli.version import show

        show(as_json=as_json)
        ctx.exit()
    if as_json:
        raise click.UsageError("--json stands after the command: bridge COMMAND --json")
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)  # noqa: TID251  # our own words
        ctx.exit(2)
