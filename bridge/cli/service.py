"""`bridge service`: install, start, stop, restart, status, logs, uninstall, check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from bridge.cli import base, service_check
from bridge.cli.groups import Group
from bridge.cli.service_plan import planned
from bridge.cli.trailing import name_and_options

if TYPE_CHECKING:
    from bridge.setup.service.base import ServiceRole, ServiceSpec
    from bridge.setup.service.operate import ServiceDesk, ServiceReport

_ROLES = ("serve", "work")
#: Keep in sync with `ManagerKind` (a test compares).
MANAGERS = ("auto", "systemd", "launchd", "windows", "detached")

_role = click.argument("role", type=click.Choice(_ROLES), default="serve", metavar="[serve|work]")


@click.group("service", cls=Group)
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
    spec, remarks = planned(*name_and_options(words, _ROLES), manager=manager, log_bytes=log_bytes)
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


for inner in (install, start, stop, restart, status, logs, uninstall, service_check.check):
    command.add_command(inner)
