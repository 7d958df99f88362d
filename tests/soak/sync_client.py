"""A sync client as a process: copies a folder to and from Drive as Drive for Desktop or rclone would, only worse.

No `If-Match`. Between looking and copying time goes by. What changed on both sides is lost on one of them, or becomes a
fork beside the file, `name (1).ipynb`; chance says which. What it knows is on disk after every file, so a kill costs at most
a needless conflict. Never trusted by it: listings (they lag) and downloads (compared with their checksum).
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path
from typing import Any

from tests.soak.event_log import EventLog
from tests.soak.plain_drive import FOLDER_TYPE, NOTEBOOK_TYPE, DriveCallFailed, PlainDrive

#: Remote files by local name: description of each.
Listing = dict[str, dict[str, Any]]


@dataclass(kw_only=True)
class SyncClient:
    """One machine's client. `fork` is the share of conflicts that leave a fork; 0 with `calm`."""

    drive: PlainDrive
    root: str  #: id of the folder on Drive
    folder: Path
    memory: Path
    log: EventLog
    chance: random.Random
    fork: float = 0.3
    wait: Callable[[], None] = lambda: None  #: between looking and copying
    fork_request: Path | None = None  #: while this file is there, the next conflict is made up, and leaves a fork
    known: dict[str, dict[str, str]] = field(default_factory=dict)  #: name → id, rev, md5, home
    folders: dict[str, list[str]] = field(default_factory=dict)  #: title → ids; there may be two of one title

    def __post_init__(self) -> None:
        if self.memory.exists():
            self.known = json.loads(self.memory.read_text())

    def round(self) -> int:
        """Look at both sides, wait, copy; gives how many files were copied, moved or deleted."""
        if self.fork_request and self.fork_request.exists():
            for file in sorted(self.folder.glob("*.ipynb"))[:1]:
                self._fork(file.name)
            self.fork_request.unlink()  # last: after a kill it is done again
        there = self._there()
        here = {name: md5(data).hexdigest() for name, data in self._here().items()}
        self.wait()
        moved = 0
        for name in sorted(here.keys() | there.keys() | self.known.keys()):
            try:
                moved += self._one(name, here.get(name), there.get(name))
            except DriveCallFailed as error:
                self.log.write("trouble", name=name, error=str(error)[:200])
        return moved

    def _one(self, name: str, here: str | None, listed: dict[str, Any] | None) -> bool:
        known = self.known.get(name)
        there = self._fresh(name, known, listed)
        local_changed = here != (known["md5"] if known else None)
        remote_changed = (there["headRevisionId"] if there else None) != (known["rev"] if known else None)
        if here == (there["md5Checksum"] if there else None):
            self._learn(name, there)
            return False
        if local_changed and remote_changed and here and there:
            self._conflict(name, there)
        elif local_changed and (here or not remote_changed):
            self._upload(name, there)
        elif remote_changed:
            self._download(name, there, expected=here)
        return True

    def _conflict(self, name: str, there: dict[str, Any]) -> None:
        if name.endswith(".ipynb") and self.chance.random() < self.fork:
            self._fork(name)
            self._download(name, there, expected=None)
        elif self.chance.random() < 0.5:
            self.log.write("overwrote", side="drive", name=name)
            self._upload(name, there)
        else:
            self.log.write("overwrote", side="here", name=name)
            self._download(name, there, expected=None)

    def _fork(self, name: str) -> None:
        copy = next(c for n in range(1, 999) if not (self.folder / (c := f"{name[:-6]} ({n}).ipynb")).exists())
        try:
            data = (self.folder / name).read_bytes()
        except FileNotFoundError:  # moved away since it was looked at
            return
        _place(self.folder / copy, data)
        self.log.write("fork", name=copy)

    # ---- both sides

    def _here(self) -> dict[str, bytes]:
        found = {}
        for file in self.folder.rglob("*"):
            if not file.name.startswith("."):
                try:
                    found[str(file.relative_to(self.folder))] = file.read_bytes()
                except (FileNotFoundError, IsADirectoryError):
                    continue
        return found

    def _there(self) -> Listing:
        found: Listing = {}
        for file in self.drive.files_in(self.root):
            if file["mimeType"] == FOLDER_TYPE:
                ids = self.folders.setdefault(file["title"], [])
                if file["id"] not in ids:
                    ids.append(file["id"])
            else:
                self._name(found, file["title"], file)
        for title, ids in self.folders.items():
            for folder in ids:
                for file in self.drive.files_in(folder):
                    self._name(found, f"{title}/{file['title']}", file)
        return found

    def _name(self, found: Listing, name: str, file: dict[str, Any]) -> None:
        """Two files of one title on Drive have two names here, and keep them."""
        before = next((n for n, known in self.known.items() if known["id"] == file["id"]), None)
        stem, dot, suffix = name.rpartition(".")
        if before and before.rpartition("/")[0] == name.rpartition("/")[0]:
            found[before] = file
            return
        taken = {n for n, known in self.known.items() if known["id"] != file["id"]} | found.keys()
        names = [name, *(f"{stem} ({n}){dot}{suffix}" for n in range(1, 999))]
        found[next(n for n in names if n not in taken)] = file

    def _fresh(self, name: str, known: dict[str, str] | None, listed: dict[str, Any] | None) -> dict[str, Any] | None:
        """The file as it is now, if the listing says anything new; listings lag."""
        if listed and known and listed["headRevisionId"] == known["rev"]:
            return listed
        file_id = listed["id"] if listed else known["id"] if known else None
        if file_id is None:
            return None
        try:
            now = self.drive.get(file_id)
        except DriveCallFailed as error:
            if "404" in str(error):
                return None
            raise
        homes = {parent["id"] for parent in (listed or now)["parents"]} if known is None else {known["home"]}
        return now if not now["labels"]["trashed"] and {p["id"] for p in now["parents"]} & homes else None

    # ---- one file

    def _upload(self, name: str, there: dict[str, Any] | None) -> None:
        file = self.folder / name
        if not file.exists():
            if there:
                self.drive.trash(there["id"])
                self.log.write("trashed", name=name)
            self._learn(name, None)
            return
        data, type_ = file.read_bytes(), NOTEBOOK_TYPE if name.endswith(".ipynb") else "application/json"
        if there:
            made = self.drive.put(there["id"], data, type_)
        else:
            folder, _, title = name.rpartition("/")
            made = self.drive.insert(title, data, parent=self._home(folder), type_=type_)
        self.log.write("uploaded", name=name)
        self._learn(name, made)

    def _download(self, name: str, there: dict[str, Any] | None, *, expected: str | None) -> None:
        target = self.folder / name
        if there is None:
            if target.exists() and md5(target.read_bytes()).hexdigest() == expected:
                target.unlink()
            self._learn(name, None)
            return
        data = self.drive.download(there["id"])
        if md5(data).hexdigest() != there["md5Checksum"]:
            raise DriveCallFailed(f"{name} came damaged, or changed meanwhile")
        _place(target, data)
        self.log.write("downloaded", name=name)
        self._learn(name, there)

    def _home(self, folder: str) -> str:
        if not folder:
            return self.root
        if not self.folders.get(folder):
            self.folders[folder] = [self.drive.folder(folder, parent=self.root)]
        return self.folders[folder][0]

    def _learn(self, name: str, there: dict[str, Any] | None) -> None:
        before = self.known.get(name)
        if there is None:
            self.known.pop(name, None)
        else:
            # A file that was moved while it was written is no longer this one: the next round sees that.
            same = before is not None and before["id"] == there["id"]
            home = before["home"] if before and same else there["parents"][0]["id"]
            self.known[name] = {
                "id": there["id"], "rev": there["headRevisionId"], "md5": there["md5Checksum"], "home": home,
            }  # fmt: skip
        if self.known.get(name) != before:
            _place(self.memory, json.dumps(self.known).encode())


def _place(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.sync-client")
    draft.write_bytes(data)
    draft.replace(target)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.sync_client")
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("root", help="id of the folder on Drive")
    parser.add_argument("folder", type=Path)
    parser.add_argument("memory", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--delay", type=float, required=True, help="longest time between looking and copying, seconds")
    parser.add_argument("--once", action="store_true", help="one round, at once; prints how much moved")
    asked = parser.parse_args()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    log = EventLog(path=asked.log)
    chance = random.Random(f"{asked.seed} sync {len(log.read())}")
    client = SyncClient(
        drive=PlainDrive(url=asked.url, token=asked.token), root=asked.root, folder=asked.folder, memory=asked.memory,
        log=log, chance=chance, wait=lambda: None if asked.once else _wait(over, chance, asked.delay), fork_request=asked.memory.with_name("fork-request"),
    )  # fmt: skip
    if asked.once:
        sys.stdout.write(f"{client.round()}\n")
        return 0
    while not over.is_set():
        try:
            client.round()
        except DriveCallFailed as error:
            log.write("trouble", error=str(error)[:200])
        over.wait(chance.uniform(0.2, 1.0) * asked.delay)
    return 0


def _wait(over: threading.Event, chance: random.Random, delay_s: float) -> None:
    over.wait(chance.uniform(0.2, 1.0) * delay_s)


if __name__ == "__main__":
    sys.exit(main())
