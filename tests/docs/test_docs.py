"""What the documents say is what the code does."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from bridge.checking import BlockStatus, Level, Signal, Verdict
from bridge.checking.rounds import RepairStop
from bridge.cli import main
from bridge.cli.app import COMMANDS
from bridge.core import errors
from bridge.core.job import EDGES, State
from bridge.delivery import payload
from bridge.delivery.channels import Webhook
from bridge.kernel.options import OPTIONS
from bridge.kernel.signing import KEY_NAME
from bridge.papermill.engine import PARAMETERS
from tests.docs import cli_help, handover_schema, settings_table
from tests.support import animation
from tests.support.pictures import PICTURES, render

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HANDOVER = (ROOT / "docs" / "handover.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def masked(text: str, root: str = "") -> str:
    """Ids, times and the folder differ from run to run."""
    text = text.replace(root + "/", "") if root else text
    text = re.sub(r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "<id>", text)
    return re.sub(r"\b\d+ (?:s|min|h|d)\b", "<time>", text).strip()


@pytest.mark.skipif(sys.platform == "win32", reason="the README's examples are for a POSIX shell")
def test_the_readmes_commands_give_the_output_that_stands_there(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "bridge"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bridge "$@"\n')
    script.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    seen = 0
    for block in blocks(README, "console"):
        if block.startswith("$ make "):
            continue  # below
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            done = subprocess.run(command, shell=True, cwd=home, env=env, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert masked(done.stdout, str(home)) == masked(expected)
            seen += 1
    assert seen >= 4


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("make") is None, reason="needs make")
def test_the_demo_prints_what_the_readme_shows(tmp_path: Path):
    """Alignment aside: what is no terminal gets columns divided by tabs. A line of three dots stands for any lines."""
    pytest.importorskip("xllamacpp")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "bridge"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bridge "$@"\n')
    script.chmod(0o755)
    (tmp_path / "installed").touch()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OLLAMA_HOST": "127.0.0.1:1"}
    words = [
        "make",
        "--no-print-directory",
        "demo",
        f"DEMO_BIN={script.parent}",
        f"DEMO_STAMP={tmp_path / 'installed'}",
    ]
    done = subprocess.run(
        [*words, f"ARGS=--folder {tmp_path / 'bridge-demo'}"], cwd=ROOT, env=env,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout

    [shown] = [block for block in blocks(README, "console") if block.startswith("$ make demo\n")]
    wanted = r"\n(?:.*\n)*".join(re.escape(plain(part).strip()) for part in shown.partition("\n")[2].split("\n...\n"))
    assert re.match(wanted, plain(done.stdout, str(tmp_path))), plain(done.stdout, str(tmp_path))


def plain(text: str, root: str = "") -> str:
    """What is the same on every machine: no ids, times, ports, alignment, or how deep its tools could look."""
    text = re.sub(r"\. \S*bin/activate", ". <activate>", masked(text, root))
    text = re.sub(r"127\.0\.0\.1:\d+", "<address>", re.sub(r"\[Errno \d+\]", "<errno>", text))
    text = re.sub(rf"\b({'|'.join(level.value for level in Level)})\b", "<level>", text)
    text = re.sub(r"(?<=[ \t])\d+\.\d+(?=[ \t])", "<seconds>", text)
    return re.sub(r"[ \t]+", " ", text)


def test_the_readmes_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    from bridge import wiring
    from bridge.engines.scripted import ScriptedEngine
    from bridge.setup import create
    from bridge.worker.config import WorkerConfig

    create.create_queue(tmp_path, "notebooks/qwen_bridge.ipynb", examples=False, config=True)
    monkeypatch.chdir(tmp_path)
    opened = wiring.open_queue()
    engine = ScriptedEngine(lambda _request: "```go\npackage x\n\nfunc F() {}\n```\n")
    worker = wiring.open_worker(
        opened, engine, WorkerConfig(model="scripted", forever=True, poll_s=0.05), listener=lambda _event: None
    )
    working = threading.Thread(target=worker.run)
    working.start()
    try:
        for block in blocks(README, "python"):
            exec(compile(block, "README.md", "exec"), {})
    finally:
        worker.ask_to_stop()
        working.join()
        opened.store.journal.close()
    assert capsys.readouterr().out == "State.DELIVERED clean ['package x\\n\\nfunc F() {}\\n']\n"


def test_the_readmes_settings_for_an_agent_start_the_server():
    [block] = blocks(README, "json")
    server = json.loads(block)["mcpServers"]["bridge"]
    assert server["command"] == "bridge"
    name, *args = server["args"]
    parent = click.Context(main, **main.context_settings)
    command = main.get_command(parent, name)
    assert command is not None
    context = command.make_context(name, args, parent=parent)
    assert {context.params["queue"], context.params["root"]} == {"notebooks/qwen_bridge.ipynb", "."}


def test_the_readmes_pictures_are_there_and_small():
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert {Path(path).name for path in shown} == {*PICTURES, animation.PICTURE.name}
    assert all((ROOT / path).stat().st_size < 200_000 for path in shown)


def test_the_pictures_are_drawn_from_the_notebook_with_nothing_but_text(tmp_path: Path):
    book = json.loads((ROOT / "notebooks" / "qwen_bridge.ipynb").read_text(encoding="utf-8"))
    book["cells"][-1]["outputs"] = [{"data": {"text/markdown": "<!-- hidden -->\n<script>alert(1)</script>\n`code`"}}]
    page = render(book, "a title")
    assert all(f"%%qwen {cell['id']}" in page for cell in book["cells"][4:])
    assert "auto" not in page.partition("qwen2.5-coder:32b")[0]  # what is chosen, not what could be
    assert "<script>" not in page
    assert "hidden" not in page.partition("</style>")[2]
    assert "<code>code</code>" in page


def test_the_demo_and_its_output_stand_by_line_20():
    before = README[: README.index("bridge: the engine:")]
    assert "$ make demo\n" in before
    assert before.count("\n") < 20


def test_the_page_of_commands_is_what_the_commands_say():
    assert cli_help.render() == cli_help.PAGE.read_text(encoding="utf-8"), "run python -m tests.docs.cli_help"


def test_the_page_of_settings_has_the_table_that_the_code_obeys():
    assert settings_table.render() in settings_table.PAGE.read_text(encoding="utf-8"), (
        "run python -m tests.docs.settings_table"
    )


def test_every_edge_of_the_state_diagram_is_drawn_and_no_other():
    drawing = ARCHITECTURE.partition("## A job's states")[2].partition("```")[2].partition("```")[0]
    drawn = set(re.findall(r"─([a-z])─", drawing)) | set(re.findall(r"\b([a-z]):", drawing))

    assert drawn == {edge.letter for edge in EDGES}
    assert all(state.value in drawing for state in State)


def test_architecture_stays_short_and_names_every_folder_and_every_module_of_the_large_ones():
    assert ARCHITECTURE.count("\n") <= 150
    package = ROOT / "bridge"
    top = {p.name for p in package.iterdir() if p.is_dir() and p.name != "__pycache__"}
    inner = {p.stem for name in ("store", "format", "delivery", "worker") for p in (package / name).glob("[!_]*.py")}

    assert top | inner <= set(re.findall(r"\w+", ARCHITECTURE))


def test_every_file_that_the_architecture_page_sends_a_reader_to_is_there():
    table = ARCHITECTURE.partition("## To change X, open Y")[2]
    named = {path for path in re.findall(r"`([\w/]+\.py)`", table) if "/" in path}

    assert named
    assert not [path for path in named if not (ROOT / "bridge" / path).exists()]


def test_the_package_shows_folders_only():
    loose = {p.name for p in (ROOT / "bridge").iterdir() if p.is_file()}

    assert loose == {"__init__.py", "__main__.py", "py.typed"}


def test_nothing_stands_at_the_top_that_has_no_reason_to():
    """`bridge init` run here, or a tool's state, must not end in a commit."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")

    found = {name.partition("/")[0] for name in listed.stdout.split("\0") if name}

    assert found == {
        ".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "benchmarks", "bridge", "colab", "docs",
        "notebooks", "pyproject.toml", "queue_schema.json", "tests", "training",
    }  # fmt: skip


def test_no_class_name_stands_for_two_things():
    found: dict[str, set[str]] = {}
    for path in (ROOT / "bridge").rglob("*.py"):
        for name in re.findall(r"^class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, set()).add(str(path))

    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


def test_the_hand_over_page_tells_every_field_and_no_other():
    page = HANDOVER.partition("## The object")[2].partition("\n## ")[0]
    names = [field.name for field in dataclasses.fields(payload.HandOver)]

    assert sorted(handover_schema.table()) == sorted(names)
    for enum in (Verdict, Level, BlockStatus, Signal, RepairStop):
        assert all(f"`{member.value}`" in page for member in enum), enum
    assert all(f"`{field.name}`" in page for field in dataclasses.fields(payload.HandedFile))


def test_the_schema_of_the_hand_over_is_that_of_the_type():
    """`python -m tests.docs.handover_schema` writes it."""
    assert json.loads(handover_schema.FILE.read_text(encoding="utf-8")) == handover_schema.schema()


def test_the_signature_check_of_the_hand_over_page_works_as_it_stands():
    [code] = blocks(HANDOVER, "python")
    assert len([line for line in code.splitlines() if line]) <= 6
    names: dict[str, Any] = {}
    exec(compile(code, "handover.md", "exec"), names)
    sent: dict[str, Any] = {}

    def post(_url: str, **arguments: Any) -> Any:
        sent.update(arguments)
        return SimpleNamespace(status_code=200)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("requests.post", post)
        Webhook(url="http://h/", secret="s").send(payload.HandOver(job="01JOB", answer="ä"), key="k", sarif=None)

    signature = sent["headers"]["X-Bridge-Signature"]
    assert names["is_genuine"](sent["data"], signature, "s")
    assert not names["is_genuine"](sent["data"] + b" ", signature, "s")
    assert not names["is_genuine"](sent["data"], signature, "another")


def test_the_error_tree_is_drawn_as_it_is():
    real = {n: c for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, errors.BridgeError)}
    drawn: dict[str, str] = {}
    above = ["BridgeError"]  # the class of each depth
    for line in (errors.__doc__ or "").partition("BridgeError\n")[2].partition("\n\n")[0].splitlines():
        if branch := re.match(r"((?:│   )*    (?:│   )*)[├└]── (\w+)", line):
            depth = len(branch[1]) // 4
            above[depth:] = [branch[2]]
            drawn[branch[2]] = above[depth - 1]
        plain = re.findall(r"\w+", line.rpartition(":" if branch else "│")[2])
        drawn |= {name: above[-1] for name in plain if name in real and name != above[-1]}

    assert drawn == {
        name: error.__bases__[0].__name__ for name, error in real.items() if error.__bases__[0] in real.values()
    }
    for name, error in real.items():
        assert error.__doc__, name
        assert error.exit_code in (1, 2, 3, 124)


def test_the_format_page_lists_every_option_as_the_table_has_it():
    page = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--[a-z-]+)` \| (.*) \| (.*) \|$", page, re.MULTILINE)

    assert rows == [(option.flag, option.takes, option.help) for option in OPTIONS.values()]


def test_links_between_documents_lead_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_command_list_is_complete():
    sources = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "bridge" / "cli").glob("*.py")}
    files = {name for name, text in sources.items() if "\n@base.command(" in text}

    assert files == {module for module, _ in COMMANDS.values()}


def test_the_page_on_colab_has_five_steps_and_names_every_parameter_of_the_papermill_engine():
    page = (ROOT / "docs" / "colab.md").read_text(encoding="utf-8")
    steps = page.partition("## Five steps")[2].partition("\n## ")[0]

    assert re.findall(r"^(\d)\. ", steps, re.MULTILINE) == list("12345")
    assert all(f"`{name}`" in page for name in PARAMETERS)


def test_all_that_a_kernel_reads_of_its_environment_is_documented() -> None:
    page = (ROOT / "docs/colab.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bridge/kernel").glob("*.py"))
    read = {
        KEY_NAME,
        *re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", sources),
        *re.findall(r"\"([A-Z_]+)\" in environ", sources),
    }
    assert len(read) >= 7
    assert [name for name in sorted(read) if f"| `{name}` |" not in page] == []
