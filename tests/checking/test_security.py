"""Nothing that a model wrote is executed, read as configuration, or able to silence, stall or fool a checker."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from bridge.checking import BlockStatus, FindingKind, Level, Role, Toolchain, Verdict, examine, extract
from bridge.checking.checkers import eslint, python, registry, shell
from bridge.checking.checkers.base import CheckContext, Source
from bridge.checking.parsers.client import ParserError, Parsers
from bridge.checking.suppressions import neutral
from bridge.sandbox.folder import Sandbox, Toolbox, storable
from bridge.sandbox.process import ResourceLimits

posix = pytest.mark.skipif(os.name != "posix", reason="fake programs are shell scripts")


def fenced(label: str, code: str) -> str:
    return f"```{label}\n{code}\n```\n"


def attacks(canary: Path) -> list[tuple[str, str]]:
    """Texts that ran something in one tool or another."""
    c = str(canary)
    return [
        ("perl", f"BEGIN {{ system('touch {c}'); }}\nprint 1;\nprint 2;"),  # perl -c runs BEGIN
        ("make", f"X := $(shell touch {c})\nall:\n\techo $(X)\n"),  # make -n runs $(shell)
        ("eslint.config.js", f"require('fs').writeFileSync('{c}', '');\nmodule.exports = [];\nconsole.log(1);"),
        (".oxlintrc.json", '{"jsPlugins": ["./plugin.js"]}'),
        ("plugin.js", f"require('fs').writeFileSync('{c}', '');\nmodule.exports = {{}};\nconsole.log(1);"),
        (".sqlfluff", "[sqlfluff:templater:jinja]\nlibrary_path = lib\n"),
        ("lib/evil.py", f"open({c!r}, 'w')\nx = 1\nprint(x)"),
        ("sql", "-- sqlfluff:templater:jinja:library_path:lib\nSELECT 1;\nSELECT 2;"),
        ("pyproject.toml", '[tool.ruff]\nextend = "/etc/passwd"\n'),
        ("conftest.py", f"open({c!r}, 'w')\nx = 1\nprint(x)"),
        ("sitecustomize.py", f"open({c!r}, 'w')\nx = 1\nprint(x)"),
        ("python", f"import os\nos.system('touch {c}')\nprint(1)"),
        ("bash", f"touch {c}\nx=$(touch {c})\necho \"$x\""),
        ("php", f"<?php\nsystem('touch {c}');\necho 1;\n"),
        ("ruby", f"BEGIN {{ system('touch {c}') }}\nputs 1\nputs 2"),
        ("c", '#include "/dev/zero"\nint main(void) { return 0; }\nint x;'),  # eats memory without a limit
        ("c", '#include "/etc/hostname"\nint main(void) { return 0; }\nint x;'),  # leaks text into a message
        ("c", '#define F "/etc/passwd"\n#include F\nint main(void) { return 0; }'),  # the same behind a macro
        ("cpp", '#inc\\\nlude </etc/passwd>\nint main() { return 0; }\nint x;'),  # and behind a spliced line
        ("rust", 'const S: &str = include_str!("/etc/passwd");\nfn main() {\n    println!("{}", S);\n}'),
        ("rust", 'include!("/etc/passwd");\nfn main() {}\nfn f() {}'),
        ("rust", '#[path = "/etc/passwd"]\nmod x;\nfn main() {}'),
        ("rust", "#![allow(long_running_const_eval)]\nconst X: u8 = { let mut i = 0u64; while true { i += 1; } "
            "0 };\nfn main() {}"),
        ("go", 'package main\n\n// #cgo LDFLAGS: x\nimport "C"\n\n//go:embed /etc/passwd\nvar s string\n\nfunc '
            'main() {}'),
        ("java", "@javax.annotation.processing.SupportedAnnotationTypes(\"*\")\nclass A {\n  int x;\n}"),
        ("xml", '<?xml version="1.0"?>\n<!DOCTYPE l [<!ENTITY a "aa"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>\n<l>&b;&x;</l>'),
        ("yaml", f"!!python/object/apply:os.system ['touch {c}']\n"),
        ("groovy", f"@Grab('x:y:1')\nimport x\n\"touch {c}\".execute()\n"),
        ("commonlisp", f"#.(uiop:run-program \"touch {c}\")\n(defun f () 1)\n(f)"),
        ("latex", f"\\immediate\\write18{{touch {c}}}\n\\begin{{document}}\nx\n\\end{{document}}"),
        ("nim", f"static: echo staticExec(\"touch {c}\")\necho 1\necho 2"),
        ("elixir", f"defmodule A do\n  System.cmd(\"touch\", [\"{c}\"])\nend\n"),
    ]  # fmt: skip


def test_no_attack_runs_anything_or_reads_anything(toolchain: Toolchain, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    secrets = list(Path("/etc/passwd").read_text().splitlines()[:3]) if os.name == "posix" else []
    for label, code in attacks(canary):
        path = "" if "." not in label else f"{label}\n"
        report = examine(
            path + fenced(label.rpartition(".")[2] if path else label, code), finish_reason="stop", toolchain=toolchain
        )
        assert not canary.exists(), label
        said = str(report.to_json()["checks"])
        assert not any(secret in said for secret in secrets), label


def test_all_attacks_in_one_answer_run_nothing_either(toolchain: Toolchain, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    parts = [
        (f"{label}\n" if "." in label else "") + fenced(label.rpartition(".")[2], code)
        for label, code in attacks(canary)
    ]
    report = examine("\n".join(parts), finish_reason="stop", toolchain=toolchain)
    assert not canary.exists()
    assert len(report.checks) == len(report.blocks) >= len(parts)


@pytest.mark.parametrize(
    "name",
    ["package.json", "tsconfig.json", "pyproject.toml", ".eslintrc.json", "eslint.config.mjs", "biome.json",
    ".sqlfluff", "Cargo.toml", "go.mod",
     ".shellcheckrc", ".clang-tidy", "conftest.py", "ruff.toml", ".oxlintrc.json", "rust-toolchain.toml",
     "a/package.json", "node_modules/x.js",
     "../x.py", "/x.py", "a b.py", "x;y.py", "-x.py", "", "a//b", ".", "é.py", "x" * 120 + ".py", "x.pth",
     ".gitattributes"],
)  # fmt: skip
def test_names_that_a_tool_would_read_or_a_shell_would_trip_over_are_never_stored(name: str) -> None:
    assert not storable(name)
    with Sandbox() as box, pytest.raises(ValueError, match="not a name"):
        box.put(name, "x")


def test_a_configuration_file_is_still_checked_under_a_neutral_name(toolchain: Toolchain) -> None:
    assert (
        examine("package.json\n" + fenced("json", '{"name": [}'), finish_reason="stop", toolchain=toolchain).verdict
        is Verdict.ERRORS
    )
    assert (
        examine("package.json\n" + fenced("json", '{"name": "a"}'), finish_reason="stop", toolchain=toolchain).verdict
        is Verdict.CLEAN
    )


def test_a_hostile_configuration_beside_a_file_switches_no_checker_off(toolchain: Toolchain) -> None:
    configs = [("pyproject.toml", 'toml', '[tool.ruff]\nexclude = ["*"]\n'), ("ruff.toml", "toml", 'exclude = ["*"]\n'),
               (".oxlintrc.json", "json", '{"ignorePatterns": ["**"]}'), ("biome.json", "json", '{"linter": '
                   '{"enabled": false}}'),
               (".shellcheckrc", "ini", "disable=all\n")]  # fmt: skip
    files = (
        fenced("python", "def f():\n    x = 1\n    return nothing")
        + "\nand\n\n"
        + fenced("js", "const a = 1;\na = 2;\nconsole.log(a);")
    )
    answer = "".join(f"{name}\n{fenced(label, text)}\n" for name, label, text in configs) + "and\n\n" + files
    report = examine(answer, finish_reason="stop", toolchain=toolchain)
    assert {d.kind for d in report.blocking} >= {FindingKind.UNDEFINED, FindingKind.TYPE}


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("python", "# ruff: noqa\n# flake8: noqa\ndef f():\n    return nothing  # noqa: F821"),
        ("js", "/* eslint-disable */\n// oxlint-disable\nconst a = 1;\na = 2; // eslint-disable-line\nconsole.log(a);"),
        (
            "js",
            "// biome-ignore-all lint: x\n// oxlint-disable-next-line no-const-assign\nconst a = 1; a = 2;\n"
            "console.log(a);",
        ),
        ("c", "#pragma GCC system_header\n#include <stdio.h>\nint main(void) {\n  return nothing;\n}"),
    ],
)
def test_comments_that_tell_a_checker_to_look_away_do_not(toolchain: Toolchain, label: str, code: str) -> None:
    assert examine(fenced(label, code), finish_reason="stop", toolchain=toolchain).verdict is Verdict.ERRORS


def test_neutralising_moves_no_line_and_no_column() -> None:
    code = (
        "x = 1  # noqa: F821\n/* eslint-disable no-undef */\n#pragma GCC system_header\n// @ts-nocheck\n"
        "# shellcheck disable=SC1\n"
    )
    assert [len(line) for line in neutral(code).split("\n")] == [len(line) for line in code.split("\n")]
    assert "noqa" not in neutral(code)
    assert "nocheck" not in neutral(code)


# ---- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["html", "perl", "js", "xml", "css", "markdown", "lua"])
def test_100_kb_of_one_tag_ends_in_a_clear_state(toolchain: Toolchain, label: str) -> None:
    report = examine(
        fenced(label, "<div>" * 1900 + "\n" + ("<div>" * 1900 + "\n") * 9), finish_reason="stop", toolchain=toolchain
    )
    assert report.verdict is not Verdict.CLEAN


def test_an_answer_of_5_mb_is_read_and_its_block_refused(toolchain: Toolchain) -> None:
    started = time.thread_time()
    report = examine(
        "Text.\n" * 200_000 + fenced("python", "x = 1\n" * 650_000), finish_reason="stop", toolchain=toolchain
    )
    assert (report.verdict, report.checks[0].status) == (Verdict.UNCHECKED, BlockStatus.UNCHECKED)
    assert time.thread_time() - started < 30


@pytest.mark.parametrize(
    "text",
    ["`" * 1_000_000, "```\n" * 100_000, "> " * 200_000, "- " * 200_000, "<think>" * 100_000, "&lt;" * 200_000,
    "\x1b[" * 200_000,
     "```python\n" + "(" * 100_000, " " * 500_000 + "x", "a/" * 100_000 + "b.py\n```\nx\n```", "x = 1\n" * 200_000,
     "#" * 300_000, "<<<<<<< SEARCH\n" * 60_000, "--- a/x\n+++ b/x\n@@ @@\n" * 20_000, "--- a" + " " * 200_000 + "\n+++ b\n@@ @@\n"],
    ids=["ticks", "fences", "quotes", "items", "thoughts", "entities", "escapes", "brackets", "spaces", "path",
    "lines", "hashes", "searches", "heads", "head"],
)  # fmt: skip
def test_text_made_to_be_slow_is_read_in_seconds(text: str) -> None:
    started = time.thread_time()
    extract(text)
    assert time.thread_time() - started < 12


def test_of_500_blocks_the_first_64_are_checked_and_the_rest_says_so(toolchain: Toolchain) -> None:
    report = examine(
        "\n".join(fenced("json", f'{{"a": {i}}}') for i in range(500)),
        lang="json",
        finish_reason="stop",
        toolchain=toolchain,
    )
    assert len(report.checks) == 500
    assert sum(c.status is BlockStatus.OK for c in report.checks) == 64
    assert report.verdict is Verdict.UNCHECKED


def test_a_line_without_end_is_not_shown_to_any_tool(toolchain: Toolchain) -> None:
    report = examine(
        fenced("python", "x = '" + "a" * 20_000 + "'\ny = 1\nz = 2"), finish_reason="stop", toolchain=toolchain
    )
    assert report.checks[0].status is BlockStatus.UNCHECKED


def test_deep_nesting_ends_a_parser_not_the_program(toolchain: Toolchain) -> None:
    for label, code in (
        ("json", "[" * 9000),
        ("yaml", "[" * 9000),
        ("python", "(" * 9000),
        ("toml", "a = " + "[" * 9000),
        ("sql", "SELECT " + "(" * 3000),
    ):
        assert (
            examine(fenced(label, code + "\n1\n2"), finish_reason="stop", toolchain=toolchain).verdict
            is not Verdict.CLEAN
        )


# ---- tools that misbehave -------------------------------------------------------------------------------------------


def fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@posix
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -SEGV $$", "SIGSEGV"),  # crashes
        ("exit 3", "exit code 3"),  # fails
        ("echo not json", "exit code 0"),  # prints what nobody expects
        ("exec yes", "printed more than"),  # prints without end
        ("kill -TERM $$", "SIGTERM"),  # is killed
    ],
)
def test_a_tool_that_fails_is_never_read_as_clean(tmp_path: Path, script: str, said: str) -> None:
    fake(tmp_path, "ruff", script)
    with Toolchain(toolbox=Toolbox((str(tmp_path),))) as toolchain:
        report = examine(fenced("python", "x = 1\nprint(x)\nprint(x)"), finish_reason="stop", toolchain=toolchain)
    assert (report.verdict, report.checks[0].status) == (Verdict.UNCHECKED, BlockStatus.TOOL_FAILED)
    trouble = next(d for d in report.diagnostics if d.kind is FindingKind.TOOL_FAILURE)
    assert said in trouble.message
    assert not trouble.blocking


@posix
def test_a_tool_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    fake(tmp_path, "ruff", "exec 9> pipe\necho >&9\nsleep 300 &\nwait")
    with Sandbox() as box:
        os.mkfifo(box.files / "pipe")
        reader = os.open(box.files / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        ran = box.run([str(tmp_path / "ruff")], limits=ResourceLimits(wall_s=3.0))
        assert ran.failure == "took longer than 3 s"
        # Program and child both held the pipe open for writing: it reads as ended only when both are gone.
        os.set_blocking(reader, True)
        assert os.read(reader, 9) == b"\n"  # it had begun
        assert os.read(reader, 9) == b""
        os.close(reader)


@posix
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of memory differ elsewhere")
def test_a_tool_that_eats_memory_or_the_disk_hits_its_limit(tmp_path: Path) -> None:
    with Sandbox() as box:
        eater = [sys.executable, "-c", "x = bytearray(2_000_000_000)"]
        assert box.run(eater, limits=ResourceLimits(memory_mb=256)).code != 0
        writer = [sys.executable, "-c", "open('big', 'wb').write(b'x' * 50_000_000)"]
        ran = box.run(writer, limits=ResourceLimits(file_mb=1))
        assert ran.failure or ran.code != 0
        assert (box.files / "big").stat().st_size <= 1 << 20


@posix
def test_limits_are_there_before_a_tool_begins() -> None:
    if not Path("/usr/bin/prlimit").exists():
        pytest.skip("this system sets limits another way")
    with Sandbox() as box:
        said = [
            box.run(["/bin/sh", "-c", "ulimit -v; ulimit -n"], limits=ResourceLimits(memory_mb=512)).stdout
            for _ in range(30)
        ]
    assert set(said) == {"524288\n256\n"}


@posix
def test_a_tool_sees_none_of_our_environment_and_no_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_SECRET", "hunter2")
    with Sandbox() as box:
        ran = box.run(["/usr/bin/env"])
        assert "hunter2" not in ran.stdout
        assert f"HOME={box.home}" in ran.stdout
        assert box.run(["/bin/cat"]).stdout == ""
        folder = box.folder
    assert not folder.exists()


@posix
def test_relative_folders_of_the_search_path_are_never_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, "ruff", "exit 0")
    monkeypatch.chdir(tmp_path)
    assert Toolbox((".", "")).find("ruff") is None


def test_a_parser_that_hangs_is_ended_and_the_next_text_is_read() -> None:
    with Parsers(wall_s=1.0) as parsers:
        with pytest.raises(ParserError, match="longer than 1 s"):
            parsers.parse("tree-sitter", "<div>" * 20_000, grammar="bash")
        assert parsers.parse("json", "{}")["faults"] == []


def test_tools_are_told_to_ignore_what_lies_beside_the_text(tmp_path: Path) -> None:
    with Sandbox() as box:
        path = box.put("a.py", "x = 1\n")
        assert {"--isolated", "--no-cache", "--ignore-noqa"} <= set(python.RUFF.argv("", path, box))
        assert {"--no-config-lookup", "--no-inline-config"} <= set(eslint.ESLINT.argv("", path, box))
        assert "--norc" in shell.SHELLCHECK.argv("", path, box)
        (oxlint,) = [c for c in registry.CHECKERS if c.name == "oxlint"]
        assert "--disable-nested-config" in oxlint.argv("", path, box)  # type: ignore[attr-defined]
        assert not any(name in str(registry.CHECKERS) for name in ("'make'", "'perl'", "'cargo'", "'npm'", "sqlfluff"))


def test_messages_of_tools_cannot_carry_control_characters(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("fake programs are shell scripts")
    row = (
        '[{"code":"F821","location":{"row":1,"column":1},"end_location":{"row":1,"column":2},'
        '"message":"\\u001b[2J`x`\\n````\\nrm"}]'
    )
    fake(tmp_path, "ruff", f"cat <<'X'\n{row}\nX")
    with Toolchain(toolbox=Toolbox((str(tmp_path),))) as toolchain:
        (found,) = examine(fenced("python", "x\ny\nz"), finish_reason="stop", toolchain=toolchain).diagnostics
    assert found.message == "`x` ```` rm"


def test_every_level_and_role_is_told_even_if_nothing_could_be_checked() -> None:
    with Toolchain(toolbox=Toolbox(()), checkers=()) as bare:
        report = examine(fenced("rust", "fn f() {}\nfn g() {}\nfn h() {}"), finish_reason="stop", toolchain=bare)
    assert (report.verdict, report.level, report.blocks[0].role) == (Verdict.UNCHECKED, Level.NONE, Role.FILE)


def test_a_checker_gets_the_text_under_a_name_of_ours(toolchain: Toolchain) -> None:
    with Sandbox() as box:
        context = CheckContext(toolbox=toolchain.toolbox, parsers=toolchain.parsers, box=box)
        python.RUFF.check(Source(language="python", code="x = 1\n", name="conftest.py"), context)
        assert [p.name for p in box.files.iterdir()] == ["text.py"]
