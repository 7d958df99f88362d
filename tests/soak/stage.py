"""The scene: a stand-in Drive, three machines, one queue; who begins when, and how everything comes to rest."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.soak.cast import Cast, Role
from tests.soak.diary import Diary
from tests.soak.plain_drive import FOLDER_TYPE, PlainDrive, Trouble
from tests.support.drive.standin import SERVICE_ACCOUNT
from tests.support.queues import make_queue

AGENTS = ("agent-a", "agent-b", "agent-d")
WORKERS = ("work-f", "work-d")
#: Who may be killed. The stand-in itself never is: it is what everybody's memory is compared with.
VICTIMS = (*AGENTS, *WORKERS, "sync-a", "watch-a", "sync-b", "tab")
QUEUE = "qwen_bridge.ipynb"


@dataclass(frozen=True, kw_only=True)
class Script:
    """How long, how many, how fast. Seconds."""

    seed: int
    minutes: float  #: at least so long; 0: until every kind of trouble happened once
    jobs_per_agent: int
    agent_pause_s: float
    tempo_s: float  #: between two deeds of chaos, on average
    poll_s: float
    sync_delay_s: float
    tab_open_s: float
    archive_after_s: float
    part_jobs: int
    slow_faults: bool


LONG = Script(
    seed=1, minutes=10, jobs_per_agent=100_000, agent_pause_s=3.0, tempo_s=3.0, poll_s=2.0, sync_delay_s=2.0,
    tab_open_s=8.0, archive_after_s=45.0, part_jobs=60, slow_faults=True,
)  # fmt: skip
SHORT = Script(
    seed=1, minutes=0, jobs_per_agent=4, agent_pause_s=1.0, tempo_s=0.4, poll_s=0.5, sync_delay_s=0.5, tab_open_s=1.5,
    archive_after_s=5.0, part_jobs=400, slow_faults=False,
)  # fmt: skip


@dataclass(kw_only=True)
class Stage:
    """Where everybody is."""

    home: Path
    script: Script
    cast: Cast
    drive: PlainDrive
    key: Path  #: of the service account as whom A and D sign in
    file_id: str = ""
    folder: str = ""  #: id on Drive

    @property
    def outbox(self) -> Path:
        return self.home / "a" / "outbox"

    def queue(self, machine: str) -> str:
        """As `--queue` takes it."""
        return f"drive:{self.file_id}" if machine == "d" else str(self.home / machine / "queue" / QUEUE)

    def env(self, machine: str) -> Mapping[str, str]:
        """Of every process of a machine."""
        return {
            "BRIDGE_STATE_DIR": str(self.home / machine / "state"),
            "BRIDGE_CONFIG_DIR": str(self.home / machine / "config"),
            "BRIDGE_DRIVE_URL": self.drive.url,
            "BRIDGE_GOOGLE_SERVICE_ACCOUNT": str(self.key),
        }

    def diary(self, name: str) -> Diary:
        return Diary(path=self.home / f"{name}.jsonl")

    def promised(self) -> dict[str, str]:
        """{key: id} of every job that an agent was told of."""
        lines = [line for name in AGENTS for line in self.diary(name).read("promised")]
        return {line["key"]: line["job"] for line in lines}

    def census(self, machine: str) -> dict[str, dict[str, Any]]:
        """What a machine knows of every job."""
        told = self.cast.run(
            "census", "tests.soak.census", self.queue(machine), cwd=self.home / machine, env=self.env(machine)
        )
        value: dict[str, dict[str, Any]] = json.loads(told)
        return value

    def status(self) -> dict[str, int]:
        """Jobs by state, as machine A sees it."""
        told = self.cast.run("status", "bridge", "status", "--json", "--queue", self.queue("a"), cwd=self.home / "a",
                             env=self.env("a"))  # fmt: skip
        counts: dict[str, int] = json.loads(told)["counts"]
        return counts

    # ---- the beginning

    def begin(self) -> None:
        """Everybody is there; the queue is on A, on B and on Drive."""
        for machine in "abd":
            (self.home / machine / "queue").mkdir(parents=True)
            (self.home / machine / "bridge.toml").write_text(f"part_jobs = {self.script.part_jobs}\n")
        make_queue(self.home / "a" / "queue")
        told = self.cast.run("sync-a", "bridge", "sync", "--once", "--json", "--queue", self.queue("a"),
                             cwd=self.home / "a", env=self.env("a"))  # fmt: skip
        self.file_id = json.loads(told.splitlines()[-1])["drive"].removeprefix("drive:")
        self.folder = self.drive.get(self.file_id)["parents"][0]["id"]
        self.sync_b()
        poll = f"{self.script.poll_s}s"
        self._bridge("a", "sync-a", "sync", "--watch", "--poll", poll, "--json")
        self._bridge("a", "watch-a", "watch", "--outbox", str(self.outbox), "--poll", poll, "--json",
                     "--archive-after", f"{self.script.archive_after_s}s")  # fmt: skip
        for machine, name in (("b", "work-f"), ("d", "work-d")):
            self._bridge(machine, name, "work", "--forever", "--engine", "scripted", "--json")
        for name in AGENTS:
            machine = name[-1]
            self.cast.add(
                name, "tests.soak.agent", name, self.queue(machine), str(self.diary(name).path),
                "--count", str(self.script.jobs_per_agent), "--pause", str(self.script.agent_pause_s),
                "--seed", str(self.script.seed), cwd=self.home / machine, env=self.env(machine), ends=True,
            )  # fmt: skip
        self.cast.add("sync-b", *self._sync_b(), "--delay", str(self.script.sync_delay_s), cwd=self.home, env={})
        self.cast.add(
            "tab", "tests.soak.colab_tab", self.drive.url, self.drive.token, self.folder,
            str(self.diary("tab").path), "--seed", str(self.script.seed), "--open-s", str(self.script.tab_open_s),
            cwd=self.home, env={},
        )  # fmt: skip

    def _bridge(self, machine: str, name: str, *argv: str) -> Role:
        return self.cast.add(name, "bridge", *argv, "--queue", self.queue(machine), cwd=self.home / machine,
                             env=self.env(machine))  # fmt: skip

    def _sync_b(self) -> tuple[str, ...]:
        return (
            "tests.soak.sync_client", self.drive.url, self.drive.token, self.folder, str(self.home / "b" / "queue"),
            str(self.home / "b" / "sync.json"), str(self.diary("sync-b").path), "--seed", str(self.script.seed),
        )  # fmt: skip

    def sync_b(self) -> int:
        """One round of B's sync client; how many files moved."""
        return int(self.cast.run("sync-b", *self._sync_b(), "--delay", "0", "--once", cwd=self.home, env={}))

    # ---- coming to rest

    def empty(self, looks: int) -> bool:
        """Let everybody but the agents go on until nothing waits any more on A, or so many looks were in vain."""
        for _ in range(looks):
            self.cast.tend()
            counts = self.status()
            open_ = sum(counts.get(state, 0) for state in ("queued", "running", "succeeded", "checked", "broken"))
            if counts and not open_ and set(self.promised().values()) <= self.census("a").keys():
                return True
            time.sleep(1.0)
        return False

    def rest(self, rounds: int) -> int:
        """Every machine once after the other, until a whole round changes no notebook; gives the rounds, 0: never."""
        before = ""
        for number in range(1, rounds + 1):
            a = {"cwd": self.home / "a", "env": self.env("a")}
            self.cast.run("sync-a", "bridge", "sync", "--once", "--json", "--queue", self.queue("a"), **a)
            self.cast.run("watch-a", "bridge", "watch", "--once", "--outbox", str(self.outbox), "--no-archive", "--json",
                          "--queue", self.queue("a"), **a)  # fmt: skip
            self.sync_b()
            for machine in "bd":
                self.cast.run(f"work-{'f' if machine == 'b' else 'd'}", "bridge", "work", "--engine", "scripted",
                              "--json", "--queue", self.queue(machine), cwd=self.home / machine,
                              env=self.env(machine))  # fmt: skip
            self.sync_b()
            self.cast.run("sync-a", "bridge", "sync", "--once", "--json", "--queue", self.queue("a"), **a)
            now = self._print()
            if now == before:
                return number
            before = now
        return 0

    def _print(self) -> str:
        """A digest of every notebook everywhere."""
        self.copy_of_drive()
        digest = sha256()
        for side in ("a/queue", "b/queue", "copy"):
            for file in sorted((self.home / side).rglob("*.ipynb")):
                digest.update(f"{side} {file.name}".encode() + file.read_bytes())
        return digest.hexdigest()

    def copy_of_drive(self) -> Path:
        """What lies on Drive, as a folder; two files of one name get two names."""
        root = self.home / "copy"
        for old in root.rglob("*"):
            if old.is_file():
                old.unlink()
        root.mkdir(exist_ok=True)
        for file in self.drive.files_in(self.folder):
            if file["mimeType"] != FOLDER_TYPE:
                _put(root, file, self.drive)
                continue
            for inner in self.drive.files_in(file["id"]):
                _put(root / file["title"], inner, self.drive)
        return root


def _put(folder: Path, file: dict[str, Any], drive: PlainDrive) -> None:
    folder.mkdir(exist_ok=True)
    target = folder / file["title"]
    if target.exists():
        target = folder / f"{target.stem} (same title {file['id'][-6:]}){target.suffix}"
    target.write_bytes(drive.download(file["id"]))


def stand_in(home: Path, cast: Cast, seed: int) -> PlainDrive:
    """A Drive in a process of its own."""
    port = home / "port"
    cast.add("drive", "tests.support.drive", "--port-file", str(port), "--seed", str(seed), "--service-storage",
             cwd=home, env={})  # fmt: skip
    while not port.exists():
        assert cast.roles["drive"].alive, cast.err("drive").read_text()
        time.sleep(0.05)
    url = f"http://127.0.0.1:{int(port.read_text())}"
    robot = {"account": SERVICE_ACCOUNT, "client": SERVICE_ACCOUNT}
    return PlainDrive(url=url, token=PlainDrive(url=url).admin("POST", "token", **robot)["access_token"])


def set_up(home: Path, script: Script, cast: Cast) -> Stage:
    """The stage with everybody on it."""
    drive = stand_in(home, cast, script.seed)
    key = home / "key.json"
    key.write_text(json.dumps(drive.admin("POST", "service-account", email=SERVICE_ACCOUNT)))
    stage = Stage(home=home, script=script, cast=cast, drive=drive, key=key)
    stage.begin()
    return stage


def tempo(script: Script) -> random.Random:
    """Chance for the pauses between deeds."""
    return random.Random(f"{script.seed} tempo")


__all__ = ["AGENTS", "LONG", "SHORT", "VICTIMS", "WORKERS", "Script", "Stage", "Trouble", "set_up", "tempo"]
