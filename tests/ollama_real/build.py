"""How the pinned Ollama comes into `.ollama/`: `make ollama`. CPU only, and without what reads images and sound.

`go install` fetches the module and compiles it with cgo (Go 1.24 or newer and a C++ compiler). Two things the module lacks, because
a module's archive leaves out folders named `vendor`: nlohmann's json.hpp, which is looked for on this machine and else taken from
Debian's package, unpacked here and installed nowhere; and the readers of images and sound, for which `headers/` has empty ones.

0.24 is the last that builds so: since 0.30 Ollama runs llama.cpp's server, which needs CMake and that source.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

VERSION = "0.24.0"
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".ollama"
PROGRAM = FOLDER / VERSION / "ollama"
#: The toy needs no speed, and `-O1` compiles in two thirds of the time.
FLAGS = "-O1 -g0"


def why_not() -> str:
    """Why it cannot be built here; empty: it can."""
    if sys.platform != "linux":
        return "this build is made for Linux"
    go = shutil.which("go")
    if not go:
        return "Go is not installed"
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < (1, 24):
        return f"Go 1.24 or newer is needed ({said.strip()})"
    if not shutil.which("g++"):
        return "g++ is not installed"
    if not _json_header():
        return "nlohmann's json.hpp is not here, and apt-get cannot fetch its package"
    return ""


def build() -> None:
    """Have the program in its place; what the compiler says is printed. Raises CalledProcessError."""
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    headers = [Path(__file__).parent / "headers", *filter(None, [_json_header()])]
    environ = {
        **os.environ,
        "GOBIN": str(PROGRAM.parent),
        "GOFLAGS": "-trimpath",
        "CGO_ENABLED": "1",
        "CGO_CFLAGS": FLAGS,
        "CGO_CXXFLAGS": FLAGS,
        "CGO_CPPFLAGS": " ".join(f"-I{folder}" for folder in headers),
    }
    linker = f"-s -w -X=github.com/ollama/ollama/version.Version={VERSION}"
    command = ["go", "install", "-ldflags", linker, f"github.com/ollama/ollama@v{VERSION}"]
    subprocess.run(command, env=environ, check=True, cwd=FOLDER)


def _json_header() -> Path | None:
    """The folder that has nlohmann/json.hpp; Debian's package is unpacked below `.ollama/` if need be."""
    for folder in (Path("/usr/include"), Path("/usr/local/include"), Path("/opt/homebrew/include")):
        if (folder / "nlohmann" / "json.hpp").is_file():
            return folder
    unpacked = FOLDER / "deb"
    found = unpacked / "usr" / "include"
    if not (found / "nlohmann" / "json.hpp").is_file() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        unpacked.mkdir(parents=True, exist_ok=True)
        fetch = ["apt-get", "download", "-qq", "nlohmann-json3-dev"]
        if subprocess.run(fetch, cwd=unpacked, capture_output=True, check=False).returncode:
            subprocess.run(["apt-get", "update", "-qq"], capture_output=True, check=False)
            subprocess.run(fetch, cwd=unpacked, capture_output=True, check=False)
        for package in unpacked.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, unpacked], check=False)
    return found if (found / "nlohmann" / "json.hpp").is_file() else None
