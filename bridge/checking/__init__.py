"""From an answer to checked code: extract, check, repair. `examine` is the way in."""

from bridge.checking.examine import Toolchain, examine
from bridge.checking.extraction.extract import extract
from bridge.checking.values import (  # fmt: skip
    BlockStatus,
    CheckResult,
    CodeBlock,
    Diagnostic,
    Extraction,
    FindingKind,
    Level,
    Quality,
    Report,
    Role,
    Signal,
    Verdict,
)

__all__ = [
    "BlockStatus",
    "CheckResult",
    "CodeBlock",
    "Diagnostic",
    "Extraction",
    "FindingKind",
    "Level",
    "Quality",
    "Report",
    "Role",
    "Signal",
    "Toolchain",
    "Verdict",
    "examine",
    "extract",
]  # fmt: skip
