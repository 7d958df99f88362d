"""Which sync client or file system holds a folder, on every platform, from a described machine."""

from __future__ import annotations

import sys
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from bridge.transports import sync_clients
from bridge.transports.mount import HostFacts, Mount, mount_of, recognise
from bridge.transports.sync_clients import FILE_SYSTEMS, FOLDERS, ClientKind, SyncClient

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /tmp tmpfs rw 0 0
overlay /var/lib/box overlay rw 0 0
drive /content/drive fuse.drive rw,nosuid,nodev 0 0
gdrive,client_secret=GEHEIM:q /mnt/my\\040drive fuse.rclone rw 0 0
/dev/sdb1 /content/drive/disk ext4 rw 0 0
google-drive-ocamlfuse /mnt/oc fuse.google-drive-ocamlfuse rw 0 0
me@host:/q /mnt/ssh fuse.sshfs rw 0 0
mergerfs /mnt/pool fuse.mergerfs rw 0 0
bucket /mnt/any fuse rw 0 0
/dev/sdc1 /mnt/ntfs fuseblk rw 0 0
fusectl /sys/fs/fuse/connections fusectl rw 0 0
nas:/q /mnt/nfs nfs4 rw 0 0
nas:/q /mnt/nfs3 nfs rw 0 0
//nas/q /mnt/smb cifs rw 0 0
//me:GEHEIM@nas/q /mnt/smb3 smb3 rw 0 0
C:\\134 /mnt/c 9p rw 0 0
shared /mnt/vm virtiofs rw 0 0
/dev/sdd1 /mnt/twice ext4 rw 0 0
gdrive: /mnt/twice fuse.rclone rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/content/drive/MyDrive/notebooks", sync_clients.COLAB),
        ("/content/drive", sync_clients.COLAB),
        ("/content/drive2", sync_clients.DISK),  # begins so, and lies elsewhere
        ("/content/drive/disk/x", sync_clients.DISK),  # a disk mounted inside
        ("/mnt/my drive/x", sync_clients.RCLONE),  # the table writes a space as \040
        ("/mnt/twice", sync_clients.RCLONE),  # the later mount covers the earlier one
        ("/mnt/oc/q", sync_clients.OCAMLFUSE),
        ("/mnt/ssh/q", sync_clients.SSHFS),
        ("/mnt/pool/q", sync_clients.OTHER_FUSE),
        ("/mnt/any/q", sync_clients.OTHER_FUSE),
        ("/mnt/ntfs/q", sync_clients.DISK),  # a disk of this machine, though through FUSE
        ("/mnt/nfs/q", FILE_SYSTEMS["nfs4"]),
        ("/mnt/nfs3/q", FILE_SYSTEMS["nfs"]),
        ("/mnt/smb/q", FILE_SYSTEMS["cifs"]),
        ("/mnt/smb3/q", FILE_SYSTEMS["smb3"]),
        ("/mnt/c/Users/me/q", sync_clients.SHARED),
        ("/mnt/vm/q", sync_clients.SHARED),
        ("/var/lib/box/q", sync_clients.DISK),
        ("/home/me/notebooks", sync_clients.DISK),
        ("/tmp/x", sync_clients.DISK),
    ],
)
def test_on_linux_the_mount_table_tells_the_file_system(path: str, expected: SyncClient) -> None:
    found = recognise(PurePosixPath(path), HostFacts(home=PurePosixPath("/home/me"), mounts=MOUNTS))

    assert found.client == expected
    assert ("mount of type" in found.evidence) == (expected is not sync_clients.DISK)
    assert "GEHEIM" not in str(found)


def machine(platform: str, home: str, *files: str, environ: dict[str, str] | None = None, text: str = "") -> HostFacts:
    """A machine on which these files are, the last of which says `text`."""
    kind: type[PurePath] = PureWindowsPath if platform == "win32" else PurePosixPath
    paths = [kind(file) for file in files]
    return HostFacts(
        platform=platform,
        home=kind(home),
        environ=environ or {},
        names=lambda folder: frozenset(path.name for path in paths if path.parent == folder),
        text=lambda file: text if paths and file == paths[-1] else "",
    )


LINUX, MAC, WINDOWS = ("linux", "/home/me"), ("darwin", "/Users/me"), ("win32", "C:\\Users\\me")


@pytest.mark.parametrize(
    ("where", "folder", "file", "expected", "sure"),
    [
        (LINUX, "/home/me/Sync/q", "/home/me/Sync/.stfolder", sync_clients.SYNCTHING, True),
        (LINUX, "/home/me/Dropbox/q", "/home/me/Dropbox/.dropbox.cache", sync_clients.DROPBOX, True),
        (LINUX, "/home/me/Dropbox/q", "/home/me/Dropbox/.dropbox", sync_clients.DROPBOX, True),
        (LINUX, "/home/me/projects/q", "/home/me/.dropbox", sync_clients.DISK, True),  # the program's own, in the home folder
        (LINUX, "/home/me/Cloud/q", "/home/me/Cloud/.sync_0123abcd.db", sync_clients.NEXTCLOUD, True),
        (LINUX, "/home/me/Cloud/q", "/home/me/Cloud/._sync_0123abcd.db", sync_clients.NEXTCLOUD, True),
        (LINUX, "/home/me/Cloud/q", "/home/me/Cloud/.owncloudsync.log", sync_clients.NEXTCLOUD, True),
        (LINUX, "/home/me/Insync/q", "/home/me/Insync/.insync-trash", sync_clients.INSYNC, False),
        (LINUX, "/home/me/bi/q", "/home/me/bi/RCLONE_TEST", sync_clients.BISYNC, False),
        (
            LINUX, "/home/me/bi/q", "/home/me/.cache/rclone/bisync/home_me_bi..gdrive_q.path1.lst", sync_clients.BISYNC, False,
        ),
        (
            LINUX, "/home/me/bi/q", "/home/me/.cache/rclone/bisync/home_me_b..gdrive_q.path1.lst", sync_clients.DISK, True,
        ),  # another folder
        (MAC, "/Users/me/Library/CloudStorage/GoogleDrive-me@x.org/My Drive/q", "", sync_clients.DRIVE_STREAM, True),
        (MAC, "/Users/me/Library/CloudStorage/OneDrive-Personal/q", "", sync_clients.ONEDRIVE, True),
        (MAC, "/Users/me/Library/CloudStorage/Dropbox/q", "", sync_clients.DROPBOX, True),
        (MAC, "/Users/me/Library/CloudStorage/Box-Box/q", "", sync_clients.FILE_PROVIDER, False),
        (MAC, "/Users/me/Library/Mobile Documents/com~apple~CloudDocs/q", "", sync_clients.ICLOUD, True),
        (MAC, "/Users/me/My Drive/q", "/Users/me/My Drive/.tmp.driveupload", sync_clients.DRIVE_MIRROR, False),
        (MAC, "/Users/me/q", "", sync_clients.DISK, True),
        (WINDOWS, "G:\\My Drive\\q", "", sync_clients.DRIVE_STREAM, False),
        (WINDOWS, "G:\\Meine Ablage\\q", "", sync_clients.DRIVE_STREAM, False),
        (WINDOWS, "G:\\Something else\\q", "G:\\.shortcut-targets-by-id", sync_clients.DRIVE_STREAM, False),  # any language
        (WINDOWS, "C:\\My Drive\\q", "C:\\My Drive\\.tmp.drivedownload", sync_clients.DRIVE_MIRROR, False),
        (WINDOWS, "C:\\Users\\me\\iCloudDrive\\q", "", sync_clients.ICLOUD, False),
        (WINDOWS, "\\\\nas\\share\\q", "", FILE_SYSTEMS["cifs"], True),
        (WINDOWS, "\\\\wsl.localhost\\Ubuntu\\home\\q", "", sync_clients.SHARED, True),
        (WINDOWS, "C:\\Users\\me\\Documents\\q", "", sync_clients.DISK, True),
    ],
)  # fmt: skip
def test_a_client_is_known_by_what_it_leaves_in_the_folders_above(
    where: tuple[str, str], folder: str, file: str, expected: SyncClient, sure: bool
) -> None:
    kind = PureWindowsPath if where[0] == "win32" else PurePosixPath
    found = recognise(kind(folder), machine(*where, *([file] if file else [])))

    assert (found.client, found.sure) == (expected, sure)
    assert ("probably" in str(found)) == (not sure)
    assert bool(found.evidence) == (expected is not sync_clients.DISK)


@pytest.mark.parametrize("name", ["OneDrive", "OneDriveConsumer", "OneDriveCommercial"])
def test_onedrive_is_known_by_its_variables(name: str) -> None:
    around = machine(*WINDOWS, environ={name: "C:\\Users\\me\\OneDrive - Firm"})

    assert recognise(PureWindowsPath("c:\\users\\ME\\OneDrive - Firm\\q"), around).client is sync_clients.ONEDRIVE
    assert recognise(PureWindowsPath("C:\\Users\\me\\OneDrive\\q"), around).client is sync_clients.DISK


@pytest.mark.parametrize(
    ("where", "environ", "file", "root"),
    [
        (LINUX, {}, "/home/me/.dropbox/info.json", "/data/box"),
        (MAC, {}, "/Users/me/.dropbox/info.json", "/Users/me/box"),
        (WINDOWS, {"LOCALAPPDATA": "C:\\A\\Local"}, "C:\\A\\Local\\Dropbox\\info.json", "D:\\box"),
        (WINDOWS, {"APPDATA": "C:\\A\\Roaming"}, "C:\\A\\Roaming\\Dropbox\\info.json", "D:\\box"),
    ],
)
def test_dropbox_is_known_by_its_own_settings(
    where: tuple[str, str], environ: dict[str, str], file: str, root: str
) -> None:
    kind = PureWindowsPath if where[0] == "win32" else PurePosixPath
    escaped = root.replace("\\", "\\\\")
    around = machine(*where, file, environ=environ, text=f'{{"personal": {{"path": "{escaped}", "host": 1}}, "x": 7}}')

    assert recognise(kind(root) / "q", around).client is sync_clients.DROPBOX
    assert recognise(kind(root).parent / "other" / "q", around).client is sync_clients.DISK
    half = machine(*where, file, environ=environ, text='{"personal": ')
    assert recognise(kind(root) / "q", half).client is sync_clients.DISK


def test_a_mount_decides_before_any_mark_does() -> None:
    around = HostFacts(home=PurePosixPath("/home/me"), mounts=MOUNTS, names=lambda _folder: frozenset({".stfolder"}))

    assert recognise(PurePosixPath("/mnt/my drive/q"), around).client is sync_clients.RCLONE


def test_the_clients_whose_replaced_files_get_a_new_id_are_written_in_place_and_no_others() -> None:
    in_place = {client.name for client in (*FILE_SYSTEMS.values(), *FOLDERS) if client.in_place}

    assert in_place == {
        "Colab's Google Drive", "rclone mount", "google-drive-ocamlfuse", "Drive for Desktop (streaming)",
        "Drive for Desktop (mirroring)", "a cloud storage of macOS", "a FUSE file system",
    }  # fmt: skip


def test_events_are_trusted_in_real_folders_only_and_each_client_says_what_to_expect() -> None:
    for client in (*FILE_SYSTEMS.values(), *FOLDERS):
        assert client.means
        if client.events:
            assert client.kind is ClientKind.SYNCED, client.name


def test_a_folder_of_this_machine_is_recognised_by_what_lies_above_it_and_through_links(tmp_path: Path) -> None:
    (tmp_path / "sync" / "q").mkdir(parents=True)
    (tmp_path / "sync" / ".stfolder").mkdir()
    plain = tmp_path / "plain"
    plain.mkdir()

    assert mount_of(tmp_path / "sync" / "q").client is sync_clients.SYNCTHING
    assert mount_of(plain) == Mount(client=sync_clients.DISK)
    assert mount_of(tmp_path / "not there").client is sync_clients.DISK
    if sys.platform != "win32":
        (plain / "link").symlink_to(tmp_path / "sync" / "q")
        assert mount_of(plain / "link").client is sync_clients.SYNCTHING
