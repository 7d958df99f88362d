"""`bridge auth`: login, status, logout."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from bridge.cli import base
from bridge.cli.groups import Group
from bridge.core.errors import UsageError


@click.group("auth", cls=Group)
def command() -> None:
    """Sign in to Google Drive, see who is signed in, sign out.

    \b
    bridge auth login
    bridge auth status

    Needed only where queues lie in Drive itself, not in a folder that a client syncs. docs/drive.md has it step by step.
    """


@base.command("login", of_queue=False)
@click.option("--client", metavar="FILE", help="client_secret.json of your OAuth client (or BRIDGE_GOOGLE_CLIENT).")
@click.option(
    "--service-account", metavar="KEY.json", help="Sign a service account in instead; its key stays where it is."
)
@click.option("--full-drive", is_flag=True, help="Every file of the account, not only those made with your client.")
@click.option("--no-browser", is_flag=True, help="Only print the address; open it yourself, on this machine.")
@click.option(
    "--timeout", type=click.FloatRange(1), default=180.0, metavar="S", help="Seconds to consent. Default: 180."
)
def login(
    *,
    client: str | None,
    service_account: str | None,
    full_drive: bool,
    no_browser: bool,
    timeout: float,
    as_json: bool,
) -> None:
    """Sign in, in the browser, or as a service account.

    By default Qwen Bridge may only see files that were made, or given to it, with your OAuth client (scope drive.file): so
    this machine and the Colab side must use the same client. With --full-drive it may see and change all your files. While
    your client is in "Testing", Google ends the access after a week.
    """
    from bridge.transports.drive import login as google

    if client and service_account:
        raise UsageError("give either --client or --service-account")
    if service_account:
        google.sign_in_robot(Path(service_account), full=full_drive, tell=base.say)
    else:
        google.sign_in(
            client_file=Path(client) if client else None,
            full=full_drive,
            open_browser=not no_browser,
            timeout_s=timeout,
            tell=base.say,
        )
    _print(google.standing(), as_json=as_json)


@base.command("status", of_queue=False)
@click.option("--check", is_flag=True, help="Ask Google whether the sign-in still works.")
def status(*, check: bool, as_json: bool) -> None:
    """Who is signed in, for what, and until when. Exit code 3 if nobody is, or if the check fails."""
    from bridge.transports.drive import login as google

    standing = google.standing(check=check)
    _print(standing, as_json=as_json)
    if standing.source is None or standing.works is False:
        sys.exit(3)


@base.command("logout", of_queue=False)
def logout(*, as_json: bool) -> None:
    """Revoke the access at Google, if it can be reached, and delete what is stored here in any case."""
    from bridge.transports.drive import login as google

    done = google.sign_out()
    if as_json:
        base.print_json(done.to_json())
        return
    base.show("deleted from this machine" if done.deleted else "nothing was stored on this machine")
    if done.revoked:
        base.show("revoked at Google")
    elif done.deleted:
        base.show(f"not revoked at Google: {done.why_not}")
        base.say("https://myaccount.google.com/permissions is where a person takes access back")


def _print(standing: object, *, as_json: bool) -> None:
    from bridge.transports.drive.login import Standing

    assert isinstance(standing, Standing)  # its module is imported late
    if as_json:
        base.print_json(standing.to_json())
        return
    if standing.source is None:
        base.show("nobody is signed in: run `bridge auth login`" if not standing.problem else standing.problem)
        return
    rows: list[tuple[str, object]] = [
        ("account", standing.account or "unknown"),
        ("kind", standing.kind and standing.kind.value.replace("_", " ")),
        ("from", standing.source),
        ("scopes", ", ".join(scope.rpartition("/")[2] for scope in standing.scopes)),
    ]
    if standing.expires_at:
        left_s = (standing.expires_at - datetime.now(UTC)).total_seconds()
        rows.append(("access token", f"{base.span(left_s)} left" if left_s > 0 else "ended; renewed at its next use"))
    if standing.works is not None:
        rows.append(("renewal", "works" if standing.works else standing.problem))
    for name, value in rows:
        base.show(f"{name + ':':<14}{value}")


for inner in (login, status, logout):
    command.add_command(inner)
