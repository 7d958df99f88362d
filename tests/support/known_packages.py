"""The lists of known packages that ship in `bridge/checking/packages/lists`, made from Debian's package index.

    python -m tests.support.known_packages [SUITE]          (default: trixie; needs apt, no root, about a minute)

apt fetches the index into a temporary folder and checks its signature: `Contents` says which file lies in which package, so
it tells what a program imports, which the name of a package often does not (PyYAML is imported as `yaml`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

from bridge.checking.packages.names import prefix, tells

FOLDER = Path(__file__).parents[2] / "bridge/checking/packages/lists"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CONTENTS = (
    'Acquire::IndexTargets::deb::Contents-deb { MetaKey "$(COMPONENT)/Contents-$(ARCHITECTURE)"; '
    'ShortDescription "Contents-$(ARCHITECTURE)"; Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents"; };\n'
)
#: What lies among Python's packages and is none that a program imports.
_PYTHON_NOISE = frozenset({"test", "tests", "testing", "docs", "doc", "examples", "example", "scripts", "tools", "bin"})
_PYTHON = re.compile(
    r"usr/lib/python3/dist-packages/([A-Za-z]\w*)(?:/\S*\.(?:py|so)|\.py|\.(?:abi3|cpython-[\w-]+)\.so)$"
)
_NODE = re.compile(r"usr/(?:share|lib|lib/[\w-]+)/nodejs/((?:@[\w.-]+/)?[\w.-]+)/package\.json$")
_GO = re.compile(r"usr/share/gocode/src/([\w-]+(?:\.[\w-]+)+(?:/[\w.~-]+)+)/[^/]+\.go$")
_RUST = re.compile(r"usr/share/cargo/registry/([A-Za-z][\w-]*?)(?:-\d[^/]*)?/Cargo\.toml$")
_JAVA = re.compile(r"usr/share/maven-repo/([\w.-]+(?:/[\w.-]+)+?)/[^/]+/[^/]+/[^/]+\.pom$")


def names(paths: Iterable[str]) -> dict[str, set[str]]:
    """{language: names that a program imports} of files that Debian installs."""
    found: dict[str, set[str]] = {"python": set(), "node": set(), "go": set(), "rust": set(), "java": set()}
    for path in paths:
        if (match := _PYTHON.match(path)) and match[1].lower() not in _PYTHON_NOISE:
            found["python"].add(match[1])
        elif match := _NODE.match(path):
            found["node"].add(match[1])
        elif match := _GO.match(path):
            found["go"].add(prefix("go", match[1]))
        elif match := _RUST.match(path):
            found["rust"].add(match[1].replace("-", "_"))
        elif (match := _JAVA.match(path)) and (name := match[1].replace("/", ".")) and tells(name):
            found["java"].add(prefix("java", name))
    return found


def _fetched(folder: Path, suite: str) -> None:
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Created-By: Packages"]
    mirrors = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    mirror = next(uri for uri in mirrors if not uri.rstrip("/").endswith("-security"))  # as this machine is set up
    (folder / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n", encoding="ascii")
    (folder / "apt.conf").write_text(_CONTENTS, encoding="ascii")
    settings = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Architectures": "amd64",
        "APT::Sandbox::User": "",
    }
    options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
    subprocess.run(["apt-get", "update", "-qq", "-c", str(folder / "apt.conf"), *options], check=True)


def _paths(folder: Path) -> Iterator[str]:
    for file in sorted((folder / "lists").glob("*Contents-*")):
        with subprocess.Popen(
            ["/usr/lib/apt/apt-helper", "cat-file", str(file)], stdout=subprocess.PIPE, text=True, errors="replace"
        ) as told:
            assert told.stdout is not None
            yield from (line.split(maxsplit=1)[0] for line in told.stdout if line.strip())


def main(suite: str = "trixie") -> None:
    """Write the lists anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fetched(folder, suite)
        release = next((folder / "lists").glob("*InRelease")).read_text(encoding="utf-8", errors="replace")
        day = parsedate_to_datetime(re.search(r"(?m)^Date: (.+)$", release)[1]).date().isoformat()
        for language, some in names(_paths(folder)).items():
            header = f"# Debian {suite}, {day}. Written by: python -m tests.support.known_packages {suite}\n"
            text = header + "".join(f"{name}\n" for name in sorted(some))
            (FOLDER / f"{language}.txt").write_text(text, encoding="utf-8")
            sys.stdout.write(f"{language}: {len(some)} names, {len(text) / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
