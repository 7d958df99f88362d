"""From an answer to checked code: extract, check, repair. `examine` is the way in."""

from bridge.results.base import (
    CheckResult,
    CodeBlock,
    Diagnostic,
    Extraction,
    Kind,
    Level,
    Quality,
    Report,
    Role,
    Signal,
    Status,
    Verdict,
)  # fmt: skip
from bridge.results.examine import Bench, examine
from bridge.results.extract import extract

__all__ = [
    "Bench", "CheckResult", "CodeBlock", "Diagnostic", "Extraction", "Kind", "Level", "Quality", "Report", "Role",
    "Signal", "Status", "Verdict", "examine", "extract",
]  # fmt: skip
