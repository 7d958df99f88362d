"""From a finished cell to the caller: reviewers, waits, watchers and channels. Imported where they are made."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.core.errors import ConfigError
from bridge.core.events import Listener
from bridge.core.job import NewJob
from bridge.format import template
from bridge.store import enqueue
from bridge.transports.mount import mount_of
from bridge.wiring.site import Opened, state_folder

if TYPE_CHECKING:
    from bridge.checking.examine import Toolchain
    from bridge.delivery.channels import Channel
    from bridge.delivery.dispatch import Dispatch
    from bridge.delivery.notices import Notifier
    from bridge.delivery.review import Reviewer
    from bridge.delivery.waiting import Waiter
    from bridge.delivery.watch import Watcher
    from bridge.transports.file_events import FileEvents


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How answers are checked."""

    max_rounds: int = 2  #: repair rounds at most; 0: ask nothing again
    project: Path | None = None  #: ask its own linters too
    patch_root: Path | None = None  #: try patches on its files, in memory; None: on those of `project`


def open_toolchain() -> Toolchain:
    """Tools to check with; they start when the first answer is looked at."""
    from bridge.checking.examine import Toolchain

    return Toolchain(kept=state_folder() / "tools")


def open_reviewer(opened: Opened, toolchain: Toolchain, rules: Rules, listener: Listener) -> Reviewer:
    """A reviewer of a queue. Its rounds of repair go into the queue as they are: it has looked for secrets in what it adds to a prompt."""
    from bridge.delivery.review import Reviewer

    def enqueue_rounds(jobs: list[NewJob]) -> list[enqueue.Added]:
        return enqueue.enqueue(opened.store, jobs, part_notes=template.part_notes, randomness=secrets.randbits(80))

    return Reviewer(
        store=opened.store,
        toolchain=toolchain,
        notify=listener,
        enqueue=enqueue_rounds,
        max_rounds=rules.max_rounds,
        project=rules.project,
        patch_root=rules.patch_root,
    )


def open_waiting(opened: Opened, toolchain: Toolchain | None, rules: Rules) -> Waiter:
    """A wait on a queue; with a toolchain, it reviews answers whenever nobody else does."""
    from bridge.delivery.waiting import Waiter

    store = opened.store
    reviewer = open_reviewer(opened, toolchain, rules, store.notify) if toolchain is not None else None
    return Waiter(
        store=store,
        reviewer=reviewer,
        file_events=local_file_events(opened),
        review_lock=review_lock(opened),
        now_s=time.monotonic,
    )


def open_watcher(
    opened: Opened,
    archive: Callable[[timedelta], list[str]],
    toolchain: Toolchain,
    rules: Rules,
    *,
    channels: Sequence[Channel],
    poll_s: float,
    archive_after_s: float | None,
    listener: Listener,
    notifiers: Sequence[Notifier] = (),
) -> Watcher:
    """A watcher on a queue, ready to run. `notifiers` are told whenever the queue ran empty."""
    from bridge.delivery.notices import BatchNotices
    from bridge.delivery.watch import Watcher

    return Watcher(
        store=opened.store,
        reviewer=open_reviewer(opened, toolchain, rules, listener),
        dispatch=open_dispatch(opened, channels, listener),
        file_events=local_file_events(opened),
        now_s=time.monotonic,
        notify=listener,
        archive=archive,
        poll_s=poll_s,
        archive_after=timedelta(seconds=archive_after_s) if archive_after_s is not None else None,
        review_lock=review_lock(opened),
        notices=BatchNotices(store=opened.store, queue=opened.shown, notifiers=notifiers, notify=listener),
    )


def open_dispatch(opened: Opened, channels: Sequence[Channel], listener: Listener) -> Dispatch:
    """The hand-over of a queue's checked jobs."""
    from bridge.delivery.dispatch import Dispatch

    locks = review_lock(opened).parent
    return Dispatch(store=opened.store, channels=channels, notify=listener, locks=locks)


def open_channels(
    *, outbox: str | None, program: str | None, webhook: str | None, environ: Mapping[str, str] = os.environ
) -> list[Channel]:
    """The ways out that were asked for. The webhook's secret is `BRIDGE_WEBHOOK_SECRET`. Raises ConfigError."""
    from bridge.delivery.channels import Outbox, Program, Webhook

    channels: list[Channel] = []
    if outbox:
        channels.append(Outbox(folder=Path(outbox).expanduser().absolute()))
    if program:
        argv = shlex.split(program)
        if not argv:
            raise ConfigError("--exec needs a command")
        channels.append(Program(argv=argv))
    if webhook:
        if not webhook.startswith(("http://", "https://")):
            raise ConfigError(f"--webhook needs an http or https URL, not {webhook!r}")
        channels.append(Webhook(url=webhook, secret=environ.get("BRIDGE_WEBHOOK_SECRET")))
    return channels


def open_notifiers(
    asked: Sequence[str],
    *,
    say: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    which: Callable[[str], str | None] = shutil.which,
) -> list[Notifier]:
    """What tells that a batch is done: `desktop`, an http(s) URL, or a command each. The secret is `BRIDGE_WEBHOOK_SECRET`.

    Where there is no desktop, that is said, and the others stay. Raises ConfigError: nothing of the three.
    """
    from bridge.delivery.notices import DesktopNotice, NoticeCommand, NoticeWebhook, desktop_here

    found: list[Notifier] = []
    for way in asked:
        if way == "desktop":
            desktop = desktop_here(platform, which, environ)
            if isinstance(desktop, DesktopNotice):
                found.append(desktop)
            else:
                say(f"no notice on the desktop: {desktop}")
        elif way.startswith(("http://", "https://")):
            found.append(NoticeWebhook(url=way, secret=environ.get("BRIDGE_WEBHOOK_SECRET")))
        elif argv := shlex.split(way):
            found.append(NoticeCommand(argv=argv))
        else:
            raise ConfigError("--notify needs `desktop`, an http or https URL, or a command")
    return found


def local_file_events(opened: Opened) -> FileEvents:
    """What wakes a loop when a queue's folder changes."""
    from bridge.transports.file_events import FileEvents

    if opened.path is None:
        return FileEvents(None, poll=False)
    folder = opened.path.parent
    return FileEvents(folder, poll=not mount_of(folder).client.events)


def review_lock(opened: Opened) -> Path:
    """Held by whoever checks a queue's answers on this machine."""
    return opened.home / "desk.lock"
