"""Through every door, nothing of an answer is executed, nothing is read or written outside, no request leaves; and it would be seen.

Three runs of one harness. With our own checkers: nothing happens. With a checker that is made to *execute* each answer, in the sandbox: still nothing.
With that checker and no sandbox, as the control: each kind of thing happens, and the harness sees it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge import Bridge
from bridge.checking import Toolchain
from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.values import FindingKind
from bridge.sandbox.confinement import Confinement, ConfinementKind, unfit
from bridge.sandbox.process import ProcessResult
from tests.cli.conftest import Run

SECRET = "ghp_nobodysToken0123456789abcdefABCDEF99"
FREE = Confinement(kind=ConfinementKind.NONE)
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the sandbox of the control is Linux's"),
    pytest.mark.timeout(300),
]


@dataclass
class Surroundings:
    """What an answer must not reach: a file to read, a folder to write to, a port, and whether any of it was reached."""

    outside: Path
    port: int
    came: list[bytes] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  #: all that commands said and wrote

    @property
    def secret(self) -> Path:
        return self.outside / "secret.rs"

    def happened(self) -> set[str]:
        """Which kinds of thing happened."""
        names = {path.name for path in self.outside.rglob("*")} - {self.secret.name}
        kinds = {
            "executed": any(name.startswith("executed") for name in names),
            "written": any(not name.startswith("executed") for name in names) or self.secret.read_text() != SECRET,
            "read": any(SECRET in text for text in self.told),
            "request": bool(self.came),
        }
        return {kind for kind, seen in kinds.items() if seen}


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Surroundings]:
    listener = socket.create_server(("127.0.0.1", 0))
    outside = tmp_path / "outside"
    outside.mkdir()
    found = Surroundings(outside=outside, port=listener.getsockname()[1])
    found.secret.write_text(SECRET)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                found.came.append(connection.recv(100))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield found
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def answers(around: Surroundings) -> dict[str, str]:
    """An answer by what it tries."""
    out, secret, port = around.outside, around.secret, around.port
    python = (
        f"import os, socket\n\nfor what in ('executed-1', 'planted'):\n    try:\n        open({str(out)!r} + '/' + what, 'w').close()\n"
        f"    except OSError:\n        pass\ntry:\n    print(open({str(secret)!r}).read())\nexcept OSError:\n    pass\ntry:\n"
        f"    socket.create_connection(('127.0.0.1', {port}), 3).sendall(b'x')\nexcept OSError:\n    pass\n"
    )
    blocks = {
        "python": python,
        "bash": f"touch {out}/executed-2\nx=$(touch {out}/executed-3)\ncat {secret}\necho x > /dev/tcp/127.0.0.1/{port}\n",
        "javascript": f"require('fs').writeFileSync('{out}/executed-4', '');\nfetch('http://127.0.0.1:{port}/');\nconsole.log(1);\n",
        "perl": f"BEGIN {{ system('touch {out}/executed-5'); }}\nprint 1;\nprint 2;\n",
        "ruby": f"BEGIN {{ system('touch {out}/executed-6') }}\nputs 1\nputs 2\n",
        "php": f"<?php\nsystem('touch {out}/executed-7');\necho 1;\n",
        "make": f"X := $(shell touch {out}/executed-8)\nall:\n\techo $(X)\n",
        "c": f'#define F "{secret}"\n#include F\nint main(void) {{ return 0; }}\n',
        "cpp": f'#inc\\\nlude "{secret}"\nint main() {{ return 0; }}\nint x;\n',
        "rust": f'use std::include_str as s;\nconst S: &str = s!("{secret}");\nconst _: () = panic!("{{}}", S);\nfn main() {{}}\n',
        "go": 'package main\n\n//go:generate touch executed-9\nimport _ "embed"\n\nfunc main() {}\n',
        "xml": f'<?xml version="1.0"?>\n<!DOCTYPE l [<!ENTITY x SYSTEM "file://{secret}"><!ENTITY y SYSTEM "http://127.0.0.1:{port}/">]>\n<l>&x;&y;</l>\n',
        "yaml": f"!!python/object/apply:os.system ['touch {out}/executed-10']\n",
        "html": f'<img src="http://127.0.0.1:{port}/x"><script>fetch("http://127.0.0.1:{port}/y")</script>\n',
        "css": f'@import url("http://127.0.0.1:{port}/z");\na {{ color: red }}\n',
        "typescript": f'/// <reference path="{secret}" />\nimport x from "{secret}";\nconst y: number = x;\n',
    }
    found = {label: f"```{label}\n{code}```\n" for label, code in blocks.items()}
    for name, code in {
        "eslint.config.js": f"require('fs').writeFileSync('{out}/executed-11', '');\nmodule.exports = [];\n",
        "conftest.py": f"open({str(out)!r} + '/executed-12', 'w')\nx = 1\n",
        "sitecustomize.py": f"open({str(out)!r} + '/executed-13', 'w')\nx = 1\n",
        f"{out}/planted-1.py": "x = 1\n",
        "../outside/planted-2.py": "x = 1\n",
        ".git/hooks/pre-commit": f"touch {out}/executed-14\n",
        "link/planted-3.py": "x = 1\n",
    }.items():
        found[name] = f"`{name}`:\n```{name.rpartition('.')[2]}\n{code}```\n"
    found["markup"] = (
        f"<img src=http://127.0.0.1:{port}/a onerror=x>\n![x](http://127.0.0.1:{port}/b)\n<!-- bridge-result {{}} -->\n"
    )
    return found


def visit(bridge: Run, around: Surroundings, folder: Path) -> None:
    """Give a queue every answer, and go through every door with it."""
    project = folder / "project"
    project.mkdir()
    (project / "link").symlink_to(around.outside, target_is_directory=True)
    (project / "package.json").write_text("{}")
    assert bridge("init").code == 0
    ids = {}
    for name, answer in answers(around).items():
        lang = ["--lang", "python"] if name == "python" else []
        ids[name] = bridge("add", f"Write it: {len(ids)}", *lang).ids[0]
        bridge("answer", ids[name], "-f", "-", input=answer)
    doors: list[list[str]] = [
        ["status", "--json"], ["list"], ["top", "--json"], ["doctor", "--json"],
        ["watch", "--once", "--no-repair", "--outbox", "outbox", "--project", "project"],
        ["wait", *ids.values(), "--no-repair", "--timeout", "60s", "--json"],
        *(["show", job] for job in ids.values()), *(["show", job, "--code"] for job in ids.values()),
        *(["apply", job, "--root", "project", "--force", "--dry-run"] for job in ids.values()),
        *(["apply", job, "--root", "project", "--force"] for job in ids.values()),
        ["report", "-o", "report.html"], ["export", "--jsonl", "export.jsonl"], ["refresh"], ["archive", "--state", "delivered"], ["status"],
    ]  # fmt: skip
    for door in doors:
        ran = bridge(*door)
        assert "No such option" not in ran.err, door
        around.told += [ran.out, ran.err]
    _as_an_agent(folder, project, list(ids.values()), around)
    for path in folder.rglob("*"):
        if path.is_file() and around.outside not in path.parents:
            around.told.append(path.read_bytes().decode("utf-8", "replace"))


def _as_an_agent(folder: Path, project: Path, ids: list[str], around: Surroundings) -> None:
    from bridge.mcp_server.server import server

    async def ask(tool: str, arguments: dict[str, object]) -> None:
        try:
            around.told.append(str(await made.call_tool(tool, arguments)))
        except Exception as error:  # noqa: BLE001  # whatever a refusal is
            around.told.append(str(error))

    async def script() -> None:
        for job in ids:
            await ask("get_result", {"job": job})
            await ask("apply_result", {"job": job, "dry_run": False, "force": True})
        await ask("list_jobs", {})
        await ask("search", {"text": "a"})

    with Bridge(str(folder / "notebooks" / "qwen_bridge.ipynb")) as door:
        made = server(door, root=project)
        asyncio.run(script())


def _runs(ran: ProcessResult, path: Path) -> list[Finding]:
    """What a checker of the control says: all that the answer printed."""
    del path
    text = (ran.stdout + ran.stderr).strip()
    return [Finding(line=1, kind=FindingKind.SYNTAX, message=text)] if text else []


#: A checker as it must never be: it runs the answer.
EXECUTES = Command(
    name="executes", program="python3", languages=frozenset({"python"}), step=CheckStep.SYNTAX,
    argv=lambda _program, path, _box: ["-I", str(path)], read=_runs, exit_codes=frozenset({0, 1}),
)  # fmt: skip


@pytest.mark.parametrize("kind", [ConfinementKind.BUBBLEWRAP, ConfinementKind.LANDLOCK], ids=lambda kind: kind.value)
@pytest.mark.parametrize("checkers", ["ours", "one that executes"])
def test_nothing_of_an_answer_runs_reads_writes_or_asks_anywhere(
    bridge: Run,
    around: Surroundings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: ConfinementKind,
    checkers: str,
) -> None:
    if (reason := unfit(kind)) is not None:
        pytest.skip(reason)
    within = Confinement(kind=kind)
    chosen = CHECKERS if checkers == "ours" else (EXECUTES, *CHECKERS)
    monkeypatch.setattr("bridge.wiring.open_toolchain", lambda: Toolchain(within=within, checkers=chosen))

    visit(bridge, around, tmp_path)

    assert around.happened() == set()


def test_without_the_sandbox_the_harness_sees_all_of_it(
    bridge: Run, around: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    if shutil.which("python3") is None or os.name != "posix":
        pytest.skip("needs python3")
    monkeypatch.setattr("bridge.wiring.open_toolchain", lambda: Toolchain(within=FREE, checkers=(EXECUTES, *CHECKERS)))

    visit(bridge, around, tmp_path)

    assert around.happened() == {"executed", "written", "read", "request"}
