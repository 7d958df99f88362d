"""Which file on Drive is which of a queue's: names to ids, without trusting titles.

Every file that we make carries two public properties: the queue_id, and its *role*, its name with `*` for the queue's own
stem. So a person may rename or move files, and two machines may call the queue differently. A file without a role that lies
in the queue's folder is shown by its title: the store looks into it, and folds it in if it is a second copy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.core import files
from bridge.transports.drive.calls import FOLDER_TYPE, DriveFile

#: Keys of the properties; with their values they stay below Drive's 124 bytes.
QUEUE, ROLE, CLAIM = "qwen_bridge_queue", "qwen_bridge_role", "qwen_bridge_claim"
#: A claim that was given up: properties are written over, not taken away.
NOTHING = "-:-"
#: Claims that part 1 holds: a file has room for 30 public properties. Of more parts the newer ones take the older ones' place.
_CLAIMS = 20
#: The role of part 1.
FIRST = "*.ipynb"

#: Folder of what is done: whoever made a file in it, its title says which archive it is.
ARCHIVE = "archive"
#: Folders, ours and those of sync clients, of what was set aside: second copies, and what cannot be read.
ASIDE = ("forks", "damaged")
#: What a role looks like: a name, at most one folder deep.
_PLAIN = re.compile(r"(?:[a-z]+/)?(?!\.)[^/\\\x00-\x1f]+")


def claim_key(role: str) -> str:
    """The property of part 1 in which it is agreed under which id the file of a role is made."""
    number = re.sub(r"\D", "", role)
    return f"{CLAIM}_{int(number or 0) % _CLAIMS}"


def claimed(first: DriveFile) -> dict[str, str]:
    """{role: file id} of the claims that part 1 holds."""
    claims = (value.rpartition(":") for key, value in first.properties.items() if key.startswith(CLAIM))
    return {role: file_id for role, _, file_id in claims if role and role != "-"}


def quoted(text: str) -> str:
    """A text as it stands between quotes in a search."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def of_queue(queue_id: str) -> str:
    """The search for all files of a queue, the trash not left out."""
    return f"properties has {{ key='{QUEUE}' and value='{quoted(queue_id)}' and visibility='PUBLIC' }}"


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Names of this machine to roles, and back."""

    stem: str

    def role(self, name: str) -> str:
        """The role of a name."""
        folder, slash, own = name.rpartition("/")
        return folder + slash + ("*" + own.removeprefix(self.stem) if own.startswith(self.stem) else own)

    def name(self, role: str) -> str:
        """The name of a role."""
        return role.replace("*", self.stem, 1)


@dataclass(kw_only=True)
class Catalog:
    """The files of one queue by their names here, as last described."""

    queue_id: str
    roles: Roles
    anchor: str  #: file id of part 1, which no other file takes the name of
    files: dict[str, DriveFile] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)  #: {"archive": id}

    def take(self, described: Iterable[DriveFile], *, home: str | None) -> None:
        """Add what was found; `home` is the queue's folder. Of two files with one role the older one has it."""
        for file in sorted(described, key=self._rank):
            if file.trashed:
                self.drop(file.id)
                continue
            ours = file.properties.get(QUEUE) == self.queue_id
            role = file.properties.get(ROLE, "") if ours else ""
            if role.startswith(ASIDE) and file.type != FOLDER_TYPE and home and home in file.parents:
                role = ""  # a person moved it back
            if role and not role_is_plain(role):
                continue  # nobody of us wrote that
            if file.type == FOLDER_TYPE:
                if role:
                    self.folders.setdefault(role, file.id)
                if role in ASIDE or (file.title in ASIDE and home and home in file.parents):
                    self.folders[f"{role or file.title} {file.id}"] = file.id
            elif self.is_aside(file, role):
                self.drop(file.id)
            elif role:
                self._place(self.roles.name(role), file)
            elif (ours or (home and home in file.parents)) and file.title.lower().endswith(".ipynb"):
                self._place(self._free(_safe(file.title), file), file)
            elif self.folders.get(ARCHIVE) in file.parents and file.title.lower().endswith(".ipynb"):
                self._place(f"{ARCHIVE}/{_safe(file.title)}", file)

    def is_aside(self, file: DriveFile, role: str) -> bool:
        """Whether somebody set a part of ours aside: it lies in a folder for that. Part 1 is known by its id."""
        aside = any(key.startswith(ASIDE) and folder in file.parents for key, folder in self.folders.items())
        return aside and role.startswith("*") and file.id != self.anchor

    def see(self, name: str, file: DriveFile) -> None:
        """What a look at a file of ours told."""
        self.files[name] = file

    def drop(self, file_id: str) -> None:
        """A file is not there any more."""
        self.files = {name: file for name, file in self.files.items() if file.id != file_id}

    def forget_folder(self, folder_id: str) -> None:
        """A folder is not there any more."""
        self.folders = {name: known for name, known in self.folders.items() if known != folder_id}

    def knows(self, file_id: str) -> bool:
        """Whether a file has a name here."""
        return bool(self.name_of(file_id))

    def name_of(self, file_id: str) -> str:
        """The name of a file here; empty if it has none."""
        return next((name for name, file in self.files.items() if file.id == file_id), "")

    def _place(self, name: str, file: DriveFile) -> None:
        mount = self.files.get(name)
        if mount is None or mount.id == file.id:
            already = next((known for known, there in self.files.items() if there.id == file.id), None)
            if already is None or already == name:
                self.files[name] = file
        elif not self.knows(file.id):
            first, second = sorted((mount, file), key=self._rank)
            self.files[name] = first
            self.files[self._free(name, second)] = second

    def _rank(self, file: DriveFile) -> tuple[bool, str, str]:
        return (file.id != self.anchor, file.created, file.id)

    def _free(self, name: str, file: DriveFile) -> str:
        """A name that only this file has, and that no part has."""
        folder, slash, own = name.rpartition("/")
        stem, dot, suffix = own.rpartition(".")
        return f"{folder}{slash}{stem} ({file.id[-8:]}){dot}{suffix}"


def role_is_plain(role: str) -> bool:
    """Whether one of us may have written it."""
    return bool(_PLAIN.fullmatch(role))


def _safe(title: str) -> str:
    return re.sub(r"[/\\\x00-\x1f]", "_", title)


@dataclass(frozen=True, kw_only=True)
class Memo:
    """What is remembered between commands, in the queue's local state; lost, it costs one listing."""

    ids: Mapping[str, str] = field(default_factory=dict)  #: name → file id
    folders: Mapping[str, str] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)  #: name → id of a file that was about to be made
    token: str | None = None  #: of the list of changes
    listed_at: float = 0.0  #: seconds since the epoch
    changes_at: float = 0.0

    @staticmethod
    def read(path: Path) -> Memo:
        """The memo in a file; empty if there is none, or a damaged one."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            return Memo(
                ids={str(k): str(v) for k, v in value["ids"].items()},
                folders={str(k): str(v) for k, v in value["folders"].items()},
                pending={str(k): str(v) for k, v in value["pending"].items()},
                token=value["token"],
                listed_at=float(value["listed_at"]),
                changes_at=float(value["changes_at"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Memo()

    def write(self, path: Path) -> None:
        """Into a file, in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_atomically(path, json.dumps(vars(self)).encode(), mode=0o600)
