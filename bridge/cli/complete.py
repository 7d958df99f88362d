"""What a shell completes: job ids, engines, files. Quick and silent: whatever goes wrong completes nothing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from click import Context, Parameter
    from click.shell_completion import CompletionItem


def jobs(ctx: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Ids of the queue that is meant, newest first, with state and language."""
    from click.shell_completion import CompletionItem

    with contextlib.suppress(Exception):
        from bridge.core.text import line
        from bridge.wiring.queue import newest_jobs

        given = set(ctx.params.get("ids") or ())
        found = newest_jobs(ctx.params.get("queue"), incomplete.upper())
        told = {job.id: " ".join(filter(None, (job.state.value, job.lang))) for job in found}
        return [CompletionItem(line(job, 40), help=line(about, 80)) for job, about in told.items() if job not in given]
    return []


def engines(_ctx: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Kinds of engine, and engines of bridge.toml."""
    from click.shell_completion import CompletionItem

    with contextlib.suppress(Exception):
        from bridge.wiring import ENGINES, loaded_settings

        own = {
            name: f"{engine.kind.value}, of bridge.toml" for name, engine in loaded_settings().settings.engines.items()
        }
        return [
            CompletionItem(name, help=about)
            for name, about in {**ENGINES, **own}.items()
            if name.startswith(incomplete)
        ]
    return []


def files(_ctx: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever the shell itself completes as a file."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def folders(_ctx: Context, _parameter: Parameter, incomplete: str) -> list[CompletionItem]:
    """Whatever the shell itself completes as a folder."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="dir")]
