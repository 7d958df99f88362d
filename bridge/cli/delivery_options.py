"""What `bridge wait`, `bridge watch` and `bridge run` take of checking and of ways out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli import base

if TYPE_CHECKING:
    from bridge.api.views import JobView
    from bridge.delivery.notices import Notifier
    from bridge.wiring import Rules

#: `--repair`, `--max-rounds`, `--project-lint` and `--project`.
rule_options = base.options(
    click.option("--repair/--no-repair", default=True, help="Ask again about code that does not pass (default), or not."),
    click.option(
        "--max-rounds", default=2, show_default=True, type=click.IntRange(0, 3), help="Repair rounds at most."
    ),
    click.option(
        "--project-lint", is_flag=True, help="Ask this folder's own ruff, ESLint and tsc too; reads their configuration."
    ),
    base.folder_option(
        "--project", help="Try patches on this project's files, in memory."
    ),
)  # fmt: skip
#: `--outbox`, `--exec` and `--webhook`.
way_out_options = base.options(
    base.folder_option("--outbox", help="Write each result to DIR/<id>/."),
    click.option(
        "--exec", "program", metavar="CMD", help="Run CMD (no shell) for each result, JSON on its standard input."
    ),
    click.option("--webhook", metavar="URL", help="POST each result as JSON; signed if BRIDGE_WEBHOOK_SECRET is set."),
)

#: `--notify`.
notice_options = base.options(
    click.option(
        "--notify",
        multiple=True,
        metavar="HOW",
        help='Tell when all is done: `desktop`, a URL (POST), or a command such as "mail -s done me@host"; repeatable.',
    ),
)


def tell_done(notifiers: Sequence[Notifier], queue: str, views: Sequence[JobView]) -> None:
    """Tell that these jobs are done."""
    from bridge.delivery.notices import batch_done, send_to_all

    outcomes = {view.id: view.verdict or view.state.value for view in views}
    send_to_all(notifiers, batch_done(queue, outcomes), base.tell)


def rules(*, repair: bool, max_rounds: int, project_lint: bool, project: str | None) -> Rules:
    """The rules that these options say; warns if the project's configuration is going to be read."""
    from bridge.wiring import Rules

    if project_lint:
        from bridge.checking.project_lint import WARNING

        base.say(WARNING)
    return Rules(
        max_rounds=max_rounds if repair else 0,
        project=Path.cwd() if project_lint else None,
        patch_root=Path(project) if project else None,
    )
