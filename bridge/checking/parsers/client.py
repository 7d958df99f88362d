"""Talk to the worker process: start it when first needed, end it when it hangs, start it again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bridge.checking.parsers.base import Parsed
from bridge.core.closing import Closing
from bridge.sandbox.confinement import Confinement
from bridge.sandbox.process import ResourceLimits
from bridge.sandbox.resident import Resident, ResidentError, ResidentProgram

#: Finds the package by its own folder: that of its folder need not be readable, which Landlock would refuse to list.
_BOOT = (
    "import sys, importlib.util as u; f = sys.argv[1] + '/bridge'; "
    "s = u.spec_from_file_location('bridge', f + '/__init__.py', submodule_search_locations=[f]); "
    "sys.modules['bridge'] = u.module_from_spec(s); from bridge.checking.parsers.worker import main; main()"
)


class ParserError(Exception):
    """The worker crashed, hung or hit a limit on this text; `late`: it took longer than it may."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class Parsers(Closing):
    """The parsers that run in Python, at arm's length; may be shared by threads. A context manager.

    Args:
        wall_s: longest time that one text may take.
        memory_mb: most memory that the worker may use; the facts measured 256 for the grammars alone.
        within: what the worker is confined by; default: the strongest that works here.
    """

    def __init__(self, *, wall_s: float = 5.0, memory_mb: int = 768, within: Confinement | None = None) -> None:
        root = Path(__file__).resolve().parents[3]
        worker = ResidentProgram(
            argv=(sys.executable, "-I", "-X", "utf8", "-c", _BOOT, str(root)),
            limits=ResourceLimits(wall_s=wall_s, cpu_s=600, memory_mb=memory_mb, open_files=64),
            readable=(root / "bridge", *_packages()),
            env={"PYTHONDONTWRITEBYTECODE": "1"},
        )
        self._worker = Resident(worker, within=within)

    def parse(self, parser: str, code: str, *, grammar: str = "", patience: float = 1.0) -> Parsed:
        """What a parser says of a text; `patience`: so many times `wall_s` may pass.

        Raises:
            ParserError: the parser crashed, took too long, or used too much memory.
        """
        request = json.dumps({"parser": parser, "grammar": grammar, "code": code}).encode()
        try:
            reply = json.loads(self._worker.ask(request, patience=patience))
        except ResidentError as error:
            raise ParserError(str(error), late=error.late) from None
        if not isinstance(reply, dict) or "crashed" in reply:
            raise ParserError(str(reply["crashed"]) if isinstance(reply, dict) else "no answer")
        return reply  # type: ignore[return-value]  # the worker's other shape was handled above

    def close(self) -> None:
        """End the worker."""
        self._worker.close()


def _packages() -> list[Path]:
    """Where this Python has packages: a `.pth` file may name folders outside of its own installation."""
    return [path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages") and path.is_dir()]
