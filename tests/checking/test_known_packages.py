"""The lists of packages that ship: dated, sorted, small, and made by a script from Debian's index."""

from __future__ import annotations

import re

import pytest

from bridge.checking.known_packages import known
from bridge.checking.packages.names import beginnings, prefix
from tests.support.known_packages import FOLDER, names

FAMILIES = ("python", "node", "go", "rust", "java")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_generated_list_is_dated_sorted_and_says_how_to_make_it_anew(family: str) -> None:
    head, *lines = (FOLDER / f"{family}.txt").read_text(encoding="utf-8").split("\n")

    assert re.fullmatch(
        r"# Debian \w+, \d{4}-\d\d-\d\d\. Written by: python -m tests\.support\.known_packages \w+", head
    )
    assert lines.pop() == ""
    assert lines == sorted(set(lines))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_list_that_is_kept_by_hand_is_dated_and_each_entry_is_what_an_import_is_looked_up_by(family: str) -> None:
    text = (FOLDER / f"{family}_popular.txt").read_text(encoding="utf-8")
    looked_up = {name for name in known(family).popular if name in beginnings(family, name.replace("/*", "/x"))}

    assert re.match(r"# Kept by hand; reviewed \d{4}-\d\d-\d\d\.", text)
    assert looked_up == known(family).popular


def test_the_lists_are_at_most_400_kb() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 400_000


def test_paths_of_debian_s_index_give_what_a_program_imports() -> None:
    paths = [
        "usr/lib/python3/dist-packages/yaml/__init__.py", "usr/lib/python3/dist-packages/six.py",
        "usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO", "usr/lib/python3/dist-packages/_cffi_backend.abi3.so",
        "usr/lib/python3/dist-packages/tests/test_a.py", "usr/share/nodejs/@babel/core/package.json",
        "usr/share/nodejs/express/package.json", "usr/share/nodejs/express/lib/router.js",
        "usr/share/gocode/src/github.com/gorilla/mux/mux.go", "usr/share/gocode/src/gopkg.in/yaml.v3/yaml.go",
        "usr/share/gocode/src/github.com/jackc/pgx/v5/pgxpool/pool.go", "usr/share/cargo/registry/serde-json-1.0.1/Cargo.toml",
        "usr/share/maven-repo/com/google/gson/gson/2.1/gson-2.1.pom", "usr/share/maven-repo/com/google/x/1/x-1.pom", "usr/bin/ls",
    ]  # fmt: skip
    assert names(paths) == {
        "python": {"yaml", "six"},
        "node": {"@babel/core", "express"},
        "go": {"github.com/gorilla/mux", "gopkg.in/yaml.v3", "github.com/jackc/pgx"},
        "rust": {"serde_json"},
        "java": {"com.google.gson"},
    }


def test_an_import_is_looked_up_by_the_part_that_names_its_package() -> None:
    assert prefix("node", "@babel/core/lib/a") == "@babel/core"
    assert prefix("go", "github.com/a/b/v2/c") == "github.com/a/b"
    assert prefix("go", "go.uber.org/zap/zapcore") == "go.uber.org/zap"
    assert prefix("java", "org.apache.commons.lang3.StringUtils") == "org.apache.commons.lang3"
    assert prefix("python", "os.path") == "os"
