"""What looks at an answer sees the system, its own tool and one folder: nothing else, whatever it tries.

Each kind that works on this machine is tried; without one, as a control, every attempt succeeds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.checking import Toolchain, Verdict, examine
from bridge.checking.checkers.base import CheckContext, Command, Source
from bridge.checking.checkers.c_cpp import GCC
from bridge.checking.checkers.rust import RUSTC
from bridge.checking.parsers.client import ParserError, Parsers
from bridge.sandbox.confinement import Confinement, ConfinementKind, unfit
from bridge.sandbox.folder import Sandbox, Toolbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

KINDS = [kind for kind in ConfinementKind if kind is not ConfinementKind.NONE]
FREE = Confinement(kind=ConfinementKind.NONE)
SECRET = "ghp_thisIsNobodysToken0123456789abcdef"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.value)
def within(request: pytest.FixtureRequest) -> Confinement:
    reason = unfit(request.param)
    if reason is not None:
        pytest.skip(f"{request.param.value}: {reason}")
    return Confinement(kind=request.param)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text(SECRET)
    return file


@pytest.fixture
def server() -> Iterator[tuple[int, list[bytes]]]:
    """A port of this machine, and what came over it."""
    came: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                came.append(connection.recv(100))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], came
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def attempts(secret: Path, port: int) -> dict[str, str]:
    """What a program may try, as Python; each prints `done` if it succeeds."""
    outside = secret.with_name("planted")
    return {
        "read a file": f"print('done' if open({str(secret)!r}).read() else '')",
        "list a folder": f"import os; print('done' if {secret.name!r} in os.listdir({str(secret.parent)!r}) else '')",
        "write a file": f"open({str(outside)!r}, 'w').write('x'); print('done')",
        "link to a file": f"import os; os.symlink({str(secret)!r}, 'l'); print('done' if open('l').read() else '')",
        "connect": f"import socket; s = socket.create_connection(('127.0.0.1', {port}), 5); s.sendall(b'x'); print('done')",
        "signal its parent": "import os, signal; os.kill(os.getppid() if os.getppid() > 1 else -1, 0); print('done')"
        if os.getuid()
        else f"import os; os.kill({os.getpid()}, 0); print('done')",
        "read the environment of others": f"print('done' if open('/proc/{os.getpid()}/environ', 'rb').read() else '')",
    }


def run(within: Confinement, program: str) -> tuple[ProcessResult, Path]:
    with Sandbox(within=within) as box:
        return box.run([sys.executable, "-I", "-S", "-c", program], limits=ResourceLimits(wall_s=30)), box.files


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc and namespaces are Linux's")
def test_without_confinement_every_attempt_succeeds_so_the_attempts_are_real(secret: Path, server) -> None:
    port, came = server
    for what, program in attempts(secret, port).items():
        assert run(FREE, program)[0].stdout.strip() == "done", what
    assert came == [b"x"]


def test_confined_no_attempt_succeeds(within: Confinement, secret: Path, server) -> None:
    port, came = server
    for what, program in attempts(secret, port).items():
        ran, _ = run(within, program)
        assert ran.stdout.strip() == "", what
        assert SECRET not in ran.stdout + ran.stderr, what
    assert not secret.with_name("planted").exists()
    assert came == []


def test_confined_it_can_do_its_work_in_its_own_folder(within: Confinement) -> None:
    with Sandbox(within=within) as box:
        box.put("a.txt", "text")
        program = "open('b.txt', 'w').write(open('a.txt').read().upper()); import os; print(os.environ['HOME'])"
        ran = box.run([sys.executable, "-I", "-S", "-c", program])
        assert (ran.code, ran.stdout.strip(), (box.files / "b.txt").read_text()) == (0, str(box.home), "TEXT"), (
            ran.stderr
        )


def test_a_signal_that_ends_a_confined_program_is_told_as_one(within: Confinement) -> None:
    ran, _ = run(within, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert (ran.failure, ran.crashed) == ("ended by SIGSEGV", True)


def reads_it(file: Path) -> list[tuple[Command, str, str, str]]:
    """Texts past every look at the text: what stands in the file, and a text that says LEAKED if that was read."""
    told = 'const _: () = if %s { panic!("LEAKED") };\n'
    c = "#ifdef LEAK\n#error LEAKED\n#endif\nint x;\n"
    return [
        (GCC, "c", "#define LEAK\n", f'#include "{file}"\n{c}'),
        (GCC, "c", "#define LEAK\n", f'#define F "{file}"\n#include F\n{c}'),
        (
            RUSTC,
            "rust",
            "text",
            f'use std::include_str as plain;\nconst S: &str = plain!("{file}");\n{told % "S.len() > 0"}',
        ),
        (RUSTC, "rust", "pub const LEAK: u8 = 1;", f'#[path = "{file}"]\nmod evil;\n{told % "evil::LEAK == 1"}'),
    ]


@pytest.mark.parametrize("number", range(4))
def test_a_compiler_that_is_tricked_into_reading_a_file_finds_none(
    within: Confinement, tmp_path: Path, number: int
) -> None:
    file = tmp_path / "private.rs"
    command, language, content, code = reads_it(file)[number]
    if Toolbox().find(command.program) is None:
        pytest.skip(f"{command.program} is not installed")
    file.write_text(content)
    blind = replace(command, refuse=lambda _code: None, exposed=False)  # the sandbox alone must hold
    said = {}
    for kind in (FREE, within):
        with Sandbox(within=kind) as box, Parsers(within=kind) as parsers:
            context = CheckContext(toolbox=Toolbox(), parsers=parsers, box=box)
            said[kind.kind] = str(blind.check(Source(language=language, code=code, name=f"a.{language}"), context))

    assert "LEAKED" in said[FREE.kind], "the control: unconfined, the compiler reads the file"
    assert "LEAKED" not in said[within.kind]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_where_nothing_confines_a_compiler_is_not_started_and_the_level_says_so() -> None:
    answer = '```c\n#include <stdio.h>\nint main(void) { puts("a"); return 0; }\n```\n'
    with Toolchain(within=FREE) as free:
        report = examine(answer, finish_reason="stop", toolchain=free)

    assert "gcc" not in str([check.tools for check in report.checks])
    assert report.level.value != "linter"
    assert report.verdict in (Verdict.CLEAN, Verdict.UNCHECKED)


def test_an_answer_has_one_budget_of_time_for_all_its_runs() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 5.0  # each look at the clock is five seconds later: a run takes five
        return now[0]

    with Sandbox(budget_s=12.0, now_s=clock) as box:
        ran = [box.run([sys.executable, "-I", "-S", "-c", "print(1)"]) for _ in range(4)]

    assert [each.failure for each in ran] == [None, None, None, "not started: this answer has had its 12 s"]


def test_a_file_that_an_answer_brings_along_is_vetted_like_the_text_that_includes_it(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    answer = (
        f'`helper.h`:\n```c\n#define F "{tmp_path}/x"\n#include F\n```\n\n`main.c`:\n```c\n#include "helper.h"\n'
        "#include <stdio.h>\nint main(void) { return undeclared; }\n```\n"
    )
    report = examine(answer, finish_reason="stop")
    main = next(check for block, check in zip(report.blocks, report.checks, strict=True) if block.path == "main.c")

    assert "gcc" not in main.tools


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="no system tells what a program used")
def test_an_answer_has_one_budget_of_processor_for_all_its_runs(within: Confinement) -> None:
    endless = [sys.executable, "-I", "-S", "-c", "while True: pass"]
    with Sandbox(within=within, cpu_budget_s=2) as box:
        ran = [box.run(endless, limits=ResourceLimits(wall_s=600, cpu_s=300)) for _ in range(2)]

    assert ran[0].failure is not None, "what is left of the budget is the limit of a run"
    assert ran[1].failure == "not started: this answer has had its 2 s of processor"


def test_four_bombs_in_one_answer_cost_no_more_than_the_budget(within: Confinement) -> None:
    """Each block may take its limit; together they may not take more than an answer has."""
    with Sandbox(within=within, cpu_budget_s=2.0) as box:
        ran = [
            box.run([sys.executable, "-I", "-S", "-c", "while True: pass"], limits=ResourceLimits(wall_s=60, cpu_s=1))
            for _ in range(4)
        ]

    assert [each.failure is not None for each in ran] == [True] * 4
    assert "not started" in str(ran[-1].failure)


def test_an_answer_leaves_nothing_in_a_checker_that_the_next_one_shares(within: Confinement, tmp_path: Path) -> None:
    """The worker that parses many answers: what one of them says, declares or breaks changes nothing for another."""
    texts = [
        ("yaml", f"a: &anchor {SECRET}\nb: *anchor\n", ""),
        ("xml", f'<!DOCTYPE l [<!ENTITY e "{SECRET}">]><l>&e;</l>', ""),
        ("python", f"TOKEN = {SECRET!r}\n__builtins__ = None\n", ""),
        ("json", '{"a": ' + "[" * 5_000, ""),
        ("tree-sitter", f"fn f() {{ let s = {SECRET!r}; }}", "rust"),
        ("css", "@charset 'x'; a{" * 500, ""),
    ]
    probes = [
        ("yaml", "b: *anchor\n", ""),
        ("xml", "<l>&e;</l>", ""),
        ("python", "print(TOKEN", ""),
        ("tree-sitter", "fn f( {", "rust"),
    ]
    with Parsers(within=within) as fresh:
        alone = [fresh.parse(parser, code, grammar=grammar) for parser, code, grammar in probes]
    with Parsers(within=within) as shared:
        for parser, code, grammar in texts:
            with contextlib.suppress(ParserError):
                shared.parse(parser, code, grammar=grammar)
            after = [shared.parse(probe, text, grammar=given) for probe, text, given in probes]
            assert after == alone, parser
            assert SECRET not in str(after)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_a_run_that_only_waits_costs_an_answer_no_processor(within: Confinement) -> None:
    """On a busy machine a sound checker runs late: what it did not use is left for its second try."""
    sleeps = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"]
    with Sandbox(within=within) as box:
        ran = box.run(sleeps, limits=ResourceLimits(wall_s=1.5))

    assert ran.late
    assert ran.cpu_s < 1.0
