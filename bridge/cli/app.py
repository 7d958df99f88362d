"""`bridge`: the commands, each imported when it is called, so that `--help` and `add` start fast."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

#: {command: (module in bridge.cli, one line of help)}, in the order of `--help`.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "Show everything once, in a new folder, with the first engine that answers."),
    "init": ("init", "Make a new queue: its notebook, what Colab needs beside it, and bridge.toml."),
    "add": ("add", "Add prompts; prints one job id a line."),
    "work": ("work", "Answer the jobs, unattended, with an engine of your choice."),
    "watch": ("watch", "Check finished answers and hand them over, until stopped."),
    "wait": ("wait", "Wait for jobs, checked."),
    "apply": ("apply", "Write a job's code into your project."),
    "run": ("run", "Add, work and watch in one process, until all is handed over."),
    "sync": ("sync", "Keep the queue and its copy on Google Drive one."),
    "models": ("models", "Models: which there are and fit, fetching, removing, loading them."),
    "engines": ("engines", "Engines of bridge.toml: list them, add Gemini, Groq, Anthropic and others."),
    "route": ("route", "Which target answers a request, and why; targets off and on."),
    "usage": ("usage", "What the router's calls were: answers, errors, times, tokens, cost."),
    "serve": ("serve", "A server for any client of OpenAI's, Anthropic's or Ollama's API."),
    "service": ("service", "Keep the gateway or a worker running in the background, and check that it works."),
    "mcp": ("mcp", "A server for agents that speak the Model Context Protocol, on standard input and output."),
    "status": ("status", "The queue at a glance."),
    "top": ("top", "The queue, live: jobs, workers, hand-overs, errors; retries and cancels by key."),
    "list": ("listing", "The jobs, oldest first."),
    "show": ("show", "One job: facts, answer, code, or the prompt to paste elsewhere."),
    "answer": ("answer", "Give a job an answer that you bring from elsewhere."),
    "cancel": ("cancel", "Cancel jobs."),
    "retry": ("retry", "Put finished or cancelled jobs back into the queue."),
    "archive": ("archive", "Move finished jobs to the archive."),
    "export": ("export", "Results as OpenAI Batch lines."),
    "report": ("report", "One page of HTML about a queue or a batch."),
    "rebuild": ("rebuild", "Make the journal from the notebooks, or the notebooks from the journal."),
    "refresh": ("refresh", "Bring the queue's first cells up to this version."),
    "config": ("config", "Settings: what holds here, where each value comes from, and what is wrong."),
    "key": ("key", "The key that answers are signed with: show it for Colab, rotate it, bring one from elsewhere."),
    "auth": ("auth", "Sign in to Google Drive, see who is signed in, sign out."),
    "doctor": ("doctor", "Check everything, and say what to do."),
    "completion": ("completion", "Print a shell completion script."),
}


class LazyGroup(click.Group):
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
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


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
    notebooks/qwen_bridge.ipynb. Every command takes --json, and an unambiguous start of a job's id is enough.

    Exit codes: 0 done, 1 the job's own failure, 2 wrong use, 3 the outside world failed, 124 timed out.
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
