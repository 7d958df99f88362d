"""Programs of the system, run to their end: systemctl, launchctl, schtasks. With a scripted fake."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.core.errors import ServiceFailed

#: None of them takes longer; one that does hangs.
_LIMIT_S = 60.0
NOT_THERE = 127


@dataclass(frozen=True, kw_only=True)
class ProgramOutput:
    """How a program ended."""

    code: int = 0  #: 127: there is no such program
    out: str = ""
    err: str = ""


class ProgramRunner(Protocol):
    """Runs programs."""

    def run(self, *argv: str) -> ProgramOutput:
        """Run one to its end. Never raises on what it does."""


class SystemPrograms:
    """Those of this machine."""

    def run(self, *argv: str) -> ProgramOutput:
        """See `ProgramRunner.run`."""
        program = shutil.which(argv[0])
        if program is None:
            return ProgramOutput(code=NOT_THERE, err=f"there is no program {argv[0]}")
        try:
            done = subprocess.run(  # noqa: S603  # a program of the system, with arguments of ours
                [program, *argv[1:]], capture_output=True, stdin=subprocess.DEVNULL, timeout=_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return ProgramOutput(code=NOT_THERE, err=str(error))
        return ProgramOutput(
            code=done.returncode, out=done.stdout.decode("utf-8", "replace"), err=done.stderr.decode("utf-8", "replace")
        )


@dataclass(kw_only=True)
class ScriptedPrograms:
    """A fake: each program ends as the longest beginning of its command line says, by default well and silently."""

    script: Mapping[tuple[str, ...], ProgramOutput] = field(default_factory=dict)
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, *argv: str) -> ProgramOutput:
        """See `ProgramRunner.run`."""
        self.ran.append(argv)
        known = [beginning for beginning in self.script if argv[: len(beginning)] == beginning]
        return self.script[max(known, key=len)] if known else ProgramOutput()


def must(done: ProgramOutput, argv: Sequence[str]) -> str:
    """What a program printed. Raises ServiceFailed, with its own words, if it did not end well."""
    if done.code:
        said = (done.err.strip() or done.out.strip() or "it said nothing")[:2_000]
        raise ServiceFailed(f"`{' '.join(argv)}` ended with code {done.code}: {said}")
    return done.out
