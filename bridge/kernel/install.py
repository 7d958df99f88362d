"""Ollama's program on this machine: one pinned release, fetched to a file, checked, unpacked beside its place, then moved there.

What is in place is always whole: the program itself is moved last, in one step. A download that broke off goes on where it
stopped, also in the next run (`Range`, RFC 9110, section 14.2). Facts 6.1 to 6.3 (Colab and Ollama).
"""

from __future__ import annotations

import hashlib
import http.client
import platform
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .machine import Run, run_command
from .progress import bar
from .server import Say, SetupError, last_lines

#: What is installed: of the version that the facts describe, so that what we know of its API is true of it.
OLLAMA_VERSION = "0.33.1"
#: SHA-256 of its archives; each stands in several package lists (Homebrew taps, container files) with the same value.
ARCHIVE_SHA256 = {
    "amd64": "88e0d36bd90121595e5516c84f6ab61b546368fbd2d825b4aae70999c949649d",
    "arm64": "869b98629bf4a438d1c11669331c8214e8317cdfd7ec3fe4efd44fb929602f57",
}
RELEASES = "https://github.com/ollama/ollama/releases/download"
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
#: About what the archive has, and what it and its contents take on the disk for a while: EST, from the 1.43 GB of 0.34.0.
ARCHIVE_BYTES, ROOM_BYTES = 1_430_000_000, 5_500_000_000
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A release's file: where it is, and what its bytes must be."""

    url: str
    sha256: str


def archive_here() -> Archive:
    """The archive for this machine. Raises SetupError: there is none."""
    kind = _ARCHITECTURES.get(platform.machine().lower())
    if platform.system() != "Linux" or not kind:
        raise SetupError("install Ollama from https://ollama.com/download, then run this again")
    return Archive(url=f"{RELEASES}/v{OLLAMA_VERSION}/ollama-linux-{kind}.tar.zst", sha256=ARCHIVE_SHA256[kind])


def install_ollama(
    run: Run = run_command,
    *,
    say: Say = print,
    show: Say = lambda _line: None,
    prefix: str = "/usr/local",
    archive: Archive | None = None,
) -> None:
    """Put the `ollama` program below `prefix`, if there is none on the path. `archive`: default the pinned one.

    Not by install.sh: that ends with status 1 where `zstd` is missing, and on Colab it is (fact 6.1).

    Raises:
        SetupError: not Linux, no permission, no room, no network, or other bytes than the pinned ones; says which.
    """
    if shutil.which("ollama"):
        return
    archive = archive or archive_here()
    _have_zstd(run, say)
    staging = Path(prefix, f".ollama-{archive.sha256[:12]}")
    try:
        staging.mkdir(parents=True, exist_ok=True)
        file = staging / "archive.tar.zst"
        if not file.exists():
            _make_sure_of_room(staging)
            say(f"Installing Ollama {OLLAMA_VERSION} ({ARCHIVE_BYTES / 1e9:.1f} GB) …")
            fetch(archive, file, show=show)
        _unpack(run, file, staging / "tree")
        _move_into_place(staging / "tree", Path(prefix))
        shutil.rmtree(staging)
    except OSError as error:
        raise SetupError(
            f"Ollama cannot be installed below {prefix}: {error.strerror or error}. Install it from https://ollama.com/download"
        ) from None


def fetch(
    archive: Archive,
    file: Path,
    *,
    show: Say = lambda _line: None,
    tries: int = 5,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Have the archive in `file`, whole and checked; until then it is `<file>.part`, and the next call goes on from there.

    `tries`: in a row without a byte more.

    Raises:
        SetupError: no network, or the bytes are not the pinned ones (they are deleted then).
    """
    part = file.with_name(f"{file.name}.part")
    failures = 0
    while failures < tries:
        before = part.stat().st_size if part.exists() else 0
        try:
            _go_on(archive.url, part, show)
            break
        except (OSError, http.client.HTTPException) as error:
            came = part.stat().st_size if part.exists() else 0
            failures = failures + 1 if came <= before else 1
            reason = str(error) or type(error).__name__
            if failures == tries or (isinstance(error, urllib.error.HTTPError) and error.code in (403, 404, 410)):
                kept = f"; {came / 1e6:.0f} MB are kept, run this again to go on" if came else ""
                raise SetupError(f"downloading Ollama failed: {reason}{kept}") from None
            wait(2.0**failures)
    with part.open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != archive.sha256:
        part.unlink()
        raise SetupError(
            f"what came from {archive.url} is not Ollama {OLLAMA_VERSION}: its SHA-256 is {digest.hexdigest()[:12]}…, not "
            f"{archive.sha256[:12]}…. It was deleted and nothing was installed; run this again, perhaps without a proxy"
        )
    part.replace(file)


def _go_on(url: str, part: Path, show: Say) -> None:
    """One request for what is missing; the rest of the file is appended. Raises OSError or HTTPException: it broke off."""
    have = part.stat().st_size if part.exists() else 0
    asked = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310  # ours
    try:
        reply = urllib.request.urlopen(asked, timeout=60)  # noqa: S310  # https, or the loopback of a test
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing; the checksum says whether that is true
            return
        raise
    with reply:
        goes_on = reply.status == 206 and str(reply.headers.get("Content-Range", "")).startswith(f"bytes {have}-")
        done = have if goes_on else 0
        total = done + int(reply.headers.get("Content-Length") or 0)
        with part.open("ab" if goes_on else "wb") as stream:
            while chunk := reply.read(_CHUNK_BYTES):
                stream.write(chunk)
                done += len(chunk)
                show(f"Ollama {OLLAMA_VERSION} {bar(done, total)} {done / 1e9:.2f} of {total / 1e9:.2f} GB")
        if done < total:
            raise ConnectionError("the connection was cut")


def _have_zstd(run: Run, say: Say) -> None:
    if shutil.which("zstd"):
        return
    say("Installing zstd …")
    if _shell(run, "apt-get update -qq; apt-get install -y -qq zstd").returncode and not shutil.which("zstd"):
        raise SetupError(
            "the `zstd` program is missing and apt-get could not install it: install it, then run this again"
        )


def _make_sure_of_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < ROOM_BYTES:
        raise SetupError(
            f"Ollama needs {ROOM_BYTES / 1e9:.1f} GB of disk while it is installed, and {free / 1e9:.1f} GB are free in {folder}"
        )


def _unpack(run: Run, file: Path, tree: Path) -> None:
    """The archive's contents in `tree`, anew. Raises SetupError; an archive that zstd cannot read is deleted."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    if (tested := run(["zstd", "-t", "-q", str(file)])).returncode:
        file.unlink()
        raise SetupError(
            f"the archive of Ollama is damaged and was deleted; run this again:\n{last_lines(tested.stdout)}"
        )
    done = _shell(run, f"zstd -dcq '{file}' | tar -xf - -C '{tree}'")
    if done.returncode or not (tree / "bin" / "ollama").is_file():
        raise SetupError(f"unpacking Ollama failed:\n{last_lines(done.stdout) or 'it holds no bin/ollama'}")


def _move_into_place(tree: Path, prefix: Path) -> None:
    """The libraries, then the program: as soon as there is an `ollama`, all of it is there."""
    for name in ("lib/ollama", "bin/ollama"):
        source, target = tree / name, prefix / name
        if not source.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        source.replace(target)


def _shell(run: Run, script: str) -> subprocess.CompletedProcess[str]:
    return run(["bash", "-c", f"set -o pipefail; {script}"])
