"""Sync clients and file systems: what each does to a queue's folder. Evidence: facts on Drive, section 3.1.

*In place* is wanted where a replaced file gets a new id on Drive, which orphans an open Colab tab; else a file is replaced,
because then no reader sees half of it. *Events* tells whether the operating system's file events also come for what other
machines wrote; if not, one must look again and again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


class ClientKind(Enum):
    """What holds a folder."""

    DISK = "plain disk"
    SYNCED = "synced folder"  # a real folder that a client copies to and fro
    DRIVE = "mounted drive"  # files come when they are read
    NETWORK = "network file system"  # one copy, on another machine


@dataclass(frozen=True, kw_only=True)
class SyncClient:
    """A sync client or file system."""

    name: str
    kind: ClientKind
    in_place: bool = False
    events: bool = True
    means: str = ""  #: what a user has to expect, one sentence
    advice: str = ""  #: what to set, if anything


DISK = SyncClient(name="a plain disk", kind=ClientKind.DISK)

_LAST_WINS = "the last writer wins and nobody is told; whatever was overwritten comes back at the next merge"

COLAB = SyncClient(
    name="Colab's Google Drive", kind=ClientKind.DRIVE, in_place=True, events=False,
    means=f"{_LAST_WINS}; what others wrote may show up minutes late, and the last writes leave at the unmount",
    advice="end the session with `drive.flush_and_unmount()`",
)  # fmt: skip
RCLONE = SyncClient(
    name="rclone mount", kind=ClientKind.DRIVE, in_place=True, events=False,
    means=f"{_LAST_WINS}; what others wrote shows up after --dir-cache-time (5 minutes unless set)",
    advice="mount with --vfs-cache-mode full --dir-cache-time 10s --poll-interval 10s --vfs-write-back 1s: without a VFS "
    "cache files cannot be written in place, and its settings cannot be seen from here",
)  # fmt: skip
OCAMLFUSE = SyncClient(
    name="google-drive-ocamlfuse", kind=ClientKind.DRIVE, in_place=True, events=False,
    means="a file that is replaced goes to Drive's trash before the new one is uploaded; the last writer wins",
    advice="leave write_mode at auto; rclone mount is better kept",
)  # fmt: skip
DRIVE_STREAM = SyncClient(
    name="Drive for Desktop (streaming)", kind=ClientKind.DRIVE, in_place=True, events=False,
    means="the last writer wins or a second copy `name (1)` appears, which is folded in; files need the network to open",
    advice="make the folder available offline",
)  # fmt: skip
DRIVE_MIRROR = SyncClient(
    name="Drive for Desktop (mirroring)", kind=ClientKind.SYNCED, in_place=True, events=False,
    means="the last writer wins or a second copy `name (1)` appears, which is folded in; file events are not to be relied on",
)  # fmt: skip
SYNCTHING = SyncClient(
    name="Syncthing", kind=ClientKind.SYNCED,
    means="a conflict leaves `name.sync-conflict-…`, which is folded in and moved to forks/ on whichever machine sees it first",
)  # fmt: skip
DROPBOX = SyncClient(
    name="Dropbox", kind=ClientKind.SYNCED,
    means="a conflict leaves `name (… conflicted copy …)`, which is folded in and moved to forks/",
    advice="make the folder available offline",
)  # fmt: skip
ONEDRIVE = SyncClient(
    name="OneDrive", kind=ClientKind.SYNCED,
    means="a conflict leaves `name-HOSTNAME`, which is folded in and moved to forks/",
    advice="choose 'Always keep on this device' for the folder",
)  # fmt: skip
ICLOUD = SyncClient(
    name="iCloud Drive", kind=ClientKind.SYNCED, events=False,
    means="a conflict may leave `name 2`, which is folded in; files may be taken off the disk and come back when they are read",
    advice="choose 'Keep Downloaded' for the folder",
)  # fmt: skip
NEXTCLOUD = SyncClient(
    name="Nextcloud or ownCloud", kind=ClientKind.SYNCED,
    means="a conflict leaves `name (conflicted copy …)` on one machine only, where it is folded in",
)  # fmt: skip
INSYNC = SyncClient(
    name="Insync", kind=ClientKind.SYNCED,
    means="a conflict makes no copy: Insync stops syncing the notebook until you pick a side in its Conflicts tab",
    advice="set a default for conflicts, and look at `insync conflict list` when answers stay away",
)  # fmt: skip
BISYNC = SyncClient(
    name="rclone bisync", kind=ClientKind.SYNCED,
    means="a conflict renames both sides (`name.conflict1`, `name.conflict2`): the notebook is gone until the next command "
    "folds both in and writes it again; between two runs nothing is exchanged",
    advice="do not combine it with --conflict-loser delete",
)  # fmt: skip
FILE_PROVIDER = SyncClient(
    name="a cloud storage of macOS", kind=ClientKind.SYNCED, in_place=True, events=False,
    means="how it settles conflicts is not known here; second copies are folded in whatever they are called",
    advice="keep the folder downloaded",
)  # fmt: skip
SSHFS = SyncClient(
    name="sshfs", kind=ClientKind.NETWORK, events=False, means="one copy for all; what others wrote shows up seconds late",
)  # fmt: skip
NETWORK = SyncClient(
    name="a network file system", kind=ClientKind.NETWORK, events=False,
    means="one copy for all; what others wrote shows up seconds late, and the queue's lock holds on this machine only",
)  # fmt: skip
SHARED = SyncClient(
    name="a folder shared with the host", kind=ClientKind.NETWORK, events=False,
    means="what the host writes makes no file events here; the host's folder may itself be synced, which cannot be seen",
)  # fmt: skip
OTHER_FUSE = SyncClient(
    name="a FUSE file system", kind=ClientKind.DRIVE, in_place=True, events=False,
    means="how it treats two writers is not known here, so it is treated as a mounted drive",
)  # fmt: skip


def named(client: SyncClient, name: str) -> SyncClient:
    """The same under a more exact name."""
    return replace(client, name=name)


#: {file system type in /proc/mounts: client}. `fuse.*` that is not listed is `OTHER_FUSE`.
FILE_SYSTEMS: dict[str, SyncClient] = {
    "fuse.drive": COLAB,  # its DriveFS names itself so
    "fuse.rclone": RCLONE,
    "fuse.google-drive-ocamlfuse": OCAMLFUSE,
    "fuse.sshfs": SSHFS,
    "nfs": named(NETWORK, "NFS"),
    "nfs4": named(NETWORK, "NFS"),
    "cifs": named(NETWORK, "SMB"),
    "smb3": named(NETWORK, "SMB"),
    "9p": SHARED,  # WSL's /mnt/c, virtual machines
    "drvfs": SHARED,
    "virtiofs": SHARED,
    "vboxsf": SHARED,
    "fuse.vmhgfs-fuse": SHARED,
}

#: Every client that `mount` can name besides those of `FILE_SYSTEMS`.
FOLDERS = (
    DRIVE_STREAM, DRIVE_MIRROR, SYNCTHING, DROPBOX, ONEDRIVE, ICLOUD, NEXTCLOUD, INSYNC, BISYNC, FILE_PROVIDER, OTHER_FUSE,
)  # fmt: skip
