"""What was asked for cannot be done as asked: exit 2."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.core.errors.base import BridgeError
from bridge.core.install import install_command
from bridge.core.text import counted, with_article


class UsageError(BridgeError):
    """This cannot be done as asked."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is unknown or has the wrong type."""


class PromptRefused(UsageError):
    """A prompt cannot be stored faithfully."""


class AnswerRefused(UsageError):
    """An answer cannot be stored faithfully."""


class BadOption(UsageError, ValueError):
    """An option has a value that it cannot have."""


class SecretFound(UsageError):
    """A prompt or context file seems to hold a secret."""

    def __init__(self, findings: Sequence[tuple[str, int, str]]) -> None:
        self.findings = tuple(findings)  #: (where, 1-based line, kind of secret); never the secret itself
        listed = "\n".join(f"  {where}, line {line}: looks like {with_article(kind)}" for where, line, kind in findings)
        #: What is wrong with one text, as one phrase.
        self.reason = ", ".join(
            f"looks like it holds {with_article(kind)} (line {line} of {where})" for where, line, kind in findings
        )
        super().__init__(
            f"refused, because it seems to hold a secret:\n{listed}\n"
            "Take it out, or pass --allow-secrets if this is a false alarm."
        )


class BadBatch(UsageError):
    """Lines of the batch are wrong; nothing was added."""

    def __init__(self, problems: Sequence[tuple[int, str]], *, source: str) -> None:
        self.problems = tuple(problems)  #: (1-based line, reason)
        listed = "\n".join(f"  line {line}: {reason}" for line, reason in self.problems)
        super().__init__(
            f"{counted(len(self.problems), 'bad line')} in {source}; nothing was added:\n{listed}\n"
            f"Fix {'it' if len(self.problems) == 1 else 'them'}, or pass --skip-bad to skip "
            f"{'it' if len(self.problems) == 1 else 'them'}."
        )


class UnknownJob(UsageError):
    """No job has this id."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        super().__init__(f"no job has the id or key {prefix!r}: `bridge list` shows both")


class AmbiguousJob(UsageError):
    """Several jobs have this prefix."""

    def __init__(self, prefix: str, candidates: Sequence[str]) -> None:
        self.prefix, self.candidates = prefix, tuple(candidates)
        shown = ", ".join(self.candidates[:5]) + (", …" if len(self.candidates) > 5 else "")
        super().__init__(f"{prefix!r} matches {len(self.candidates)} jobs ({shown}): type more characters")


class WrongState(UsageError):
    """The job is in a state that does not allow this."""


class QueueNotFound(UsageError):
    """There is no queue notebook here."""


class QueueExists(UsageError):
    """A file is in the way: it would be overwritten."""


class MissingExtra(UsageError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"this needs {package}: {install_command(extra)}")
