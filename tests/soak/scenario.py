"""The scenario: a stand-in Drive, three machines, one queue; who begins when, and how everything comes to rest."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.soak.event_log import EventLog
from tests.soak.plain_drive import FOLDER_TYPE, DriveCallFailed, PlainDrive
from tests.soak.processes import ManagedProcess, Processes
from tests.support.drive.standin import SERVICE_ACCOUNT
from tests.support.queues import make_queue

AGENTS = ("agent-a", "agent-b", "agent-d")
WORKERS = ("work-f", "work-d")
#: Who may be killed. The stand-in itself never is: it is what everybody's memory is compared with.
VICTIMS = (*AGENTS, *WORKERS, "sync-a", "watch-a", "sync-b", "tab")
#: Adds jobs after the chaos, until all that was caused has been met.
EXTRA = "agent-x"
QUEUE = "qwen_bridge.ipynb"


@dataclass(frozen=True, kw_only=True)
class SoakSettings:
    """How long, how many, how fast. Seconds."""

    seed: int
    minutes: float  #: at least so long; 0: until every kind of trouble happened once
    jobs_per_agent: int
    agent_pause_s: float
    action_pause_s: float  #: between two actions of chaos, on average
    poll_s: float
    sync_delay_s: float
    tab_open_s: float
    archive_after_s: float
    part_jobs: int
    slow_faults: bool


LONG = SoakSettings(
    seed=1, minutes=10, jobs_per_agent=100_000, agent_pause_s=3.0, action_pause_s=3.0, poll_s=2.0, sync_delay_s=2.0,
    tab_open_s=8.0, archive_after_s=45.0, part_jobs=60, slow_faults=True,
)  # fmt: skip
SHORT = SoakSettings(
    seed=1, minutes=0, jobs_per_agent=4, agent_pause_s=1.0, action_pause_s=0.4, poll_s=0.5, sync_delay_s=0.5, tab_open_s=1.5,
    archive_after_s=5.0, part_jobs=400, slow_faults=False,
)  # fmt: skip


@dataclass(kw_only=True)
class Scenario:
    """Where everybody is."""

    home: Path
    settings: SoakSettings
    processes: Processes
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

    def log(self, name: str) -> EventLog:
        return EventLog(path=self.home / f"{name}.jsonl")

    def promised(self) -> dict[str, str]:
        """{key: id} of every job that was added."""
        lines = [line for name in (*AGENTS, EXTRA) for line in self.log(name).read("promised")]
        return {line["key"]: line["job"] for line in lines}

    def job_dump(self, machine: str) -> dict[str, dict[str, Any]]:
        """What a machine knows of every job."""
        told = self.processes.run(
            "job_dump", "tests.soak.job_dump", self.queue(machine), cwd=self.home / machine, env=self.env(machine)
        )
        value: dict[str, dict[str, Any]] = json.loads(told)
        return value

    def status(self) -> dict[str, int]:
        """Jobs by state, as machine A sees it."""
        told = self.processes.run("status", "bridge", "status", "--json", "--queue", self.queue("a"), cwd=self.home / "a",
                             env=self.env("a"))  # fmt: skip
        counts: dict[str, int] = json.loads(told)["counts"]
        return counts

    # ---- the beginning

    def begin(self) -> None:
        """Everybody is there; the queue is on A, on B and on Drive."""
        for machine in "abd":
            (self.home / machine / "queue").mkdir(parents=True)
            (self.home / machine / "bridge.toml").write_text(f"part_jobs = {self.settings.part_jobs}\n")
        make_queue(self.home / "a" / "queue")
        told = self.processes.run("sync-a", "bridge", "sync", "--once", "--json", "--queue", self.queue("a"),
                             cwd=self.home / "a", env=self.env("a"))  # fmt: skip
        self.file_id = json.loads(told.splitlines()[-1])["drive"].removeprefix("drive:")
        self.folder = self.drive.get(self.file_id)["parents"][0]["id"]
        self.sync_b()
        poll = f"{self.settings.poll_s}s"
        self._bridge("a", "sync-a", "sync", "--watch", "--poll", poll, "--json")
        self._bridge("a", "watch-a", "watch", "--outbox", str(self.outbox), "--poll", poll, "--json",
                     "--archive-after", f"{self.settings.archive_after_s}s")  # fmt: skip
        for machine, name in (("b", "work-f"), ("d", "work-d")):
            self._bridge(machine, name, "work", "--forever", "--engine", "scripted", "--json")
        for name in AGENTS:
            machine = name[-1]
            self.processes.add(
                name, "tests.soak.agent", name, self.queue(machine), str(self.log(name).path),
                "--count", str(self.settings.jobs_per_agent), "--pause", str(self.settings.agent_pause_s),
                "--seed", str(self.settings.seed), "--stay", cwd=self.home / machine, env=self.env(machine),
            )  # fmt: skip
        self.processes.add("sync-b", *self._sync_b(), "--delay", str(self.settings.sync_delay_s), cwd=self.home, env={})
        self.processes.add(
            "tab", "tests.soak.colab_tab", self.drive.url, self.drive.token, self.folder,
            str(self.log("tab").path), "--seed", str(self.settings.seed), "--open-s", str(self.settings.tab_open_s),
            cwd=self.home, env={},
        )  # fmt: skip

    def _bridge(self, machine: str, name: str, *argv: str) -> ManagedProcess:
        return self.processes.add(name, "bridge", *argv, "--queue", self.queue(machine), cwd=self.home / machine,
                             env=self.env(machine))  # fmt: skip

    def _sync_b(self) -> tuple[str, ...]:
        return (
            "tests.soak.sync_client", self.drive.url, self.drive.token, self.folder, str(self.home / "b" / "queue"),
            str(self.home / "b" / "sync.json"), str(self.log("sync-b").path), "--seed", str(self.settings.seed),
        )  # fmt: skip

    def sync_b(self) -> int:
        """One round of B's sync client; how many files moved."""
        return int(self.processes.run("sync-b", *self._sync_b(), "--delay", "0", "--once", cwd=self.home, env={}))

    # ---- coming to rest

    @property
    def fork_request(self) -> Path:
        """While this file is there, B's sync client still has to leave a conflict copy."""
        return self.home / "b" / "fork-request"

    def unmet(self) -> list[str]:
        """What was caused and has met nobody yet."""
        found = [f"fault {name}" for name in self.drive.admin("GET", "faults")["unmet"]]
        if self.fork_request.exists():
            found.append("conflict copy")
        if not any(line["stale"] for line in self.log("tab").read("saved")):
            found.append("stale save")
        if not self.settings.minutes:
            short = [name for name in AGENTS if len(self.log(name).read("promised")) < self.settings.jobs_per_agent]
            found += [f"jobs of {name}" for name in short]
        return found

    def meet_all(self, jobs: int) -> list[str]:
        """Add jobs straight on Drive, at most so many, until everything has been met; gives what has not been."""
        for number in range(1, jobs + 1):
            self.processes.restart_ended()
            if not self.unmet():
                break
            self.processes.run(
                EXTRA, "tests.soak.agent", EXTRA, self.queue("d"), str(self.log(EXTRA).path), "--count", str(number),
                "--pause", "0.5", "--seed", str(self.settings.seed), cwd=self.home / "d", env=self.env("d"),
            )  # fmt: skip
        return self.unmet()

    def empty(self, looks: int) -> bool:
        """Let everybody but the agents go on until nothing waits any more on A, or so many looks were in vain."""
        for _ in range(looks):
            self.processes.restart_ended()
            counts = self.status()
            open_ = sum(counts.get(state, 0) for state in ("queued", "running", "succeeded", "checked", "broken"))
            if counts and not open_ and set(self.promised().values()) <= self.job_dump("a").keys():
                return True
            time.sleep(1.0)
        return False

    def rest(self, rounds: int) -> int:
        """Every machine once after the other, until a whole round changes no notebook; gives the rounds, 0: never."""
        before = ""
        for number in range(1, rounds + 1):
            a = {"cwd": self.home / "a", "env": self.env("a")}
            self.processes.run("sync-a", "bridge", "sync", "--once", "--json", "--queue", self.queue("a"), **a)
            self.processes.run("watch-a", "bridge", "watch", "--once", "--outbox", str(self.outbox), "--no-archive", "--json",
                          "--queue", self.queue("a"), **a)  # fmt: skip
            self.sync_b()
            for machine in "bd":
                self.processes.run(f"work-{'f' if machine == 'b' else 'd'}", "bridge", "work", "--engine", "scripted",
                              "--json", "--queue", self.queue(machine), cwd=self.home / machine,
                              env=self.env(machine))  # fmt: skip
            self.sync_b()
            self.processes.run("sync-a", "bridge", "sync", "--once", "--json", "--queue", self.queue("a"), **a)
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


def stand_in(home: Path, processes: Processes, seed: int) -> PlainDrive:
    """A Drive in a process of its own."""
    port = home / "port"
    processes.add("drive", "tests.support.drive", "--port-file", str(port), "--seed", str(seed), "--service-storage",
             cwd=home, env={})  # fmt: skip
    while not port.exists():
        assert processes.by_name["drive"].alive, processes.err("drive").read_text()
        time.sleep(0.05)
    url = f"http://127.0.0.1:{int(port.read_text())}"
    robot = {"account": SERVICE_ACCOUNT, "client": SERVICE_ACCOUNT}
    return PlainDrive(url=url, token=PlainDrive(url=url).admin("POST", "token", **robot)["access_token"])


def set_up(home: Path, settings: SoakSettings, processes: Processes) -> Scenario:
    """The scenario with everybody in it."""
    drive = stand_in(home, processes, settings.seed)
    key = home / "key.json"
    key.write_text(json.dumps(drive.admin("POST", "service-account", email=SERVICE_ACCOUNT)))
    scenario = Scenario(home=home, settings=settings, processes=processes, drive=drive, key=key)
    scenario.begin()
    return scenario


def action_pauses(settings: SoakSettings) -> random.Random:
    """Chance for the pauses between actions."""
    return random.Random(f"{settings.seed} tempo")


__all__ = [
    "AGENTS",
    "LONG",
    "SHORT",
    "VICTIMS",
    "WORKERS",
    "DriveCallFailed",
    "Scenario",
    "SoakSettings",
    "action_pauses",
    "set_up",
]
