"""`bridge service check`."""

from __future__ import annotations

import sys

import click

from bridge.cli import base
from bridge.cli.base import command as _command  # not a command of its own: `service` has it
from bridge.cli.duration import DURATION
from bridge.cli.trailing import name_and_options


@_command("check", of_queue=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[smoke|integration|performance] [-- OPTIONS]")
@click.option("--url", help="Address of the gateway (default: the one that runs here, else one is started).")
@click.option("--model", help="Model to ask (default: the gateway's).")
@click.option(
    "--load-time",
    type=DURATION,
    default=60.0,
    metavar="D",
    help="How long 20 users ask, in the check performance (default 1min).",
)
def check(*, words: tuple[str, ...], url: str | None, model: str | None, load_time: float, as_json: bool) -> None:
    """Check the gateway that runs, or start one for it on a free port. Exit code 3 if something is not as it should be.

    \b
    smoke         it lives, has a model, and answers once; under 30 s
    integration   every family, streams, a background job and a batch through the queue, tokens; under 300 s
    performance   time to the first token, added time, 20 users at once; under 600 s

    With OPTIONS of `bridge serve` after `--`, one is started in any case.
    """
    from bridge import wiring
    from bridge.setup.service.check.base import CheckLevel, StepOutcome, run_steps
    from bridge.setup.service.check.client import GatewayClient
    from bridge.setup.service.check.levels import steps_of
    from bridge.setup.service.check.target import gateway_to_check

    level_name, options = name_and_options(words, tuple(level.value for level in CheckLevel))
    level = CheckLevel(level_name)

    with base.busy(f"checking ({level.value})"), gateway_to_check(url, options) as found:
        client = GatewayClient(found.url, token=wiring.gateway_token(), model=model, limit_s=level.limit_s)
        reports = run_steps(steps_of(level, load_s=load_time), client)
        client.close()
    failed = any(report.outcome is StepOutcome.FAILED for report in reports)
    if as_json:
        facts = {"level": level.value, "url": found.url, "how": found.how, "ok": not failed}
        base.print_json({**facts, "steps": [report.to_json() for report in reports]})
    else:
        base.say(f"{found.url}, {found.how}")
        rows = [(step.outcome.value, step.name, f"{step.seconds:.2f} s", step.detail) for step in reports]
        base.print_table(["", "step", "took", "found"], rows)
    if failed:
        sys.exit(3)
