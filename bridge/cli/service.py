"""`bridge service`: install, start, stop, restart, status, logs, uninstall, check."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from bridge.cli import base
from bridge.cli.duration import DURATION
from bridge.core.errors import UsageError

if TYPE_CHECKING:
    from bridge.setup.service.base import ServiceRole, ServiceSpec
    from bridge.setup.service.operate import ServiceDesk, ServiceReport

_ROLES = ("serve", "work")
#: Keep in sync with `ManagerKind` (a test compares).
MANAGERS = ("auto", "systemd", "launchd", "windows", "detached")

_role = click.argument("role", type=click.Choice(_ROLES), default="serve", metavar="[serve|work]")


@click.group("service")
def command() -> None:
    """Keep `bridge serve` or `bridge work` running in the background, and check that the gateway does its work.

    \b
    bridge service install serve -- --engine ollama --port 11452
    bridge service start
    bridge service check

    A user unit of systemd, an agent of launchd, or a task of Windows; where there is none of them, a process of our own.
    """


@base.command("install", of_queue=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[serve|work] [-- OPTIONS]")
@click.option("--manager", type=click.Choice(MANAGERS), default="auto", show_default=True, help="Who keeps it running.")
@click.option(
    "--log-bytes",
    type=click.IntRange(1_000),
    default=5_000_000,
    show_default=True,
    help="Size of a log file before the next one; four are kept.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
def install(*, words: tuple[str, ...], manager: str, log_bytes: int, dry_run: bool, as_json: bool) -> None:
    """Install a service that runs in this folder; what stands after `--` are options of its command.

    It does not start yet: `bridge service start` does that. Installed again, it is stopped and replaced.
    """
    spec, remarks = _planned(*_words(words), manager=manager, log_bytes=log_bytes)
    desk = _desk()
    files = [{"path": str(file.path), "text": file.text} for file in desk.planned(spec)]
    if not dry_run:
        remarks = [*remarks, *desk.install(spec)]
    if as_json:
        told = {"service": spec.role.value, "manager": spec.manager.value, "dry_run": dry_run, "files": files}
        base.print_json({**told, "command": list(spec.command), "remarks": remarks})
        return
    for file in files:
        base.show(f"# {file['path']}\n{file['text']}" if dry_run else file["path"])
    for remark in remarks:
        base.say(remark)
    if not dry_run:
        base.say(f"installed ({spec.manager.value}): `bridge service start {spec.role.value}` starts it")


@base.command("start", of_queue=False)
@_role
def start(*, role: str, as_json: bool) -> None:
    """Start it, and wait until it answers. Exit code 3, with its last words, if it does not."""
    desk, spec = _desk(), _spec(role)
    with base.busy("starting"):
        report = desk.start(spec)
    _print(report, spec.role, as_json=as_json)


@base.command("stop", of_queue=False)
@_role
def stop(*, role: str, as_json: bool) -> None:
    """Stop it; what is under way gets a few seconds to end."""
    desk, spec = _desk(), _spec(role)
    with base.busy("stopping"):
        desk.stop(spec)
    _print(desk.report(spec), spec.role, as_json=as_json)


@base.command("restart", of_queue=False)
@_role
def restart(*, role: str, as_json: bool) -> None:
    """Stop it and start it again."""
    desk, spec = _desk(), _spec(role)
    with base.busy("restarting"):
        desk.stop(spec)
        report = desk.start(spec)
    _print(report, spec.role, as_json=as_json)


@base.command("status", of_queue=False)
@_role
def status(*, role: str, as_json: bool) -> None:
    """Say how it is. Exit code 3 if it does not run."""
    from bridge.setup.service.base import ServiceRole, ServiceStatus
    from bridge.setup.service.operate import ServiceReport, installed, services_home

    spec = installed(ServiceRole(role), services_home())
    report = _desk().report(spec) if spec else ServiceReport(spec=None, status=ServiceStatus(running=False))
    _print(report, ServiceRole(role), as_json=as_json)
    if not report.status.running:
        sys.exit(3)


@base.command("logs", of_queue=False)
@_role
@click.option("--lines", "-n", type=click.IntRange(1), default=50, show_default=True, help="How many, from the end.")
def logs(*, role: str, lines: int, as_json: bool) -> None:
    """Print the last lines that it wrote."""
    told = _desk().logs(_spec(role), lines)
    base.print_json({"lines": told.splitlines()}) if as_json else base.verbatim(told)


@base.command("uninstall", of_queue=False)
@_role
def uninstall(*, role: str, as_json: bool) -> None:
    """Stop it and take it away; its log stays."""
    desk, spec = _desk(), _spec(role)
    desk.uninstall(spec)
    base.print_json({"service": role, "installed": False}) if as_json else base.show(f"{spec.name} is uninstalled")


@base.command("check", of_queue=False)
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

    level_name, options = _words(words, names=tuple(level.value for level in CheckLevel))
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


def _desk() -> ServiceDesk:
    from bridge.setup.service.health import health_of
    from bridge.setup.service.operate import ServiceDesk
    from bridge.setup.service.programs import SystemPrograms

    return ServiceDesk(SystemPrograms(), health_of=health_of)


def _spec(role: str) -> ServiceSpec:
    """What is installed. Raises UsageError."""
    from bridge.setup.service.base import ServiceRole
    from bridge.setup.service.operate import needed, services_home

    return needed(ServiceRole(role), services_home())


def _words(words: Sequence[str], *, names: tuple[str, ...] = _ROLES) -> tuple[str, tuple[str, ...]]:
    """One of the names, by default the first, and the options after it. Raises UsageError."""
    name, rest = (words[0], words[1:]) if words and words[0] in names else (names[0], words)
    if rest and not rest[0].startswith("-"):
        known = f"{', '.join(names[:-1])} or {names[-1]}"
        raise UsageError(f"{rest[0]} is none of them: write {known}, and options of the command after `--`")
    return name, tuple(rest)


def _planned(role: str, options: tuple[str, ...], *, manager: str, log_bytes: int) -> tuple[ServiceSpec, list[str]]:
    """The service that is meant, and what a person should know of it. Raises UsageError, also on a wrong option."""
    from bridge import wiring
    from bridge.setup.service.base import ManagerKind, ServiceRole, ServiceSpec
    from bridge.setup.service.environment import kept_variables, secret_variables
    from bridge.setup.service.managers import choose_manager
    from bridge.setup.service.operate import services_home
    from bridge.setup.service.programs import SystemPrograms

    asked = _checked(role, options)
    if role == "work" and asked.get_parameter_source("until_empty") is not ParameterSource.COMMANDLINE:
        options = (*options, "--forever")
    chosen, why = choose_manager(SystemPrograms()) if manager == "auto" else (ManagerKind(manager), "")
    settings = wiring.loaded_settings(asked.params.get("queue")).valid()
    spec = ServiceSpec(
        role=ServiceRole(role), manager=chosen, home=services_home(), folder=Path.cwd(), python=sys.executable,
        options=options, environment=kept_variables(os.environ), log_bytes=log_bytes,
    )  # fmt: skip
    if role == "serve":
        spec = replace(spec, host=asked.params["host"], port=asked.params["port"])
    secrets = secret_variables(os.environ, (engine.key_env for engine in settings.engines.values() if engine.key_env))
    remarks = [f"{why}: it runs as a process of its own"] if why else []
    if secrets:
        told = ", ".join(secrets)
        remarks.append(
            f"secrets are not written into a service ({told}): put NAME=value lines into {spec.variables_file}"
        )
    return spec, remarks


def _checked(role: str, options: Sequence[str]) -> click.Context:
    """The options as their command reads them; nothing runs. click reports what is wrong."""
    meant = importlib.import_module(f"bridge.cli.{role}").command
    assert isinstance(meant, click.Command)  # narrows the type
    asked = meant.make_context(f"bridge {role}", list(options))
    if asked.params.get("new_token"):
        raise UsageError("--new-token makes a token and ends: run it by itself")
    return asked


def _print(report: ServiceReport, role: ServiceRole, *, as_json: bool) -> None:
    if as_json:
        base.print_json(report.to_json(role))
        return
    if report.spec is None:
        base.show(f"{role.value} is not installed")
        return
    state = report.status
    rows = [
        ("service", f"{report.spec.name} ({report.spec.manager.value})"),
        ("state", ("running" if state.running else "not running") + (f": {state.detail}" if state.detail else "")),
        ("process", state.pid),
        ("restarts", state.restarts or None),
        ("last exit", state.last_exit),
        ("address", report.url),
        ("health", report.health or ("no answer" if report.url and state.running else None)),
    ]
    for name, value in rows:
        if value is not None:
            base.show(f"{name + ':':<11}{value}")


for inner in (install, start, stop, restart, status, logs, uninstall, check):
    command.add_command(inner)
