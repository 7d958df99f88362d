"""The values of extracting and checking: block, diagnostic, check, verdict, report.

All of them are frozen, and each gives a plain dict of JSON types by `to_json`. Lines and columns of a diagnostic are
those of its block and start at 0, as in the Language Server Protocol; lines of an answer start at 1, as people count.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from bridge.core.jsonable import Jsonable as Jsonable


class Role(Enum):
    """What a block is for."""

    FILE = "file"  # stands alone: a program, a module, a document
    FRAGMENT = "fragment"  # a piece that needs something around it
    CONTINUATION = "continuation"  # goes on where the prompt's own code ends; whole only with that
    COMMAND = "command"  # what somebody types into a shell
    OUTPUT = "output"  # sample input or output, plain text
    DIFF = "diff"  # a patch: a diff, or search/replace blocks; changes the files that it names, and is none itself
    DATA = "data"  # sample JSON, YAML and the like beside the code
    WRAPPER = "wrapper"  # holds other blocks, which are the files


class LanguageSource(Enum):
    """What told the language, best first."""

    PATH = "path"  # the extension of the block's path
    LABEL = "label"  # the word after the fence
    SHEBANG = "shebang"  # `#!`, `<?php`, `<?xml`
    PROMPT = "prompt"  # asked for, or named in the prompt
    SIBLING = "sibling"  # what the answer's other blocks are in
    SCORER = "scorer"  # guessed from the text


class PathSource(Enum):
    """Where a path was found, best first."""

    INFO = "info"  # beside the label, after the fence
    PREV_LINE = "prev_line"  # the line before the fence
    FIRST_COMMENT = "first_comment"  # a comment in the first line of the code


class BlockEnd(Enum):
    """How a block ended."""

    CLOSED = "closed"  # by its own fence
    TRUNCATED = "truncated"  # the model reached its token limit in it
    UNCLOSED = "unclosed"  # the answer ended without a closing fence
    IMPLICIT_CLOSE = "implicit-close"  # another block began, or its quote ended
    STRAY = "stray"  # its opening fence is missing
    NO_FENCE = "no-fence"  # there was no fence at all


class BlockStatus(Enum):
    """What checking one block came to."""

    OK = "ok"  # nothing that blocks
    ERRORS = "errors"  # something that blocks
    FRAGMENT = "fragment"  # a piece of code, not to be judged alone
    INCOMPLETE = "incomplete"  # cut
    UNCHECKED = "unchecked"  # nothing here can judge it
    TOOL_FAILED = "tool-failed"  # its checker crashed, hung or hit a limit
    SKIPPED = "skipped"  # output, commands, wrappers, older versions, patches of files given whole: not to be checked


class Level(Enum):
    """How far checking went, deepest first."""

    LINTER = "linter"  # the language's own parser or a linter
    TREESITTER = "syntax-floor"  # tree-sitter with a measured trust
    NONE = "none"  # not at all


class FindingKind(Enum):
    """What a diagnostic is about."""

    SYNTAX = "syntax"  # does not parse
    UNDEFINED = "undefined"  # a name that nothing defines
    TYPE = "type"  # parses, but cannot work
    LANGUAGE = "language"  # is in another language than was asked for, or than its path says
    DEPENDENCY = "dependency"  # something that is not installed here
    PACKAGE = "package"  # imports a package that nobody knows
    PATCH = "patch"  # a patch that cannot be read, or does not fit the caller's files
    HIDDEN = "hidden"  # characters that a reader does not see, or takes for others
    STYLE = "style"  # works, but reads badly or looks wrong
    INCOMPLETE = "incomplete"  # ends too early
    TOOL_FAILURE = "tool-failure"  # the checker's own trouble


#: Kinds that make a verdict `errors` and that a repair round is about.
BLOCKING_KINDS = frozenset(
    {
        FindingKind.SYNTAX,
        FindingKind.UNDEFINED,
        FindingKind.TYPE,
        FindingKind.LANGUAGE,
        FindingKind.PATCH,
        FindingKind.HIDDEN,
    }
)


class Verdict(Enum):
    """What checking said of a job's blocks."""

    CLEAN = "clean"  # every file was checked, nothing blocks
    ERRORS = "errors"  # something blocks
    INCOMPLETE = "incomplete"  # the answer was cut
    UNCHECKED = "unchecked"  # nothing blocks, but not every file could be checked
    NO_CODE = "no_code"  # there is no code in the answer


@dataclass(frozen=True, kw_only=True)
class CodeBlock(Jsonable):
    """One piece of code extracted from an answer, verbatim except for its container's indentation."""

    index: int  #: its place in `Extraction.blocks`
    parent: int | None = None  #: index of the wrapper that it lies in
    language: str | None = None  #: a name of `languages.LANGUAGES`, or the label itself in lower case; None: plain text
    language_source: LanguageSource | None = None
    language_confidence: float = 0.0  #: 0 to 1
    path: str | None = None  #: relative, with `/`, safe to write below a folder
    path_source: PathSource | None = None
    targets: tuple[str, ...] = ()  #: of a patch: the files that it changes, as safe as `path`
    path_refused: str | None = None  #: the path that was found but is not used, and why
    code: str
    info: str = ""  #: all that stands after the opening fence
    fence: str = ""  #: the characters of the opening fence; "" if it has none
    span: tuple[int, int]  #: first and last line in the answer, from 1, fences included
    code_start: int  #: line of the answer, from 1, that the code's first line stands in
    indent: int = 0  #: columns that were taken off each line of the code
    complete: bool = True
    why: BlockEnd = BlockEnd.CLOSED
    role: Role = Role.FILE
    current: bool = True  #: False: a later block of the answer takes its place
    joined: str | None = None  #: of a continuation: the whole file, the prompt's own code with this

    @property
    def lines(self) -> int:
        """How many lines of the code are not blank."""
        return sum(1 for line in self.code.split("\n") if line.strip())


@dataclass(frozen=True, kw_only=True)
class Extraction(Jsonable):
    """All that an answer holds."""

    blocks: tuple[CodeBlock, ...] = ()
    complete: bool = True
    why: str = (
        "closed"  #: if not complete: `unclosed thinking`, `open fence`, `open bracket`, `token limit`, `too large`
    )
    notes: tuple[str, ...] = ()  #: what was left out, and why

    def files(self) -> dict[str, CodeBlock]:
        """The newest version of every file that the answer names, by path."""
        return {b.path: b for b in self.blocks if b.path and b.current and b.role is not Role.WRAPPER}


@dataclass(frozen=True, kw_only=True, order=True)
class Position(Jsonable):
    """A place in a block."""

    line: int  #: from 0
    character: int  #: from 0, in characters (not in UTF-16 units)


@dataclass(frozen=True, kw_only=True)
class Range(Jsonable):
    """From a place up to, not including, another."""

    start: Position
    end: Position

    @classmethod
    def at(cls, line: int, character: int, end_line: int | None = None, end_character: int | None = None) -> Range:
        """From numbers that start at 1, as most tools print them; anything below 1 is taken as 1."""
        start = Position(line=max(line, 1) - 1, character=max(character, 1) - 1)
        if end_line is None:
            return cls(start=start, end=start)
        end = Position(line=max(end_line, 1) - 1, character=max(end_character or 1, 1) - 1)
        return cls(start=start, end=max(start, end))


class Severity(Enum):
    """As in the Language Server Protocol."""

    ERROR = 1  # must be mended
    WARNING = 2  # should be looked at
    INFORMATION = 3  # good to know
    HINT = 4  # a matter of taste


@dataclass(frozen=True, kw_only=True)
class Diagnostic(Jsonable):
    """One finding about a block, in the shape of the Language Server Protocol. Its message is untrusted text."""

    block: int  #: index of the block
    range: Range
    severity: Severity = Severity.ERROR
    code: str = ""  #: the rule, as the tool names it
    source: str  #: the tool
    message: str
    tool_version: str = ""
    kind: FindingKind
    blocking: bool = False  #: makes the verdict `errors`
    trust: float = 1.0  #: 0 to 1: how often such a finding is right
    fingerprint: str = ""  #: the same for the same trouble in another version of the file


def fingerprint(source: str, code: str, message: str, code_line: str) -> str:
    """16 hexadecimal digits that stay the same while lines move; numbers and quoted names do not count."""
    normal = re.sub(r"['\"`‘’][^'\"`‘’]*['\"`‘’]|\d+", "#", message).lower()
    text = "\0".join((source, code, normal, "".join(code_line.split())))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class CheckResult(Jsonable):
    """What checking one block came to."""

    block: int
    status: BlockStatus
    tools: tuple[str, ...] = ()  #: tools that judged it, in order
    level: Level = Level.NONE
    diagnostics: tuple[Diagnostic, ...] = ()
    note: str = ""  #: why it is unchecked, or how it was made to parse

    @property
    def blocking(self) -> tuple[Diagnostic, ...]:
        """The findings that make the verdict `errors`."""
        return tuple(d for d in self.diagnostics if d.blocking)


class Signal(Enum):
    """Facts about an answer that a router may use; none of them is a verdict."""

    TOO_SHORT = "too_short"  # far less than such a prompt asks for
    NO_CODE = "no_code"  # code was asked for, there is none
    REFUSAL = "refusal"  # the model says that it will not or cannot
    PLACEHOLDER = "placeholder"  # bodies that are left for the reader to write
    UNFINISHED = "unfinished"  # code that parses, but ends before it does what it is for
    ERROR_TEXT = "error_text"  # reads like an error of the engine, not like an answer
    REPETITION = "repetition"  # the same lines over and over
    DUPLICATE = "duplicate"  # a function that is defined twice in one file
    UNREACHABLE = "unreachable"  # code that never runs
    UNUSED_PARAMETER = "unused_parameter"  # a function that ignores what it must be given


@dataclass(frozen=True, kw_only=True)
class Quality(Jsonable):
    """One signal with what it was seen in."""

    signal: Signal
    evidence: str
    line: int | None = None  #: line of the answer, from 1


@dataclass(frozen=True, kw_only=True)
class Report(Jsonable):
    """All that is known about an answer's code."""

    verdict: Verdict
    level: Level  #: the least that any file of the answer was checked with
    blocks: tuple[CodeBlock, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    quality: tuple[Quality, ...] = ()
    complete: bool = True
    why: str = "closed"
    notes: tuple[str, ...] = ()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All findings, block by block."""
        return tuple(d for check in self.checks for d in check.diagnostics)

    @property
    def blocking(self) -> tuple[Diagnostic, ...]:
        """The findings that make the verdict `errors`."""
        return tuple(d for d in self.diagnostics if d.blocking)

    def files(self) -> dict[str, CodeBlock]:
        """The newest version of every file that the answer names, by path."""
        return Extraction(blocks=self.blocks).files()


def lowest(levels: Iterable[Level]) -> Level:
    """The least of some levels; NONE for none."""
    order = [Level.LINTER, Level.TREESITTER, Level.NONE]
    return max(levels, key=order.index, default=Level.NONE)
