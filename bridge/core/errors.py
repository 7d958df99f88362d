"""Every failure that Qwen Bridge names, in one tree: a line holds a class, what it is about, and its plain children.

    BridgeError
    ├── UsageError: exit 2, what was asked for cannot be done as asked: ConfigError, PromptRefused, AnswerRefused, BadOption, SecretFound,
    │   BadBatch, UnknownJob, AmbiguousJob, WrongState, QueueNotFound, QueueExists, MissingExtra
    ├── QueueError: exit 3, the queue's files: TwoQueues, QueueChanged, QueueNotWritable, StorageFull, TooLarge, LockHeld
    │   ├── NotAQueue: no notebook that we can read: NewerNotebook
    │   ├── QueueUnreadable: half-written, or still changing: QueueUnsettled
    │   ├── DriveError: Google Drive: NotSignedIn, SignInFailed, DriveUnreachable, DriveDenied, DriveFileGone
    │   └── JournalError: the local journal: JournalTooNew
    ├── NotDelivered: exit 3, a program or server did not take a result
    ├── EngineError: exit 3, whatever answers prompts; when to ask again: engines/retry.py: EngineDown, ModelMissing, Overloaded,
    │   RateLimited, OutOfMemory, ContextExceeded, BadRequest, NotSupported, StreamInterrupted, IncompleteAnswer
    │   └── Refused: it does not want to: QuotaExhausted
    ├── ServiceFailed: exit 3, a service could not be installed, started or stopped
    ├── DownloadFailed: exit 3, a model could not be fetched: NotOnHub, DownloadDamaged, DownloadTooLarge
    └── WaitTimedOut: exit 124

The docstring of a class is its default message. Foreign errors are translated where the foreign thing is touched.
Exit codes: 1 is a job's own failure, 2 wrong use, 3 the outside world, 124 timed out.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from bridge.core.text import counted, with_article
from bridge.kernel.error_kind import ErrorKind


class BridgeError(Exception):
    """Qwen Bridge could not do this."""

    exit_code = 3

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or "").partition("\n")[0])


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
            "Fix them, or pass --skip-bad to skip them."
        )


class UnknownJob(UsageError):
    """No job has this id."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        super().__init__(f"no job has an id that starts with {prefix!r}: `bridge list` shows the ids")


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
        super().__init__(f"this needs {package}: pip install 'qwen-bridge[{extra}]'")


class QueueError(BridgeError):
    """The queue's files cannot be used."""


class NotAQueue(QueueError):
    """This file is not a queue notebook that this version can read."""


class NewerNotebook(NotAQueue):
    """A newer version of this program wrote the notebook."""


class TwoQueues(QueueError):
    """Copies of different queues claim the same path."""


class QueueUnreadable(QueueError):
    """The queue notebook is half-written or still changing."""


class QueueUnsettled(QueueUnreadable):
    """The queue notebook changes while it is read."""


class QueueChanged(QueueError):
    """Somebody else wrote the queue notebook between our read and our write."""


class QueueNotWritable(QueueError):
    """The queue's folder does not let us write: it is read-only, or a permission is missing."""


class StorageFull(QueueError):
    """No space is left on the device."""


class DriveError(QueueError):
    """Google Drive does not do what was asked."""


class NotSignedIn(DriveError):
    """Nobody is signed in to Google Drive: run `bridge auth login`."""


class SignInFailed(DriveError):
    """Signing in to Google was refused, ran out of time, or could not be stored."""


class DriveUnreachable(DriveError):
    """Google Drive is offline, overloaded or out of order; it is tried again."""


class DriveDenied(DriveError):
    """Google Drive does not allow this sign-in to do that."""


class DriveFileGone(DriveError):
    """The file is not on Google Drive: deleted, in the trash, or not to be seen by this sign-in."""


class TooLarge(QueueError):
    """A notebook is larger than its place takes at once: `bridge archive` makes it smaller."""

    def __init__(self, name: str, size: int, most: int) -> None:
        self.name = name
        sizes = f"{name} has {size / 1e6:.1f} MB, and Drive takes {most / 1e6:.0f} MB at once"
        super().__init__(f"{sizes}: `bridge archive` makes it smaller")


class LockHeld(QueueError):
    """Another process holds the queue's lock."""

    def __init__(self, holder: str, waited_s: float) -> None:
        self.holder, self.waited_s = holder, waited_s
        super().__init__(f"waited {waited_s:.0f} s for the queue's lock, held by {holder}: try again when it has ended")


class JournalError(QueueError):
    """The local journal cannot be opened, or is damaged."""


class JournalTooNew(JournalError):
    """A newer version of this program wrote the local journal."""

    def __init__(self, path: str, *, version: int, known: int) -> None:
        versions = f"(journal version {version}, this one knows {known})"
        update = "update Qwen Bridge here (`pip install -U qwen-bridge`), or make a new journal with `bridge rebuild --journal`"
        super().__init__(f"the journal {path} was written by a newer Qwen Bridge {versions}: {update}")


class NotDelivered(BridgeError):
    """A program or server did not take a result; it is tried again."""


class EngineError(BridgeError):
    """The engine did not answer."""

    kind = "engine_error"  #: the reason in a result's `error.kind`; of each child a member of `ErrorKind`, which says what it means

    def __init_subclass__(cls, *, kind: ErrorKind) -> None:
        cls.kind = kind.value

    def __init__(self, message: str | None = None, *, partial: str = "") -> None:
        self.partial = partial  #: what had arrived of the answer
        super().__init__(message)


class EngineDown(EngineError, kind=ErrorKind.DOWN):
    """The engine cannot be reached."""


class ModelMissing(EngineError, kind=ErrorKind.MODEL_MISSING):
    """The engine does not have this model."""


class Overloaded(EngineError, kind=ErrorKind.OVERLOADED):
    """The engine's waiting line is full."""


class RateLimited(EngineError, kind=ErrorKind.RATE_LIMITED):
    """The engine wants fewer requests."""

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None, partial: str = "") -> None:
        self.retry_after_s = retry_after_s  #: seconds that the engine asked for; None: it did not say
        super().__init__(message, partial=partial)


class OutOfMemory(EngineError, kind=ErrorKind.OUT_OF_MEMORY):
    """The model does not fit into the engine's memory."""


class ContextExceeded(EngineError, kind=ErrorKind.CONTEXT_EXCEEDED):
    """The prompt is longer than the model's context."""

    def __init__(self, message: str | None = None, *, over_by: int, estimated: bool = False) -> None:
        self.over_by = over_by  #: tokens that are too many
        self.estimated = estimated  #: whether the engine did not count them
        super().__init__(message)


class BadRequest(EngineError, kind=ErrorKind.BAD_REQUEST):
    """The engine cannot do what the request asks for."""


class NotSupported(EngineError, kind=ErrorKind.NOT_SUPPORTED):
    """The engine cannot do this."""


class StreamInterrupted(EngineError, kind=ErrorKind.INTERRUPTED):
    """The answer broke off."""


class IncompleteAnswer(EngineError, kind=ErrorKind.INCOMPLETE):
    """The answer is not whole."""


class Refused(EngineError, kind=ErrorKind.REFUSED):
    """The engine refuses to answer."""


class QuotaExhausted(Refused, kind=ErrorKind.REFUSED):
    """The quota at the engine is used up."""

    def __init__(self, message: str | None = None, *, reset_after_s: float | None = None, partial: str = "") -> None:
        self.reset_after_s = reset_after_s  #: seconds until there is one again; None: the engine did not say
        super().__init__(message, partial=partial)


class ServiceFailed(BridgeError):
    """The system did not do with the service what was asked."""


class DownloadFailed(BridgeError):
    """The model could not be fetched; the same command goes on where it stopped."""


class NotOnHub(DownloadFailed):
    """The hub has no such model or file."""


class DownloadDamaged(DownloadFailed):
    """What was fetched is not what the hub has; it was deleted."""


class DownloadTooLarge(DownloadFailed):
    """The disk has no room for the model."""


class WaitTimedOut(BridgeError):
    """The wait ran out of time."""

    exit_code = 124
