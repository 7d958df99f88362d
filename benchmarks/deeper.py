"""The deeper checks on real answers: packages that nobody knows, types, and signals of a grammar.

    python -m benchmarks.deeper

Five tables: what is said of real answers (each finding is listed, so that a reader can judge it), invented packages found, lists of
packages with and without what is kept by hand, what is unknown in packages that are installed, and how many wrong calls and members each type checker that is installed finds in the
Python of the real answers. The answers are looked for in `../shared/data`.
"""

from __future__ import annotations

import ast
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from benchmarks.invented import INVENTED, REST
from benchmarks.material import SEED, answers
from bridge.checking import CodeBlock, Role, Toolchain, examine, extract
from bridge.checking.checkers.registry import CHECKERS
from bridge.checking.known_packages import known
from bridge.checking.packages.names import beginnings
from bridge.checking.packages.read import imported
from bridge.checking.unknown_packages import unknown_packages
from bridge.checking.values import FindingKind, Signal

_FOLDER = resources.files("bridge.checking.packages") / "lists"
_SHOWN = (Signal.DUPLICATE, Signal.UNREACHABLE, Signal.UNUSED_PARAMETER)


def real() -> None:
    """What the deeper checks say of every real answer."""
    deeper = tuple(c for c in CHECKERS if c.name in ("ruff", "python", "ty", "oxlint", "tsc", "tsgo", "tree-sitter"))
    imports: Counter[str] = Counter()
    said: Counter[str] = Counter()
    with Toolchain(checkers=deeper) as toolchain:
        for row in answers():
            report = examine(row["answer"], prompt=row["prompt"], finish_reason="stop", toolchain=toolchain)
            imports.update(i.family for b in report.blocks for i in imported(b.language or "", b.code))
            lines = [f"{q.signal.value}: {q.evidence}" for q in report.quality if q.signal in _SHOWN]
            lines += [f"{d.source} {d.code}: {d.message}" for d in report.diagnostics
                      if d.kind is FindingKind.PACKAGE or (d.source in ("ty", "tsc", "tsgo") and d.blocking)]  # fmt: skip
            for line in lines:
                said[line.partition(":")[0]] += 1
                print(f"  {row['id']} ({row['model'][:30]}) {line[:110]}")
    print(f"{len(answers())} real answers; imports: {dict(imports)}; said: {dict(said)}")


def invented() -> None:
    """How many invented packages are found, by language."""
    with Toolchain(checkers=()) as toolchain:
        for language, lines in INVENTED.items():
            head = "package main\n\n" if language == "go" else ""
            texts = (f"```{language}\n{head}{line}{REST[language]}```\n" for line in lines)
            reports = [examine(text, finish_reason="stop", toolchain=toolchain) for text in texts]
            found = sum(any(d.kind is FindingKind.PACKAGE for d in r.diagnostics) for r in reports)
            print(f"invented packages, {language}: {found} of {len(lines)} found")


def lists() -> None:
    """How large the lists are, and how many imports of real answers they would know without what is kept by hand."""
    rows = [extract(r["answer"], prompt=r["prompt"]).blocks for r in answers()]
    seen = {(i.family, i.name) for blocks in rows for b in blocks for i in imported(b.language or "", b.code)}
    for family in ("python", "node", "go", "rust", "java"):
        lists = known(family)
        mine = [
            name
            for f, name in seen
            if f == family and name.partition(".")[0] not in lists.standard and not name.startswith("java")
        ]
        debian = set((_FOLDER / f"{family}.txt").read_text(encoding="utf-8").split("\n"))
        bare = sum(not any(n in debian for n in beginnings(family, name)) for name in mine)
        print(
            f"list, {family}: {len(lists.names)} names; {len(mine)} different imports beside the standard library, {bare} only by hand"
        )
    print(f"lists: {sum(len(f.read_bytes()) for f in _FOLDER.iterdir()) / 1000:.0f} kB")


def installed() -> None:
    """How many imports of packages that people wrote are unknown: of 1,500 modules that are installed here, without their own package."""
    roots = [Path(path) for path in sys.path if path.endswith("site-packages")]
    files = sorted(file for root in roots for file in root.rglob("*.py"))
    random.Random(SEED).shuffle(files)
    imports, unknown = 0, Counter[str]()
    for file in files[:1500]:
        code = file.read_text(encoding="utf-8", errors="replace")
        block = CodeBlock(index=0, language="python", code=code, span=(1, 1), code_start=1)
        imports += len(imported("python", code))
        unknown.update(d.message.partition(":")[0] for d in unknown_packages([block], ""))
    print(
        f"installed Python: {unknown.total()} of {imports} imports unknown: {', '.join(n for n, _ in unknown.most_common(12))}"
    )


def _python() -> list[str]:
    blocks = (b for r in answers() for b in extract(r["answer"], prompt=r["prompt"]).blocks)
    return [b.code for b in blocks if _whole(b)]


def _whole(block: CodeBlock) -> bool:
    if block.language != "python" or block.role is not Role.FILE or not block.complete:
        return False
    try:
        ast.parse(block.code)
    except (SyntaxError, ValueError):
        return False
    return True


def _mutants(code: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """(kind, text) with a member that is not there, a method that is not there, an argument too many."""
    modules = set(re.findall(r"(?m)^import (math|sys|re|itertools|collections|heapq|json|random|functools|os)$", code))
    places = {
        "member": [m.end() for m in re.finditer(r"\b(\w+)\.[a-z_]+(?=\()", code) if m[1] in modules],
        "argument": [
            m.end() for name in _plain(code) for m in re.finditer(rf"(?<!def )(?<![\w.]){name}\((?=[^)])", code)
        ],
    }
    for kind, at in places.items():
        if at:
            where = rng.choice(at)
            yield kind, code[:where] + ("x" if kind == "member" else "0, ") + code[where:]


def _plain(code: str) -> list[str]:
    """The functions of a text's top level without anything that takes any number of arguments."""
    found = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    return [f.name for f in found if not (f.args.vararg or f.args.defaults or f.decorator_list)]


def _command(*argv: str) -> Callable[[str], int]:
    """How many findings of a program's certain rules a text has."""
    certain = re.compile(r"missing-module-attribute|missing-attribute|bad-argument-count|bad-argument|missing-argument|unexpected-keyword"
                         r"|unexpected-positional|attr-defined|call-arg")  # fmt: skip

    def count(code: str) -> int:
        with tempfile.TemporaryDirectory() as name:
            file = Path(name, "text.py")
            file.write_text(code, encoding="utf-8")
            ran = subprocess.run([*argv, str(file)], capture_output=True, text=True, cwd=name, check=False)
            return sum(bool(certain.search(line)) for line in ran.stdout.split("\n"))

    return count


def types() -> None:
    """False alarms and hits of each type checker on the Python of real answers; the time is of one text, start included."""
    with Toolchain(checkers=tuple(c for c in CHECKERS if c.name in ("ruff", "ty"))) as both, \
            Toolchain(checkers=tuple(c for c in CHECKERS if c.name == "ruff")) as ruff:  # fmt: skip
        tools: dict[str, Callable[[str], int]] = {
            "ruff alone": lambda code: len(
                examine(f"```python\n{code}\n```\n", finish_reason="stop", toolchain=ruff).blocking
            ),
            "ruff, ty": lambda code: len(
                examine(f"```python\n{code}\n```\n", finish_reason="stop", toolchain=both).blocking
            ),
        }
        if shutil.which("pyrefly"):
            tools["pyrefly"] = _command("pyrefly", "check", "--output-format", "min-text", "--preset", "strict")
        if shutil.which("mypy"):
            tools["mypy"] = _command(
                "mypy", "--check-untyped-defs", "--ignore-missing-imports", "--cache-dir", "/dev/null"
            )
        rng = random.Random(SEED)
        texts = [(code, list(_mutants(code, rng))) for code in _python()]
        for name, count in tools.items():
            began, asked = time.monotonic(), 0
            alarms: int = 0
            tried: Counter[str] = Counter()
            caught: Counter[str] = Counter()
            for code, mutants in texts if name != "mypy" else texts[::8]:
                if not mutants:
                    continue
                before = count(code)
                alarms += before > 0
                asked += 1 + len(mutants)
                for kind, text in mutants:
                    tried[kind] += 1
                    caught[kind] += count(text) > before
            took_ms = 1000 * (time.monotonic() - began) / max(1, asked)
            hits = ", ".join(f"{kind} {caught[kind]} of {tried[kind]}" for kind in tried)
            print(f"{name}: {alarms} whole texts with a finding; found: {hits}; {took_ms:.0f} ms a text")


if __name__ == "__main__":
    invented()
    lists()
    installed()
    real()
    types()
