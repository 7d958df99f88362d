from __future__ import annotations

import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge import Bridge, wiring
from bridge.core.errors import NotDelivered
from bridge.delivery.channels import Channel, Program, Webhook
from bridge.delivery.payload import HandOver
from bridge.delivery.review import Reviewer
from tests.support.answers import GOOD, give
from tests.support.queues import Queue
from tests.support.receiver import Receiver, receiving

WHAT = HandOver(job="01JOB", answer="ä\n")
SECRET = "s3cret-of-the-caller"  # a canary


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(f"/hook?token={SECRET}") as state:
        yield state


def script(folder: Path, text: str) -> list[str]:
    path = folder / "program.py"
    path.write_text(text)
    return [sys.executable, str(path)]


# ---- a program


def test_a_program_gets_the_payload_on_its_standard_input_and_no_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    argv = script(
        tmp_path,
        "import json, os, sys\n"
        "json.dump([json.load(sys.stdin), sys.argv[1:], os.environ['BRIDGE_JOB'], os.environ['BRIDGE_KEY']],"
        " open('got.json', 'w'))\n",
    )
    monkeypatch.chdir(tmp_path)

    Program(argv=[*argv, "$(touch canary)", "; touch canary"]).send(WHAT, key="k:1", sarif=None)

    assert json.loads((tmp_path / "got.json").read_text()) == [
        WHAT.to_json(),
        ["$(touch canary)", "; touch canary"],
        "01JOB",
        "k:1",
    ]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([sys.executable, "-c", "import sys; sys.exit('no room')"], "ended with 1 for job 01JOB: no room"),
        (["/nowhere/at/all"], "cannot be started: No such file"),
        ([sys.executable, "-c", "import time; time.sleep(600)"], r"did not take job 01JOB within 0\.2 s"),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], "ended with -9"),  # crashed
    ],
)
def test_a_program_that_does_not_take_it_is_a_failure_that_says_why(argv: list[str], says: str):
    with pytest.raises(NotDelivered, match=says):
        Program(argv=argv, timeout_s=0.2 if "sleep" in argv[-1] else 60).send(WHAT, key="k", sarif=None)


def test_a_program_that_reads_nothing_may_still_take_it():
    Program(argv=[sys.executable, "-c", ""]).send(WHAT.evolve(answer="x" * 1_000_000), key="k", sarif=None)


# ---- a webhook


def test_a_webhook_is_signed_and_carries_its_idempotency_key(receiver: Receiver):
    Webhook(url=receiver.url, secret=SECRET).send(WHAT, key="01JOB:1", sarif=None)

    [(headers, body, _)] = receiver.got
    assert json.loads(body) == WHAT.to_json()
    assert headers["Idempotency-Key"] == "01JOB:1"
    assert headers["Content-Type"] == "application/json"
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Bridge-Signature"] == f"sha256={digest}"


def test_without_a_secret_there_is_no_signature(receiver: Receiver):
    Webhook(url=receiver.url).send(WHAT, key="k", sarif=None)

    assert "X-Bridge-Signature" not in receiver.got[0][0]


@pytest.mark.parametrize("status", [301, 307, 308, 400, 404, 500, 503])
def test_all_but_2xx_is_a_failure_and_a_redirect_is_not_followed(receiver: Receiver, status: int):
    receiver.statuses = [status]
    receiver.location = receiver.url.replace("/hook", "/elsewhere")

    with pytest.raises(NotDelivered, match=f"answered {status} for job 01JOB"):
        Webhook(url=receiver.url, secret=SECRET).send(WHAT, key="k", sarif=None)
    assert len(receiver.got) == 1


def test_neither_secret_nor_url_shows_in_error_name_or_repr(receiver: Receiver):
    hook = Webhook(url=receiver.url.replace("//", f"//user:{SECRET}@"), secret=SECRET)
    receiver.statuses = [500]
    texts = [repr(hook), hook.name, str(hook)]
    for broken in (hook, Webhook(url=f"http://127.0.0.1:1/{SECRET}", secret=SECRET)):
        with pytest.raises(NotDelivered) as caught:
            broken.send(WHAT, key="k", sarif=None)
        texts += [str(caught.value), repr(caught.value)]
        assert caught.value.__suppress_context__ or caught.value.__context__ is None

    assert not any(SECRET in text for text in texts)


def test_two_webhooks_of_one_host_are_two_ways_out():
    assert Webhook(url="http://h/a").name != Webhook(url="http://h/b").name


# ---- real ways, tried again


@pytest.mark.parametrize("kind", ["program", "webhook"])
def test_a_way_that_fails_twice_takes_it_the_third_time_with_the_same_key(
    queue: Queue, bridge: Bridge, reviewer: Reviewer, receiver: Receiver, tmp_path: Path, kind: str
):
    job = give(bridge, bridge.add("Write f."), GOOD)
    reviewer.settle()
    log = tmp_path / "keys"
    if kind == "program":
        text = (
            "import os, sys\n"
            f"open({str(log)!r}, 'a').write(os.environ['BRIDGE_KEY'] + '\\n')\n"
            f"sys.exit(len(open({str(log)!r}).readlines()) < 3)\n"
        )
        way: Channel = Program(argv=script(tmp_path, text))
    else:
        receiver.statuses = [500, 503]
        way = Webhook(url=receiver.url, secret=SECRET)
    out = wiring.open_dispatch(bridge.opened, [way], queue.events.append)

    handed = []
    for pause in (2, 4, 8):
        handed += out.send_due()
        handed += out.send_due()  # not due yet
        queue.hand.moment += timedelta(seconds=pause)

    assert handed == [job]
    keys = log.read_text().split() if kind == "program" else [got[0]["Idempotency-Key"] for got in receiver.got]
    assert (len(keys), len(set(keys))) == (3, 1)
    events = "".join(f"{event.message} {event.facts}" for event in queue.events)
    assert "next try in 4 s" in events
    assert SECRET not in events
    errors = bridge.store.journal.db.execute("SELECT channel, error FROM delivery").fetchall()
    assert SECRET not in str(errors)
