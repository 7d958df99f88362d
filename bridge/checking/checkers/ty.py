"""ty: Python's types, of which only what is certain counts.

That is: a member that a module of the standard library does not have, an attribute that a plain built-in value does not have, and
a call that does not fit a function of the answer or of the standard library. Everything else that it says depends on packages
that are not here, or on how strictly one means an annotation. Measured in docs/benchmarks.md, "Types".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.checking.checkers.base import CheckStep, Command, Finding
from bridge.checking.values import FindingKind
from bridge.sandbox.folder import Sandbox
from bridge.sandbox.process import ProcessResult, ResourceLimits

_RULES = (
    "missing-module-member", "missing-attribute", "missing-argument", "too-many-positional-arguments", "unknown-argument",
)  # fmt: skip
_SETTINGS = '[rules]\nall = "ignore"\n' + "".join(f'{rule} = "error"\n' for rule in _RULES)
_LINE = re.compile(r"^.*?:(?P<line>\d+):(?P<column>\d+): error\[(?P<code>[\w-]+)\] (?P<message>.*)$", re.MULTILINE)
_MEMBER = re.compile(r"Module `(?P<module>\w+)(?:\.\w+)*` has no member `[A-Za-z]\w*`")
_BUILTIN = re.compile(
    r"Object of type `(?:list|dict|tuple|set|frozenset|str|bytes|int|float|bool|Literal)\b[^|&]*(?: & ~Always\w+)?` has no"
)
#: A function by its bare name: what is called on a class or an instance may be meant for a class that is mixed in.
_CALL = re.compile(r"function `\w+`")
_GUARD = re.compile(
    r"\s*(?:try\b|except\b|else\b|if\b.*(?:sys\.|version|platform|hasattr|PY[23]|TYPE_CHECKING)|elif\b)"
)


def _argv(program: str, path: Path, box: Sandbox) -> Sequence[str]:
    del program
    # An environment without packages: else it takes those of its own installation, whatever their versions.
    place = box.settings("python/pyvenv.cfg", "home = /\nversion = 3.13\n").parent
    box.settings("python/lib/python3.13/site-packages/none.txt", "")
    return [
        "check", "--config-file", str(box.settings("ty.toml", _SETTINGS)), "--python", str(place), "--python-version", "3.13",
        "--python-platform", "all", "--output-format", "concise", "--no-progress", "--color", "never", str(path),
    ]  # fmt: skip


def _read(ran: ProcessResult, path: Path) -> Sequence[Finding] | None:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    found = []
    for match in _LINE.finditer(ran.stdout):
        number, message = int(match["line"]), match["message"]
        if certain(message) and not _guarded(lines, number):
            found.append(
                Finding(
                    line=number,
                    column=int(match["column"]),
                    kind=FindingKind.TYPE,
                    code=match["code"],
                    message=message,
                )
            )
    return found


def certain(message: str) -> bool:
    """Whether what ty says holds whatever else is installed, and however a program is meant."""
    if member := _MEMBER.match(message):
        return member["module"] in sys.stdlib_module_names
    return bool(_BUILTIN.match(message) or _CALL.search(message))


def _guarded(lines: Sequence[str], number: int) -> bool:
    """Whether a line stands in a `try` or below a question about versions: then it may be meant for another Python."""
    depth = _depth(lines[number - 1]) if number <= len(lines) else 0
    for line in reversed(lines[: number - 1]):
        if line.strip() and _depth(line) < depth:
            depth = _depth(line)
            if _GUARD.match(line):
                return True
    return False


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


TY = Command(
    name="ty",
    program="ty",
    languages=frozenset({"python"}),
    step=CheckStep.MEANING,
    argv=_argv,
    read=_read,
    limits=ResourceLimits(memory_mb=4096, wall_s=15),
    env=lambda: {"TY_MAX_PARALLELISM": "1"},  # one file: threads would only cost memory
    extensions={"python": "py"},
)
