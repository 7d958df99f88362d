"""How tidy a package's source is: one row a package, read from the source alone. `python -m benchmarks.house [DIR ...]`

Without folders: this package, with its lines by folder. A folder is that of a package (it holds `__init__.py`); nothing in it is
imported or run. What is measured:

* files, lines (all of them), the median file, the biggest file;
* functions: the 95th percentile and the biggest, in lines, docstring included, decorators not;
* annotated: share of functions whose parameters (but `self`, `cls`) and result all have types; one without parameters needs its result;
* docstrings: share of public functions and methods that have one (public: neither it nor what holds it begins with `_`, and it is
  not inside a function);
* cycles: groups of modules that import each other, by imports of the module level, `if TYPE_CHECKING` left out; then the groups
  that exist when imports inside functions count too;
* double class names, and `Any` (the word, in code: not in comments and strings) a thousand lines.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a package, parsed."""

    path: str  #: below the package, with `/`
    module: str  #: its dotted name
    lines: int
    tree: ast.Module
    anys: int


@dataclass(frozen=True, kw_only=True)
class FunctionFacts:
    """One function or method."""

    name: str
    file: str
    lines: int
    annotated: bool
    public: bool
    documented: bool


@dataclass(frozen=True, kw_only=True)
class House:
    """What one package measures."""

    name: str
    files: Sequence[SourceFile]
    functions: Sequence[FunctionFacts]
    cycles: Sequence[Sequence[str]]
    deferred_cycles: Sequence[Sequence[str]]
    double_classes: Sequence[str]

    @property
    def lines(self) -> int:
        """Of all files."""
        return sum(file.lines for file in self.files)


def measure(folder: Path, *, without: Sequence[str] = ("tests", "migrations")) -> House:
    """The facts of a package; files below a folder of such a name are left out."""
    paths = [p for p in sorted(folder.rglob("*.py")) if not set(without) & set(p.relative_to(folder).parts)]
    files = [_file(path, folder) for path in paths]
    classes = Counter(node.name for file in files for node in ast.walk(file.tree) if isinstance(node, ast.ClassDef))
    return House(
        name=folder.name,
        files=files,
        functions=[fact for file in files for fact in _functions(file.tree, file.path)],
        cycles=_cycles(_imports(files, deferred=False)),
        deferred_cycles=_cycles(_imports(files, deferred=True)),
        double_classes=sorted(name for name, count in classes.items() if count > 1),
    )


def _file(path: Path, folder: Path) -> SourceFile:
    text = path.read_text(encoding="utf-8")
    parts = [folder.name, *path.relative_to(folder).with_suffix("").parts]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return SourceFile(
        path=path.relative_to(folder).as_posix(),
        module=".".join(parts[:-1] if parts[-1] == "__init__" else parts),
        lines=len(text.splitlines()),
        tree=ast.parse(text),
        anys=sum(token.type == tokenize.NAME and token.string == "Any" for token in tokens),
    )


def _functions(node: ast.AST, file: str, *, public: bool = True) -> Iterator[FunctionFacts]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            shown = public and not child.name.startswith("_")
            yield FunctionFacts(
                name=child.name,
                file=file,
                lines=(child.end_lineno or child.lineno) - child.lineno + 1,
                annotated=_is_annotated(child),
                public=shown,
                documented=ast.get_docstring(child) is not None,
            )
            yield from _functions(child, file, public=False)
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, file, public=public and not child.name.startswith("_"))
        else:
            yield from _functions(child, file, public=public)


def _is_annotated(function: Function) -> bool:
    told = function.args
    every = [*told.posonlyargs, *told.args, *told.kwonlyargs, *filter(None, (told.vararg, told.kwarg))]
    asked = [a for n, a in enumerate(every) if not (n == 0 and a.arg in ("self", "cls"))]
    typed = all(argument.annotation is not None for argument in asked)
    return typed and (function.returns is not None or (bool(asked) and function.name == "__init__"))


def _imports(files: Sequence[SourceFile], *, deferred: bool) -> dict[str, set[str]]:
    """{module: the package's own modules that it imports}."""
    known = {file.module for file in files}
    found: dict[str, set[str]] = {}
    for file in files:
        package = file.module if file.path.endswith("__init__.py") else file.module.rpartition(".")[0]
        names = {name for node in _import_nodes(file.tree, deferred=deferred) for name in _named(node, package)}
        modules = {name if name in known else name.rpartition(".")[0] for name in names}
        found[file.module] = (modules & known) - {file.module}
    return found


def _import_nodes(node: ast.AST, *, deferred: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from (n for other in child.orelse for n in _import_nodes(other, deferred=deferred))
        elif deferred or not isinstance(child, Function):
            yield from _import_nodes(child, deferred=deferred)


def _named(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """The dotted names that a statement imports: of `from a import b` both may be a module, and the longer one counts."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, *([node.module] if node.module else [])])
    yield from (f"{base}.{alias.name}" for alias in node.names)


def _cycles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other, found one after the other: a cycle is told, and its members become one."""
    graph = {name: set(targets) for name, targets in imports.items()}
    groups = {name: {name} for name in graph}
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            first, *rest = dict.fromkeys(error.args[1])
            for other in rest:
                graph[first] |= graph.pop(other)
                groups[first] |= groups.pop(other)
            graph = {n: {first if t in rest else t for t in ts} - {n} for n, ts in graph.items()}
        else:
            return [sorted(group) for group in groups.values() if len(group) > 1]


HEAD = (
    "package", "files", "lines", "median file", "biggest file", "fn p95", "biggest function", "annotated",
    "public fns with docstring", "import cycles (with deferred)", "double class names", "`Any` / 1,000 lines",
)  # fmt: skip


def row(house: House) -> list[str]:
    """A package as a row of the table."""
    big_file = max(house.files, key=lambda file: file.lines)
    big = max(house.functions, key=lambda function: function.lines)
    public = [function for function in house.functions if function.public]
    sizes = [function.lines for function in house.functions]
    anys = sum(file.anys for file in house.files)
    return [
        house.name,
        str(len(house.files)),
        str(house.lines),
        f"{median(file.lines for file in house.files):.0f}",
        f"{big_file.lines} `{big_file.path}`",
        f"{quantiles(sizes, n=20)[-1]:.0f}",
        f"{big.lines} `{big.name}`",
        _share([function.annotated for function in house.functions]),
        _share([function.documented for function in public]),
        f"{len(house.cycles)} ({len(house.deferred_cycles)})",
        str(len(house.double_classes)),
        f"{1000 * anys / house.lines:.1f} ({anys})",
    ]


def _share(facts: Sequence[bool]) -> str:
    return f"{100 * sum(facts) / len(facts):.0f} %" if facts else "–"


def main(folders: Sequence[str]) -> None:
    """Print the table, then what is to be mended and the lines by folder of each package."""
    houses = [measure(Path(folder)) for folder in folders or (str(ROOT / "bridge"),)]
    for cells in (HEAD, ["---"] * len(HEAD), *map(row, houses)):
        print(f"| {' | '.join(cells)} |")
    for house, folder in zip(houses, folders or ("bridge",), strict=True):
        print(f"\n{folder}")
        for name, told in (("cycle", house.cycles), ("cycle with deferred imports", house.deferred_cycles)):
            for group in told:
                print(f"  {name}: {', '.join(group)}")
        if house.double_classes:
            print(f"  double class names: {', '.join(house.double_classes)}")
        by_folder: Counter[str] = Counter()
        for file in house.files:
            by_folder[file.path.partition("/")[0] + "/" if "/" in file.path else "(top)"] += file.lines
        print("  lines: " + ", ".join(f"{name} {count:,}" for name, count in sorted(by_folder.items())))


if __name__ == "__main__":
    main(sys.argv[1:])
