"""Independent judges of a text: the compilers and parsers of its language, started as they are, with nothing of ours between.

A judge that is not on the search path is not used; a table says which were there. `mcs` is Mono's C# compiler; `tsc` judges
types, too, but for what is only about packages that are not installed.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What tsc says of packages and of types that come with them (https://github.com/microsoft/TypeScript, diagnosticMessages.json).
_PACKAGES = frozenset(
    ["TS2307", "TS2792", "TS7016", "TS2580", "TS2582", "TS2584", "TS2591", "TS2593", "TS2503", "TS2686", "TS2875", "TS7026",
     "TS7031", "TS2304", "TS2339"]
)  # fmt: skip
_TSC_OPTIONS = (
    "--noEmit", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--noResolve",
    "--skipLibCheck", "--jsx", "preserve", "--moduleDetection", "force", "--pretty", "false",
)  # fmt: skip
_TIMEOUT_S = 60


@dataclass(frozen=True, kw_only=True)
class CompilerJudge:
    """A compiler or parser that says whether it takes a text."""

    name: str
    version: str
    accepts: Callable[[str], bool]


def judges(folder: Path | None = None) -> dict[str, CompilerJudge]:
    """The judge of each language that has one, in a folder of programs that only judge, or on the search path."""
    here = _Compilers(path=f"{folder}{os.pathsep}{os.environ['PATH']}" if folder else os.environ["PATH"])
    found = {"python": CompilerJudge(name="CPython's compiler", version=platform.python_version(), accepts=_python)}
    for languages, program, accepts in (
        (("javascript",), "node", here.node),
        (("typescript",), "tsc", here.tsc),
        (("jsx", "tsx"), "tsc", here.tsx),
        (("bash",), "bash", here.bash),
        (("php",), "php", here.php),
        (("java",), "javac", here.javac),
        (("cpp",), "g++", here.gxx),
        (("csharp",), "mcs", here.mcs),
    ):
        if shutil.which(program, path=here.path):
            version = here.run([program, "--version"]).stdout.strip().partition("\n")[0]
            found |= {name: CompilerJudge(name=program, version=version, accepts=accepts) for name in languages}
    return found


def _python(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "text", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class _Compilers:
    """The programs of a search path."""

    path: str

    def run(self, argv: Sequence[str], cwd: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=cwd, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False,
            env={**os.environ, "PATH": self.path},
        )  # fmt: skip

    def _says(self, code: str, name: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """What a program says of a text, alone in a folder."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, name).write_text(code, encoding="utf-8", errors="replace")
            return self.run([*argv, name], folder)

    def node(self, code: str) -> bool:
        """JavaScript; with JSX in it, tsc is asked."""
        if re.search(r"(?:return|=>|=|\()\s*\(?\s*<[A-Za-z>]", code) and shutil.which("tsc", path=self.path):
            return self.tsx(code)
        return any(self._says(code, name, "node", "--check").returncode == 0 for name in ("text.mjs", "text.cjs"))

    def tsc(self, code: str) -> bool:
        return self._typed(code, "text.ts")

    def tsx(self, code: str) -> bool:
        return self._typed(code, "text.tsx")

    def _typed(self, code: str, name: str) -> bool:
        said = self._says(code, name, "tsc", *_TSC_OPTIONS).stdout
        return not set(re.findall(r"error (TS\d+)", said)) - _PACKAGES

    def bash(self, code: str) -> bool:
        said = self._says(code, "text.sh", "bash", "-n")
        return said.returncode == 0 and not said.stderr

    def php(self, code: str) -> bool:
        text = code if "<?" in code else "<?php\n" + code
        return self._says(text, "text.php", "php", "-l").returncode == 0

    def javac(self, code: str) -> bool:
        public = re.search(r"(?m)^\s*public\s+(?:(?:abstract|final)\s+)*(?:class|interface|enum|record)\s+(\w+)", code)
        flags = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none", "-XDrawDiagnostics")
        code = re.sub(
            r"(?m)^import org\.javatuples\.\*;", "", code
        )  # of the data's prompts; mostly nothing of it is used
        return self._says(code, f"{public[1] if public else 'Text'}.java", "javac", *flags).returncode == 0

    def gxx(self, code: str) -> bool:
        return self._says(code, "text.cpp", "g++", "-std=gnu++20", "-fsyntax-only", "-w").returncode == 0

    def mcs(self, code: str) -> bool:
        return self._says(code, "text.cs", "mcs", "-target:library", "-out:text.dll").returncode == 0
