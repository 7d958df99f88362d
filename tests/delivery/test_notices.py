"""A notice when a batch is done: by a command, a webhook, the desktop; once, and never a failure of the jobs."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge import Bridge, NotDelivered, wiring
from bridge.checking import Toolchain
from bridge.core.errors import ConfigError
from bridge.core.events import EventKind
from bridge.delivery.channels import Channel
from bridge.delivery.notices import (
    DesktopNotice,
    Notice,
    NoticeCommand,
    NoticeWebhook,
    Notifier,
    batch_done,
    desktop_here,
)
from bridge.delivery.watch import Watcher
from tests.delivery.test_dispatch import Fake
from tests.support.answers import BROKEN, GOOD, give
from tests.support.queues import Queue
from tests.support.receiver import Receiver, receiving

NOTICE = batch_done("q.ipynb", {"a": "clean", "b": "errors", "c": "clean"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as state:
        yield state


def writes(path: Path) -> list[str]:
    """A command that writes its standard input to a file."""
    return [sys.executable, "-c", f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read())"]


def test_a_notice_counts_in_the_words_of_the_command_line():
    assert (NOTICE.title, NOTICE.text) == ("Qwen Bridge: 3 jobs done", "2 clean, 1 errors")
    assert batch_done("q", {"a": "failed"}).title == "Qwen Bridge: 1 job done"
    assert NOTICE.to_json() == {
        "event": "batch_done", "text": "Qwen Bridge: 3 jobs done: 2 clean, 1 errors", "queue": "q.ipynb",
        "counts": {"clean": 2, "errors": 1}, "jobs": {"a": "clean", "b": "errors", "c": "clean"},
    }  # fmt: skip


def test_a_command_gets_it_on_its_standard_input(tmp_path: Path):
    NoticeCommand(argv=writes(tmp_path / "mail")).tell(NOTICE)

    assert (tmp_path / "mail").read_text() == "Qwen Bridge: 3 jobs done\n\n2 clean, 1 errors\nqueue: q.ipynb\n"


def test_a_server_gets_it_signed(receiver: Receiver):
    NoticeWebhook(url=receiver.url, secret="s").tell(NOTICE)

    [(headers, body, _)] = receiver.got
    assert json.loads(body) == NOTICE.to_json()
    assert headers["X-Bridge-Signature"] == "sha256=" + hmac.new(b"s", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("notifier", "says"),
    [
        (NoticeCommand(argv=["/no/such/program"]), "cannot be started"),
        (NoticeCommand(argv=[sys.executable, "-c", "raise SystemExit('no mailer')"]), "no mailer"),
        (NoticeWebhook(url="http://127.0.0.1:9/hook?token=secret"), "did not take the notice"),
        (DesktopNotice(argv=["/no/such/program"]), "cannot be started"),
    ],
)
def test_what_fails_says_so_without_what_is_secret(notifier: Notifier, says: str):
    with pytest.raises(NotDelivered, match=says) as caught:
        notifier.tell(NOTICE)

    assert "secret" not in f"{caught.value} {notifier.name} {notifier!r}".replace("secret=None", "")


@pytest.mark.parametrize(
    ("platform", "programs", "environ", "found"),
    [
        ("linux", {"notify-send"}, {"DISPLAY": ":0"}, "notify-send"),
        ("linux", {"notify-send"}, {"WAYLAND_DISPLAY": "wayland-0"}, "notify-send"),
        ("linux", {"notify-send"}, {}, "this session has no desktop"),  # a server
        ("linux", set(), {"DISPLAY": ":0"}, "notify-send is not installed"),
        ("darwin", {"osascript"}, {}, "osascript"),
        ("darwin", set(), {}, "osascript is not there"),
        ("win32", {"powershell"}, {}, "powershell"),
        ("win32", set(), {}, "powershell is not there"),
    ],
)
def test_each_system_has_its_program_for_the_desktop(
    platform: str, programs: set[str], environ: dict[str, str], found: str
):
    desktop = desktop_here(platform, lambda name: name if name in programs else None, environ)

    assert (desktop if isinstance(desktop, str) else desktop.name) == found


@pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts with a first line that names their interpreter")
@pytest.mark.parametrize(
    ("platform", "program"), [("linux", "notify-send"), ("darwin", "osascript"), ("win32", "powershell")]
)
def test_the_desktops_program_gets_title_and_text_and_runs_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, program: str
):
    stand_in = tmp_path / program
    stand_in.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"json.dump([sys.argv[1:], os.environ['BRIDGE_NOTICE_TITLE']], open({str(tmp_path / 'got')!r}, 'w'))\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    desktop = desktop_here(platform, lambda name: name, {"DISPLAY": ":0"})
    assert isinstance(desktop, DesktopNotice)

    desktop.tell(NOTICE)

    argv, title = json.loads((tmp_path / "got").read_text())
    assert title == NOTICE.title
    assert argv[-2:] == [NOTICE.title, NOTICE.text] or desktop.by_environment
    assert not any(NOTICE.title in part for part in argv[:-2])  # never within a script


def test_ways_are_told_apart_and_a_missing_desktop_is_said():
    said: list[str] = []

    ways = wiring.open_notifiers(
        ["desktop", "https://host/hook", "mail -s 'all done' me"], say=said.append, environ={}, platform="linux",
        which=lambda _name: None,
    )  # fmt: skip

    assert [type(way).__name__ for way in ways] == ["NoticeWebhook", "NoticeCommand"]
    assert isinstance(ways[1], NoticeCommand)
    assert ways[1].argv == shlex.split("mail -s 'all done' me")
    assert said == ["no notice on the desktop: this session has no desktop"]
    with pytest.raises(ConfigError, match="--notify needs"):
        wiring.open_notifiers([" "], say=said.append)


# ---- the watcher


class Told:
    """Keeps what it was told."""

    name = "told"

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.fails = False

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self.fails:
            raise NotDelivered("nobody listens")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watcher_of(queue: Queue, toolchain: Toolchain, told: Told) -> Callable[..., Watcher]:
    def make(*channels: Channel) -> Watcher:
        own = queue.open()
        return wiring.open_watcher(
            own.opened, own.archive_delivered, toolchain, wiring.Rules(max_rounds=1), channels=channels, poll_s=0.2,
            archive_after_s=None, listener=queue.events.append, notifiers=[told],
        )  # fmt: skip

    return make


def test_a_batch_is_done_when_its_last_job_is_and_told_once(
    bridge: Bridge, watcher_of: Callable[..., Watcher], told: Told
):
    first, second, third = (bridge.add(f"Write f{n}.") for n in range(3))
    watcher = watcher_of()
    give(bridge, first, GOOD)
    watcher.once()
    assert told.notices == []  # two are to be answered
    give(bridge, second, GOOD)
    bridge.cancel(third)
    watcher.once()
    watcher.once()

    assert [notice.outcomes for notice in told.notices] == [{first: "clean", second: "clean"}]
    give(bridge, bridge.add("Write another."), GOOD)
    watcher.once()
    assert len(told.notices) == 2


def test_a_round_of_repair_is_waited_for_and_is_no_job_of_the_batch(
    bridge: Bridge, watcher_of: Callable[..., Watcher], told: Told
):
    job = give(bridge, bridge.add("Write f."), BROKEN)
    watcher = watcher_of()
    watcher.once()
    [child] = bridge.jobs(parent=job)
    assert told.notices == []

    give(bridge, child.id, GOOD)
    watcher.once()

    assert [notice.outcomes for notice in told.notices] == [{job: "clean"}]


def test_what_a_way_out_has_yet_to_take_is_not_done(
    bridge: Bridge, watcher_of: Callable[..., Watcher], told: Told, queue: Queue
):
    way = Fake(failures=1)
    job = give(bridge, bridge.add("Write f."), GOOD)
    watcher = watcher_of(way)
    watcher.once()
    assert told.notices == []

    queue.hand.sleep(3600)
    watcher.once()

    assert [notice.outcomes for notice in told.notices] == [{job: "clean"}]


def test_a_notice_that_fails_is_said_and_stops_nothing(
    bridge: Bridge, watcher_of: Callable[..., Watcher], told: Told, queue: Queue
):
    told.fails = True
    give(bridge, bridge.add("Write f."), GOOD)

    watcher_of().once()

    assert [event.message for event in queue.events if event.kind is EventKind.BLOCKED] == [
        "no notice by told: nobody listens"
    ]
