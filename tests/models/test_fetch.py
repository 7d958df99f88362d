"""A model fetched from a hub: whole, checked and kept, or not there at all."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from bridge.cli.demo import _SIZES
from bridge.core.errors import DownloadDamaged, DownloadFailed, DownloadTooLarge, NotOnHub
from bridge.models.fetch import CHUNK_BYTES, HUB_URL, SIZES, SPARE_BYTES, Hub
from bridge.models.hub_names import repository
from bridge.models.hub_wire import onward
from bridge.wiring import open_hub
from tests.support.hub import NAME, LoopbackHub

CONTENT = bytes(range(256)) * 12_000  # some twelve chunks


@pytest.fixture
def server() -> Iterator[LoopbackHub]:
    with LoopbackHub(CONTENT) as server:
        yield server


class Pauses(list[float]):
    """A clock that only notes how long it was asked to sleep."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def hub(server: LoopbackHub, pauses: Pauses, tmp_path: Path) -> Hub:
    return Hub(tmp_path / "models", url=server.url, sleep=pauses, free_bytes=lambda _: 10**12)


def left(hub: Hub) -> set[str]:
    """What lies in the folder, the lock aside."""
    return {p.name for p in hub.folder.iterdir() if p.suffix != ".lock"} if hub.folder.exists() else set()


def test_a_model_is_looked_up_fetched_checked_and_kept(hub: Hub, server: LoopbackHub):
    file = hub.look_up("0.5b")
    assert (file.name, file.size_bytes, file.sha256) == (NAME, len(CONTENT), server.sha256)
    assert hub.kept("0.5b") is None
    seen: list[tuple[str, int, int]] = []

    path = hub.fetch(file, lambda *step: seen.append(step))

    assert path.read_bytes() == CONTENT
    assert left(hub) == {NAME}
    assert hub.kept("0.5b") == path
    done = [step[1] for step in seen]
    assert done == sorted(done)
    assert seen[-1] == ("checking", len(CONTENT), len(CONTENT))
    assert hub.fetch(file) == path
    assert len(server.downloads) == 1


def test_a_cut_download_goes_on_where_it_stopped_if_the_file_is_still_the_same(
    hub: Hub, server: LoopbackHub, pauses: Pauses
):
    server.cuts.extend([4 * CHUNK_BYTES + 10, CHUNK_BYTES, None])

    assert hub.fetch(hub.look_up("0.5b")).read_bytes() == CONTENT

    first, second, third = server.downloads
    assert "Range" not in first
    assert (second["Range"], second["If-Range"]) == (f"bytes={4 * CHUNK_BYTES}-", '"v1"')
    assert (third["Range"], third["If-Range"]) == (f"bytes={5 * CHUNK_BYTES}-", '"v1"')
    assert pauses == [1.0, 1.0]  # bytes came in between, so patience begins anew


def test_a_later_process_goes_on_too(hub: Hub, server: LoopbackHub):
    server.cuts.extend([8 * CHUNK_BYTES, *[0] * 20])
    with pytest.raises(DownloadFailed, match="2 MB are kept, and the same command goes on"):
        hub.fetch(hub.look_up("0.5b"))
    assert left(hub) == {f"{NAME}.part", f"{NAME}.part.json"}
    server.cuts.clear()

    later = Hub(hub.folder, url=server.url, free_bytes=lambda _: 10**12)
    assert later.fetch(later.look_up("0.5b")).read_bytes() == CONTENT
    assert server.downloads[-1]["Range"] == f"bytes={8 * CHUNK_BYTES}-"


def test_what_came_of_another_version_is_not_gone_on_with(hub: Hub, server: LoopbackHub):
    server.cuts.append(2_000_000)
    server.codes.extend([None, None, None, 404])
    with pytest.raises(NotOnHub):
        hub.fetch(hub.look_up("0.5b"))
    server.content = CONTENT[::-1]
    server.etag = '"v2"'

    assert hub.fetch(hub.look_up("0.5b")).read_bytes() == CONTENT[::-1]
    assert "Range" not in server.downloads[-1]


MEANWHILE: dict[str, dict[str, Any]] = {
    "a server without ranges": {"obeys_ranges": False},
    "another entity tag": {"etag": '"v2"'},
    "another version, whatever was asked for": {"etag": '"v2"', "obeys_if_range": False},
    "another range than was asked for": {"shifted_by": 7},
}


@pytest.mark.parametrize("how", MEANWHILE)
def test_a_server_that_begins_anew_is_followed(server: LoopbackHub, tmp_path: Path, how: str):
    server.cuts.append(2_000_000)

    def meanwhile(_seconds: float) -> None:
        for name, value in MEANWHILE[how].items():
            setattr(server, name, value)

    hub = Hub(tmp_path / "models", url=server.url, sleep=meanwhile, free_bytes=lambda _: 10**12)
    assert hub.fetch(hub.look_up("0.5b")).read_bytes() == CONTENT
    assert "Range" in server.downloads[1]
    if how in ("another version, whatever was asked for", "another range than was asked for"):
        assert "Range" not in server.downloads[2]  # what had come was of no use


def test_bytes_with_another_checksum_are_deleted_and_never_called_the_model(hub: Hub, server: LoopbackHub):
    server.served = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadDamaged, match="another SHA-256"):
        hub.fetch(hub.look_up("0.5b"))
    assert left(hub) == set()
    assert hub.kept("0.5b") is None


def test_an_answer_longer_than_the_file_ends_and_is_damaged(hub: Hub, server: LoopbackHub):
    server.served = CONTENT * 3
    seen: list[int] = []
    with pytest.raises(DownloadDamaged):
        hub.fetch(hub.look_up("0.5b"), lambda _status, done, _total: seen.append(done))
    assert max(seen) < len(CONTENT) + CHUNK_BYTES
    assert left(hub) == set()


def test_a_hub_that_names_another_checksum_than_its_listing_is_not_believed(hub: Hub, server: LoopbackHub):
    server.linked = "f" * 64
    with pytest.raises(DownloadFailed, match="changed on"):
        hub.fetch(hub.look_up("0.5b"))
    assert server.downloads  # it was said on the way, and nothing of it is kept
    assert left(hub) == set()


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (404, NotOnHub, "404"),
        (401, DownloadFailed, "refuses"),
        (403, DownloadFailed, "--gguf FILE"),
        (418, DownloadFailed, "418"),
    ],
)
def test_a_refusal_is_said_at_once(
    hub: Hub, server: LoopbackHub, pauses: Pauses, code: int, error: type[Exception], words: str
):
    server.codes.append(code)
    with pytest.raises(error, match=words):
        hub.look_up("0.5b")
    assert pauses == []


@pytest.mark.parametrize("code", [429, 500, 503])
def test_what_passes_is_tried_again(hub: Hub, server: LoopbackHub, pauses: Pauses, code: int):
    server.codes.append(code)
    assert hub.look_up("0.5b").name == NAME
    assert pauses == [1.0]


def test_a_hub_that_is_down_is_named(tmp_path: Path, pauses: Pauses):
    with LoopbackHub(b"x") as gone:
        url = gone.url
    with pytest.raises(DownloadFailed, match=r"cannot fetch from 127\.0\.0\.1:\d+: it does not answer"):
        Hub(tmp_path, url=url, sleep=pauses).look_up("0.5b")


LFS = {"oid": "0" * 64, "size": 3}


@pytest.mark.parametrize(
    ("listed", "error", "words"),
    [
        ([], NotOnHub, "no whole Q4_K_M file"),
        # The 7B is there in two halves as well: a half is not taken for the model.
        ([{"path": NAME.replace(".gguf", "-00001-of-00002.gguf"), "lfs": LFS}], NotOnHub, "no whole"),
        ([{"path": NAME, "size": 3}], DownloadFailed, "no checksum"),
        ([{"path": NAME, "lfs": {"oid": "../../x", "size": 3}}], DownloadFailed, "no checksum"),
        ([{"path": "../" + NAME, "lfs": LFS}], NotOnHub, "no whole"),
    ],
)
def test_a_listing_without_the_file_or_its_checksum_fetches_nothing(
    hub: Hub, server: LoopbackHub, listed: list[dict[str, Any]], error: type[Exception], words: str
):
    server.listed = listed
    with pytest.raises(error, match=words):
        hub.look_up("0.5b")


def test_a_listing_that_is_none_is_said(hub: Hub, server: LoopbackHub):
    server.codes.append(200)  # with {} as its body
    with pytest.raises(DownloadFailed, match="not answer as a hub does"):
        hub.look_up("0.5b")


@pytest.mark.parametrize("path", ["/api/", "/cdn/"])
def test_what_is_compressed_is_refused_because_it_may_unpack_to_anything(hub: Hub, server: LoopbackHub, path: str):
    server.packs = path
    with pytest.raises(DownloadFailed, match="compresses"):
        hub.fetch(hub.look_up("0.5b"))
    assert all(headers["Accept-Encoding"] == "identity" for _, headers in server.requests)


def test_a_listing_without_an_end_is_not_read_to_it(hub: Hub, server: LoopbackHub):
    server.listed = [{"path": "x" * 1_000_000}] * 9
    with pytest.raises(DownloadFailed, match="not answer as a hub does"):
        hub.look_up("0.5b")


def test_room_is_looked_for_before_the_first_byte(server: LoopbackHub, tmp_path: Path):
    free = len(CONTENT) + SPARE_BYTES - 1
    hub = Hub(tmp_path, url=server.url, free_bytes=lambda _: free)
    with pytest.raises(DownloadTooLarge, match="make room"):
        hub.fetch(hub.look_up("0.5b"))
    assert server.downloads == []


def test_a_disk_that_fills_up_keeps_what_came(hub: Hub, server: LoopbackHub, monkeypatch: pytest.MonkeyPatch):
    from bridge.models.partial_file import PartialFile

    real = PartialFile.append

    def append(part: PartialFile, chunk: bytes) -> None:
        if part.length():
            raise OSError(errno.ENOSPC, "No space left on device")
        real(part, chunk)

    monkeypatch.setattr(PartialFile, "append", append)
    with pytest.raises(DownloadTooLarge, match="what came is kept"):
        hub.fetch(hub.look_up("0.5b"))
    assert left(hub) == {f"{NAME}.part", f"{NAME}.part.json"}
    monkeypatch.setattr(PartialFile, "append", real)
    assert hub.fetch(hub.look_up("0.5b")).read_bytes() == CONTENT
    assert server.downloads[-1]["Range"] == f"bytes={CHUNK_BYTES}-"


def test_two_processes_do_not_fetch_the_same(hub: Hub, server: LoopbackHub):
    hub.folder.mkdir()
    with FileLock(hub.folder / f"{NAME}.lock"), pytest.raises(DownloadFailed, match="another process"):
        hub.fetch(hub.look_up("0.5b"))
    assert server.downloads == []


def test_a_redirect_to_a_file_or_in_a_circle_is_not_followed(hub: Hub, server: LoopbackHub):
    server.target = "file:///etc/passwd"
    with pytest.raises(DownloadFailed, match="not encrypted"):
        hub.fetch(hub.look_up("0.5b"))
    server.target = f"/{repository('0.5b')}/resolve/main/{NAME}"
    with pytest.raises(DownloadFailed, match="circle"):
        hub.fetch(hub.look_up("0.5b"))


def test_no_redirect_leads_from_an_encrypted_address_to_a_plain_one():
    assert onward("https://hub.example/a", "/b") == "https://hub.example/b"
    with pytest.raises(DownloadFailed, match="not encrypted"):
        onward("https://hub.example/a", "http://hub.example/b")


def test_the_command_offers_the_sizes_that_there_are_and_the_hub_is_the_public_one(tmp_path: Path):
    assert tuple(SIZES) == _SIZES
    assert repository("0.5b") == "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"
    hub = open_hub({"BRIDGE_CACHE_DIR": str(tmp_path)})
    assert hub.folder == tmp_path / "models"
    assert HUB_URL.endswith(hub.host)
    assert open_hub({"HF_ENDPOINT": "http://mirror.example/"}).host == "mirror.example"
