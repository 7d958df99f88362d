"""`bridge doctor`."""

from __future__ import annotations

import sys

from bridge.cli import base


@base.command("doctor")
def command(*, queue: str | None, as_json: bool) -> None:
    """Check files, journal, schema, engine and linters, and say what to do. Changes nothing.

    \b
    bridge doctor
    bridge doctor --json

    Exit code 3 if something is broken; warnings do not count.
    """
    from bridge.setup import doctor

    findings = doctor.examine(queue)
    if as_json:
        base.print_json({"findings": [finding.to_json() for finding in findings]})
    else:
        base.print_table(
            ["", "check", "found", "what to do"], [(f.grade.value, f.check, f.found, f.remedy) for f in findings]
        )
    if any(f.grade is doctor.Grade.BROKEN for f in findings):
        sys.exit(3)
