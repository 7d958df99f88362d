"""Installing Ollama: the pinned archive to a file, checked, unpacked beside its place, moved there last."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.kernel import install
from bridge.kernel.install import Archive, archive_here, fetch, install_ollama
from bridge.kernel.machine import run_command
from bridge.kernel.server import SetupError
from tests.support.hub import LoopbackHub

needs_zstd = pytest.mark.skipif(not shutil.which("zstd"), reason="the program zstd is not installed")


@pytest.fixture(autouse=True)
def linux_without_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine like Colab's, but for zstd."""
    real = shutil.which
    monkeypatch.setattr(install.shutil, "which", lambda name: None if name == "ollama" else real(name))
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")


def packed(folder: Path, *, program: bytes = b"#!/bin/sh\necho ollama\n") -> bytes:
    """An archive as Ollama's releases are: bin/ollama, lib/ollama/…"""
    tree = folder / "packed"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "ollama").write_bytes(program)
    (tree / "bin" / "ollama").chmod(0o755)
    (tree / "lib" / "ollama").mkdir(parents=True)
    (tree / "lib" / "ollama" / "libggml.so").write_bytes(os.urandom(300_000))
    script = f"tar -cf - -C '{tree}' bin lib | zstd -q"
    return subprocess.run(["bash", "-c", script], check=True, capture_output=True).stdout


def install_from(hub: LoopbackHub, prefix: Path, *, sha256: str = "", show: object = lambda _line: None) -> None:
    archive = Archive(url=f"{hub.url}/cdn/bytes", sha256=sha256 or hub.sha256)
    install_ollama(say=lambda _line: None, show=show, prefix=str(prefix), archive=archive)  # type: ignore[arg-type]


@needs_zstd
def test_the_archive_is_fetched_with_a_bar_and_unpacked_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    lines: list[str] = []
    prefix = tmp_path / "usr"
    with LoopbackHub(packed(tmp_path)) as hub:
        install_from(hub, prefix, show=lines.append)
    assert subprocess.run([prefix / "bin" / "ollama"], capture_output=True, check=True).stdout == b"ollama\n"
    assert (prefix / "lib" / "ollama" / "libggml.so").stat().st_size == 300_000
    assert sorted(entry.name for entry in prefix.iterdir()) == ["bin", "lib"]
    assert any("[####" in line and "GB" in line for line in lines)


@needs_zstd
def test_an_older_ones_libraries_do_not_stay_between_those_of_the_new_one(tmp_path: Path) -> None:
    prefix = tmp_path / "usr"
    (prefix / "lib" / "ollama").mkdir(parents=True)
    (prefix / "lib" / "ollama" / "libold.so").write_bytes(b"old")
    with LoopbackHub(packed(tmp_path)) as hub:
        install_from(hub, prefix)
    assert [entry.name for entry in (prefix / "lib" / "ollama").iterdir()] == ["libggml.so"]


def test_a_download_that_breaks_goes_on_where_it_stopped(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    file, waits = tmp_path / "a", []
    with LoopbackHub(content) as hub:
        hub.cuts.extend([30_000, 40_000])
        fetch(Archive(url=f"{hub.url}/cdn/bytes", sha256=hub.sha256), file, wait=waits.append)
        assert [headers.get("Range") for headers in hub.downloads] == [None, "bytes=30000-", "bytes=70000-"]
    assert file.read_bytes() == content
    assert waits == [2.0, 2.0]


def test_a_download_that_was_given_up_goes_on_in_the_next_run(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    file = tmp_path / "a"
    with LoopbackHub(content) as hub:
        archive = Archive(url=f"{hub.url}/cdn/bytes", sha256=hub.sha256)
        hub.cuts.append(60_000)
        hub.codes.extend([None, *[503] * 5])
        with pytest.raises(SetupError, match=r"downloading Ollama failed: .*503.*0 MB are kept, run this again"):
            fetch(archive, file, wait=lambda _s: None)
        assert not file.exists()
        hub.codes.clear()
        fetch(archive, file, wait=lambda _s: None)
        assert hub.downloads[-1]["Range"] == "bytes=60000-"
    assert file.read_bytes() == content


@pytest.mark.parametrize("obeys", [True, False])
def test_a_whole_file_of_an_earlier_run_is_not_fetched_twice(tmp_path: Path, obeys: bool) -> None:
    content = os.urandom(10_000)
    (tmp_path / "a.part").write_bytes(content)  # killed before it was checked
    with LoopbackHub(content, obeys_ranges=obeys) as hub:  # 416; or the whole file again, from a server without ranges
        fetch(Archive(url=f"{hub.url}/cdn/bytes", sha256=hub.sha256), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content


@needs_zstd
def test_other_bytes_than_the_pinned_ones_are_deleted_and_nothing_is_installed(tmp_path: Path) -> None:
    prefix = tmp_path / "usr"
    with LoopbackHub(packed(tmp_path)) as hub, pytest.raises(SetupError, match=r"is not Ollama 0\.33\.1: its SHA-256"):
        install_from(hub, prefix, sha256="0" * 64)
    assert not (prefix / "bin").exists()
    assert not [path for path in prefix.rglob("*") if path.is_file()]


@needs_zstd
@pytest.mark.parametrize("broken", ["cut", "empty", "text"])
def test_a_damaged_archive_is_found_before_anything_is_moved(tmp_path: Path, broken: str) -> None:
    whole = packed(tmp_path)
    content = {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"<html>Sign in</html>"}[broken]
    prefix = tmp_path / "usr"
    with LoopbackHub(content) as hub, pytest.raises(SetupError, match=r"damaged|unpacking Ollama failed"):
        install_from(hub, prefix)
    assert not (prefix / "bin").exists()


@needs_zstd
def test_a_stop_in_the_middle_leaves_no_program_and_the_next_run_goes_on(tmp_path: Path) -> None:
    prefix = tmp_path / "usr"
    with LoopbackHub(packed(tmp_path)) as hub:
        archive = Archive(url=f"{hub.url}/cdn/bytes", sha256=hub.sha256)

        def killed(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
            if "tar" in command[-1]:
                raise KeyboardInterrupt
            return run_command(command)

        with pytest.raises(KeyboardInterrupt):
            install_ollama(killed, say=lambda _line: None, prefix=str(prefix), archive=archive)
        assert not (prefix / "bin").exists()
        install_from(hub, prefix)
        assert len(hub.downloads) == 1  # what was fetched and checked is kept
    assert (prefix / "bin" / "ollama").is_file()


def test_what_is_pinned_is_one_release_for_both_kinds_of_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    here = archive_here()
    assert here.url == f"{install.RELEASES}/v{install.OLLAMA_VERSION}/ollama-linux-amd64.tar.zst"
    monkeypatch.setattr(install.platform, "machine", lambda: "aarch64")
    there = archive_here()
    assert there.url.endswith("-arm64.tar.zst")
    assert {len(archive.sha256) for archive in (here, there)} == {64}
    assert here.sha256 != there.sha256 != hashlib.sha256(b"").hexdigest()


def test_elsewhere_than_on_linux_a_person_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install.platform, "system", lambda: "Darwin")
    with pytest.raises(SetupError, match=r"ollama\.com/download"):
        install_ollama(lambda command: pytest.fail(f"ran {command}"))


def test_without_zstd_it_is_installed_first_and_if_that_fails_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(install.shutil, "which", lambda _name: None)
    ran: list[str] = []

    def no_apt(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        ran.append(command[-1])
        return subprocess.CompletedProcess(list(command), 100, stdout="E: Unable to locate")

    with pytest.raises(SetupError, match="zstd"):
        install_ollama(no_apt, say=lambda _line: None, prefix=str(tmp_path))
    assert "apt-get install -y -qq zstd" in ran[0]


def test_where_nobody_may_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SetupError, match=r"cannot be installed below .*ollama\.com/download"):
        install_ollama(lambda command: subprocess.CompletedProcess(list(command), 0, stdout=""),
                       say=lambda _line: None, prefix=str(tmp_path / "file"))  # fmt: skip
