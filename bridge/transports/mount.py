"""Which sync client or file system holds a folder, and by what it was recognised.

The mount table decides first, then what clients leave in the folders above, then where the platform keeps their folders.
Nothing is started or asked over the network. Everything that is looked at is injected, so that each platform is tested on
any; the marks of Drive for Desktop, macOS and Windows come from documents, not from a real machine.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath, PureWindowsPath

from bridge.transports import sync_clients
from bridge.transports.sync_clients import SyncClient


@dataclass(frozen=True, kw_only=True)
class Mount:
    """What holds a folder."""

    client: SyncClient
    evidence: str = ""  #: what it was recognised by
    sure: bool = True

    def __str__(self) -> str:
        """Its name, with a "probably" and the evidence where there is one."""
        name = self.client.name if self.sure else f"probably {self.client.name}"
        return f"{name} ({self.evidence})" if self.evidence else name


def _nothing(_path: PurePath) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """What is looked at. `names` lists a folder and `text` reads a file; both give nothing where they cannot."""

    home: PurePath
    platform: str = "linux"  #: as `sys.platform`
    environ: Mapping[str, str] = field(default_factory=dict)
    mounts: str = ""  #: the text of /proc/mounts
    names: Callable[[PurePath], frozenset[str]] = _nothing
    text: Callable[[PurePath], str] = lambda _path: ""


def mount_of(folder: Path) -> Mount:
    """What holds a folder of this machine. Never raises; where nothing is recognised, a plain disk.

    Symbolic links are followed. Remembered as long as the mount table stays as it is.
    """
    return _remembered(folder.absolute(), _mounts())


@lru_cache(maxsize=64)
def _remembered(folder: Path, mounts: str) -> Mount:
    try:
        home = Path.home()
    except RuntimeError:  # a user without one
        home = Path(folder.anchor)
    around = HostFacts(
        platform=sys.platform, environ=dict(os.environ), home=home, mounts=mounts, names=_names, text=_text
    )
    found = recognise(folder, around)
    if found.client is sync_clients.DISK:
        with suppress(OSError):
            found = recognise(Path(os.path.realpath(folder)), around)
    return found


def recognise(folder: PurePath, around: HostFacts) -> Mount:
    """What holds a folder, an absolute path of that platform."""
    mounted = _file_system(folder, around.mounts)
    if mounted is not None:
        return mounted
    above = (folder, *folder.parents)
    looks: list[Callable[[], Iterator[Mount]]] = [lambda: _by_mark(above, around)]
    if around.platform == "darwin":
        looks.insert(0, lambda: _on_macos(folder, around))
    elif around.platform == "win32":
        looks.insert(0, lambda: _on_windows(folder, around))
    looks.append(lambda: _by_settings(folder, above, around))
    return next((found for look in looks for found in look()), Mount(client=sync_clients.DISK))


def _file_system(folder: PurePath, mounts: str) -> Mount | None:
    """The file system that is no plain disk, by the mount that is nearest above."""
    points: dict[str, tuple[str, str]] = {}
    for line in mounts.splitlines():
        fields = [_unescaped(field) for field in line.split()]
        if len(fields) > 2:
            points[fields[1]] = (fields[2], fields[0])  # a later mount covers an earlier one
    for parent in (folder, *folder.parents):
        if str(parent) not in points:
            continue
        kind, source = points[str(parent)]
        client = sync_clients.FILE_SYSTEMS.get(kind)
        evidence = f"{parent} is a mount of type {kind} from {_shown(source)}"
        if client is not None:
            return Mount(client=client, evidence=evidence)
        if kind.startswith("fuse."):
            return Mount(client=sync_clients.OTHER_FUSE, evidence=evidence)
        if kind == "fuse":  # some name themselves by their source only
            known = sync_clients.FILE_SYSTEMS.get(f"fuse.{source.partition(':')[0]}")
            return Mount(client=known or sync_clients.OTHER_FUSE, evidence=evidence, sure=known is None)
        return None  # fuseblk too: NTFS or exFAT on a disk of this machine
    return None


def _by_mark(above: tuple[PurePath, ...], around: HostFacts) -> Iterator[Mount]:
    for parent in above:
        for name in sorted(around.names(parent)):
            for mark, client, sure in _MARKS:
                if mark.fullmatch(name) and not (name == ".dropbox" and parent == around.home):
                    yield Mount(client=client, evidence=f"{name} in {parent}", sure=sure)


#: (name of a file or folder in a folder above, client, whether nothing else makes it).
#: `.dropbox` in the home folder is the program's own state.
_MARKS: tuple[tuple[re.Pattern[str], SyncClient, bool], ...] = tuple(
    (re.compile(mark), client, sure)
    for mark, client, sure in (
        (r"\.stfolder", sync_clients.SYNCTHING, True),
        (r"\.dropbox(?:\.cache)?", sync_clients.DROPBOX, True),
        (r"\.shortcut-targets-by-id", sync_clients.DRIVE_STREAM, False),
        (r"\.tmp\.drive(?:up|down)load", sync_clients.DRIVE_MIRROR, False),  # in each folder that it backs up, too
        (r"\.insync.*", sync_clients.INSYNC, False),
        (r"\.(?:owncloud|nextcloud)sync\.log|\._?sync_[\w-]+\.db", sync_clients.NEXTCLOUD, True),
        (r"RCLONE_TEST", sync_clients.BISYNC, False),  # its --check-access asks for that file
    )
)


def _on_macos(folder: PurePath, around: HostFacts) -> Iterator[Mount]:
    clouds, library = around.home / "Library" / "CloudStorage", around.home / "Library"
    if folder.is_relative_to(clouds) and folder != clouds:
        root = folder.relative_to(clouds).parts[0]
        known = {
            "GoogleDrive": sync_clients.DRIVE_STREAM,
            "OneDrive": sync_clients.ONEDRIVE,
            "Dropbox": sync_clients.DROPBOX,
        }
        client = known.get(re.split(r"[- ]", root)[0])
        evidence = f"it lies in {clouds / root}"
        yield Mount(client=client or sync_clients.FILE_PROVIDER, evidence=evidence, sure=client is not None)
    if folder.is_relative_to(library / "Mobile Documents"):
        yield Mount(client=sync_clients.ICLOUD, evidence=f"it lies in {library / 'Mobile Documents'}")


#: What Drive for Desktop calls the root of My Drive, as far as known; other languages are known by `_MARKS` only.
_MY_DRIVE = {
    "My Drive", "Meine Ablage", "Mon Drive", "Mi unidad", "Il mio Drive", "Meu Drive", "O meu disco", "Mijn Drive",
    "Mój dysk", "Мой диск", "マイドライブ", "我的云端硬盘", "我的雲端硬碟", "내 드라이브",
    "Shared drives", "Geteilte Ablagen",
}  # fmt: skip


def _on_windows(folder: PurePath, around: HostFacts) -> Iterator[Mount]:
    drive, parts = folder.drive, folder.parts
    if drive.startswith("\\\\"):
        wsl = drive.lower().startswith(("\\\\wsl$", "\\\\wsl.localhost"))
        yield Mount(
            client=sync_clients.SHARED if wsl else sync_clients.FILE_SYSTEMS["cifs"],
            evidence=f"{drive} is a network path",
        )
    if len(parts) > 1 and parts[1] in _MY_DRIVE and drive.upper() != "C:":
        yield Mount(client=sync_clients.DRIVE_STREAM, evidence=f"{drive} has a folder {parts[1]}", sure=False)
    for name in ("OneDrive", "OneDriveConsumer", "OneDriveCommercial"):
        root = around.environ.get(name)
        if root and folder.is_relative_to(PureWindowsPath(root)):
            yield Mount(client=sync_clients.ONEDRIVE, evidence=f"{name} is {root}")
    if folder.is_relative_to(around.home / "iCloudDrive"):
        yield Mount(client=sync_clients.ICLOUD, evidence=f"it lies in {around.home / 'iCloudDrive'}", sure=False)


def _by_settings(folder: PurePath, above: tuple[PurePath, ...], around: HostFacts) -> Iterator[Mount]:
    """By what clients write down of the folders that they sync."""
    for file in _dropbox_files(around):
        for root in _dropbox_roots(around.text(file)):
            if folder.is_relative_to(type(folder)(root)):
                yield Mount(client=sync_clients.DROPBOX, evidence=f"{file} names {root}")
    listings = around.home / ".cache" / "rclone" / "bisync"
    for name in sorted(around.names(listings)):
        # Path1..path2, without the slashes at the ends and with "_" for each other one.
        sides = {re.sub(r"\.(?:path[12]\.)?(?:lst|lck).*\Z", "", side) for side in name.split("..")}
        for parent in above:
            if len(parent.parts) > 1 and re.sub(r"[\s/\\:?*]", "_", str(parent).strip("/\\")) in sides:
                yield Mount(client=sync_clients.BISYNC, evidence=f"{name} in {listings} is about {parent}", sure=False)


def _dropbox_files(around: HostFacts) -> list[PurePath]:
    if around.platform != "win32":
        return [around.home / ".dropbox" / "info.json"]
    folders = [around.environ.get(name) for name in ("APPDATA", "LOCALAPPDATA")]
    return [PureWindowsPath(folder) / "Dropbox" / "info.json" for folder in folders if folder]


def _dropbox_roots(text: str) -> list[str]:
    try:
        accounts = json.loads(text)
    except ValueError:
        return []
    found = accounts.values() if isinstance(accounts, dict) else ()
    return [account["path"] for account in found if isinstance(account, dict) and isinstance(account.get("path"), str)]


def _unescaped(field: str) -> str:
    """A field of the mount table, where spaces and the like stand as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def _shown(source: str) -> str:
    """A mount's source without what may be a password: rclone takes settings, and SMB a user, in it."""
    return re.sub(r"//[^/@]*@", "//", source.partition(",")[0])


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _names(folder: PurePath) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208  # names are what is wanted
    except OSError:
        return frozenset()


def _text(file: PurePath) -> str:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
