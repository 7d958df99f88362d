"""Models from a public hub: a GGUF file fetched once, whole, checked, and kept.

The hub is Hugging Face's, or one that speaks as it does (`HF_ENDPOINT`). What is asked of it, by its own documents:

* `GET /api/models/<repo>/tree/main` lists the files; of a large one `lfs.oid` is the SHA-256 and `size` the bytes
  (huggingface.js, `ListFileEntry`; huggingface_hub, `RepoFile`).
* `GET /<repo>/resolve/main/<file>` redirects to a server that has the bytes; the redirect's `X-Linked-Etag` is the SHA-256
  again (huggingface_hub, `file_download.py`, `get_hf_file_metadata`).

A download that broke off goes on where it stopped: `Range` with `If-Range` (RFC 9110, 13.1.5 and 14.2). What lies under the
final name is always whole and was checked; until then it is `<name>.part`, beside it `<name>.part.json` says of what.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, urlsplit

from bridge.core.errors import DownloadFailed, DownloadTooLarge, NotOnHub
from bridge.engines.base import OnProgress, ignore_progress
from bridge.models.hub_names import on_hub
from bridge.models.hub_wire import goes_on, onward, strong, unquoted
from bridge.models.partial_file import HubFile, PartialFile, storage_named

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

HUB_URL: Final = "https://huggingface.co"

#: Sizes of Qwen2.5-Coder-Instruct that may be asked for, and about how many bytes each is as Q4_K_M; the hub says exactly.
SIZES: Mapping[str, int] = {"0.5b": 491_000_000, "1.5b": 1_117_000_000, "3b": 2_105_000_000, "7b": 4_683_000_000}

#: Room that is left on the disk beside the model.
SPARE_BYTES: Final = 200_000_000

#: What is written at once; a chunk that is cut is fetched again.
CHUNK_BYTES: Final = 1 << 18
_MOST_REDIRECTS: Final = 10
#: Bytes of a list of files: a thousand files are 300 kB.
_MOST_LIST_BYTES: Final = 8 << 20


class Hub:
    """A hub, and the folder in which this user's models are kept."""

    def __init__(
        self,
        folder: Path,
        *,
        url: str = HUB_URL,
        patience_s: float = 30.0,
        tries: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        """`patience_s`: how long nothing may come. `tries`: in a row without a byte more; they wait 1, 2, 4 ... seconds."""
        self.folder = folder
        self._url = url.rstrip("/")
        self._patience_s = patience_s
        self._tries = tries
        self._sleep = sleep
        self._free_bytes = free_bytes

    @property
    def host(self) -> str:
        """The hub's name, for people."""
        return urlsplit(self._url).netloc

    def kept(self, size: str) -> Path | None:
        """The model of a size, if it was fetched before."""
        found = sorted(self.folder.glob(f"qwen2.5-coder-{size.lower()}-instruct-q4_k_m.gguf"))
        return found[0] if found else None

    def look_up(self, model: str) -> HubFile:
        """What the hub has for a model that is one file; see `files_of`."""
        found = self.files_of(model)
        if len(found) > 1:
            raise NotOnHub(f"{self.host} has {model} in {len(found)} parts: `bridge models fetch` gets them together")
        return found[0]

    def files_of(self, model: str) -> tuple[HubFile, ...]:
        """What the hub has for a model: one file, or all of its parts. `model`: see `hub_names.on_hub`; without more, Q4_K_M.

        Raises:
            NotOnHub: no such model, or no such file of it.
            DownloadFailed: the hub does not answer, or not as it should.
        """
        wanted = on_hub(model)
        if wanted is None:
            raise NotOnHub(
                f"nobody here knows where a hub has {model}: fetch a GGUF file by hand, and name it with --gguf FILE"
            )
        listed = self._patiently(lambda: self._list(wanted.repo), most=2)
        entries = {name: entry for entry in listed if isinstance(name := entry.get("path"), str)}
        if found := wanted.pick(entries):
            return tuple(self._file(wanted.repo, name, entries[name]) for name in found)
        raise NotOnHub(
            f"{self.host} has no whole {wanted.quantization.upper()} file in {wanted.repo}: "
            "fetch one by hand, and name it with --gguf FILE"
        )

    def fetch_model(self, model: str, on_progress: OnProgress = ignore_progress) -> Path:
        """The model on this disk, in all its parts; gives the first. Raises as `files_of` and `fetch`."""
        parts = self.files_of(model)
        total = sum(part.size_bytes for part in parts)
        before = 0
        for part in parts:
            start = before

            def report(status: str, done: int, _total: int, start: int = start) -> None:
                on_progress(status, start + done, total)

            self.fetch(part, report)
            before += part.size_bytes
        return self.folder / parts[0].name

    def _file(self, repo: str, name: str, entry: Mapping[str, object]) -> HubFile:
        lfs = entry.get("lfs")
        lfs = lfs if isinstance(lfs, dict) else {}
        digest, size_bytes = lfs.get("oid"), lfs.get("size", entry.get("size"))
        if not isinstance(size_bytes, int) or not re.fullmatch("[0-9a-f]{64}", str(digest)):
            raise DownloadFailed(f"{self.host} says no checksum of {repo}/{name}: nothing was fetched")
        return HubFile(repo=repo, name=name, size_bytes=size_bytes, sha256=str(digest))

    def fetch(self, file: HubFile, on_progress: OnProgress = ignore_progress) -> Path:
        """The file on this disk, whole and checked; fetched if it is not there yet, from where an earlier try stopped.

        Raises:
            DownloadTooLarge: before the first byte, or when others filled the disk meanwhile.
            DownloadDamaged: the bytes do not have the hub's checksum; they were deleted.
            DownloadFailed: the hub went away for good, or another process fetches the same; what came is kept.
        """
        final = self.folder / file.name
        if final.is_file() and final.stat().st_size == file.size_bytes:
            return final
        with storage_named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._alone(final):
                part = PartialFile(final, file)
                self._make_sure_of_room(file, part.length())
                self._patiently(lambda: self._go_on(file, part, on_progress), progress=part.length)
                on_progress("checking", file.size_bytes, file.size_bytes)
                part.finish()
        return final

    def _list(self, repo: str) -> list[dict[str, object]]:
        import requests
        import urllib3

        from bridge.engines.response_body import whole  # it imports requests

        with self._get(f"{self._url}/api/models/{quote(repo)}/tree/main", {}) as (reply, _):
            try:
                listed = json.loads(whole(reply, most_bytes=_MOST_LIST_BYTES, timeout_s=self._patience_s))
            except (ValueError, RecursionError):  # compressed, or without an end, too
                listed = None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise _Broken(_reason(error)) from None
        if not isinstance(listed, list):
            raise DownloadFailed(f"{self.host} does not answer as a hub does: no list of the files of {repo}")
        return [entry for entry in listed if isinstance(entry, dict)]

    def _go_on(self, file: HubFile, part: PartialFile, on_progress: OnProgress) -> None:
        """One request for what is still missing. Raises _Broken to be tried again."""
        if (start := part.length()) < file.size_bytes:
            url = f"{self._url}/{quote(file.repo)}/resolve/main/{quote(file.name)}"
            with self._get(url, part.wanted()) as (reply, linked):
                if linked and linked != file.sha256:
                    raise DownloadFailed(f"{file.repo} changed on {self.host} meanwhile: the same command asks anew")
                if reply.status_code == 200:
                    part.begin_anew(strong(reply))
                elif reply.status_code == 416 or not goes_on(reply, start, part.etag):
                    part.begin_anew(None)  # what is here does not go with what is there
                    raise _Broken("it answers with another range than was asked for")
                else:
                    part.note(strong(reply))
                for chunk in _chunks(reply):
                    part.append(chunk)
                    on_progress("fetching", part.length(), file.size_bytes)
                    if part.length() > file.size_bytes:
                        return  # no file of the hub's: the checksum will say so
                if part.length() < file.size_bytes:
                    raise _Broken("the connection was cut")

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[tuple[requests.Response, str]]:
        """The answer behind all redirects, and the SHA-256 that a redirect named. Raises _Broken, NotOnHub, DownloadFailed."""
        import requests

        linked = ""
        for _ in range(_MOST_REDIRECTS):
            try:
                reply = requests.get(
                    url,
                    headers={"Accept-Encoding": "identity", **headers},
                    stream=True,
                    allow_redirects=False,
                    timeout=(10.0, self._patience_s),
                )
            except requests.RequestException as error:
                raise _Broken(_reason(error)) from None
            with reply:
                linked = linked or unquoted(reply.headers.get("X-Linked-Etag", ""))
                if reply.is_redirect:
                    url = onward(url, reply.headers["Location"])
                    continue
                self._judge(reply)
                yield reply, linked
                return
        raise DownloadFailed(f"{self.host} redirects in a circle")

    def _judge(self, reply: requests.Response) -> None:
        code = reply.status_code
        if code == 404:
            raise NotOnHub(f"{self.host} has nothing at {urlsplit(reply.url).path} (404)")
        if code in (401, 403):
            raise DownloadFailed(f"{self.host} refuses ({code}): fetch the file by hand, and name it with --gguf FILE")
        if code == 429 or code >= 500:
            raise _Broken(f"it answers {code}")
        if code not in (200, 206, 416):
            raise DownloadFailed(f"{self.host} answers {code}, which no download can go on with")
        if reply.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise DownloadFailed(  # what a few bytes unpack to has no bound
                f"{self.host} compresses what it was asked for as it is: nothing was taken; is a proxy in between?"
            )

    def _patiently(self, step: Callable[[], T], progress: Callable[[], int] = lambda: 0, most: int | None = None) -> T:
        """What the step gives; tried again as long as bytes come, and a few times more."""
        most = most or self._tries
        tries, before = 0, progress()
        while True:
            try:
                return step()
            except _Broken as error:
                tries = tries + 1 if progress() <= before else 1
                before = progress()
                if tries >= most:
                    kept = (
                        f"; {before / 1e6:.0f} MB are kept, and the same command goes on from there" if before else ""
                    )
                    raise DownloadFailed(f"cannot fetch from {self.host}: {error}{kept}") from None
                self._sleep(2.0 ** (tries - 1))

    def _make_sure_of_room(self, file: HubFile, have_bytes: int) -> None:
        free, needed = self._free_bytes(self.folder), file.size_bytes - have_bytes + SPARE_BYTES
        if free < needed:
            raise DownloadTooLarge(
                f"{file.name} needs {needed / 1e9:.1f} GB in {self.folder}, and {free / 1e9:.1f} GB are free: make room, "
                "or set BRIDGE_CACHE_DIR to a folder on another disk"
            )

    @contextmanager
    def _alone(self, final: Path) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(f"{final}.lock", timeout=0):
                yield
        except Timeout:
            raise DownloadFailed(f"another process fetches {final.name} already: wait for it") from None


class _Broken(Exception):
    """A request failed in a way that may pass."""


def _chunks(reply: requests.Response) -> Iterator[bytes]:
    import requests

    try:
        yield from reply.iter_content(CHUNK_BYTES)
    except requests.RequestException as error:
        raise _Broken(_reason(error)) from None


def _reason(error: Exception) -> str:
    """Why a request failed, in words that name neither our objects nor a proxy's password."""
    import requests

    if isinstance(error, requests.Timeout):
        return "nothing came in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not let it through"
    return (
        "the connection was cut"
        if isinstance(error, requests.exceptions.ChunkedEncodingError)
        else "it does not answer"
    )
