"""Every failure that Qwen Bridge names, in one tree.

    BridgeError
    ├── UsageError                  exit 2: what was asked for cannot be done as asked
    │   ├── ConfigError             a setting is unknown or has the wrong type
    │   ├── PromptRefused           a prompt cannot be stored faithfully
    │   ├── AnswerRefused           an answer brought from elsewhere cannot be stored
    │   ├── BadOption               a generation option has a value that it cannot have
    │   ├── SecretFound             a prompt or context file seems to hold a secret
    │   ├── BadBatch                lines of a JSONL batch are wrong
    │   ├── UnknownJob              no job has this id or prefix
    │   ├── AmbiguousJob            several jobs have this prefix
    │   ├── WrongState              the job is in a state that does not allow this
    │   ├── QueueNotFound           no notebook at the queue path
    │   ├── QueueExists             `init` would overwrite something
    │   └── MissingExtra            an optional package is not installed
    ├── QueueError                  exit 3: the queue's files
    │   ├── NotAQueue               a file, but not a queue notebook that we can read
    │   │   └── NewerNotebook       of a newer version of this program
    │   ├── TwoQueues               copies of different queues claim the same path
    │   ├── QueueUnreadable         half-written, or still changing
    │   │   └── QueueUnsettled      changes while it is read
    │   ├── QueueChanged            somebody else wrote between our read and our write
    │   ├── QueueNotWritable        read-only folder, missing permission
    │   ├── StorageFull             no space left on the device
    │   ├── DriveError              Google Drive
    │   │   ├── NotSignedIn         nobody is signed in, or no longer
    │   │   ├── SignInFailed        a sign-in was refused, ran out of time, or could not be stored
    │   │   ├── DriveUnreachable    offline, overloaded, or out of order: it is tried again
    │   │   ├── DriveDenied         this sign-in may not do that
    │   │   └── DriveFileGone       deleted, in the trash, or not to be seen by this sign-in
    │   ├── TooLarge                a notebook is larger than its place takes at once
    │   ├── LockHeld                another process holds the queue's lock
    │   └── JournalError            the local journal cannot be opened or is damaged
    │       └── JournalTooNew       a newer version of this program wrote it
    ├── NotDelivered                exit 3: a program or server did not take a result; it is tried again
    ├── EngineError                 exit 3: whatever answers prompts; engines/retry.py says when to ask again
    │   ├── EngineDown              nobody listens, or it went away before the answer began
    │   ├── ModelMissing            the engine does not have this model
    │   ├── Overloaded              its waiting line is full
    │   ├── RateLimited             too many requests; says how long to wait, if it was told
    │   ├── OutOfMemory             the model does not fit into VRAM and RAM
    │   ├── ContextExceeded         the prompt is longer than the context; says by how much
    │   ├── BadRequest              an option or the prompt is wrong
    │   ├── NotSupported            the engine or the model cannot do what is asked at all; its capabilities say so
    │   ├── StreamInterrupted       the answer broke off: crash, reset, silence, time limit
    │   ├── IncompleteAnswer        the stream ended politely, but the answer is not whole
    │   └── Refused                 not allowed: key, quota, policy, or no room on the engine's disk
    ├── DownloadFailed              exit 3: a model could not be fetched; what came is kept for the next try
    │   ├── NotOnHub                the hub has no such model or file
    │   ├── DownloadDamaged         what came is not what the hub has; it was deleted
    │   └── DownloadTooLarge        the disk has no room for it
    └── WaitTimedOut                exit 124: a wait ran out of time

The docstring of a class is its default message; facts are attributes. Foreign errors are translated where the
foreign thing is touched. Exit codes: 1 is a job's own failure, 2 wrong use, 3 the outside world, 124 timed out.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from bridge.core.text import counted


class BridgeError(Exception):
    """Qwen Bridge could not do this."""

    exit_code = 3

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or "").partition("\n")[0])


class UsageError(BridgeError):
    """This cannot be done as asked."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting is wrong."""


class PromptRefused(UsageError):
    """A prompt cannot be stored faithfully."""


class AnswerRefused(UsageError):
    """An answer cannot be stored faithfully."""


class BadOption(UsageError, ValueError):
    """An option has a value that it cannot have."""


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aAeEiIoOxX' else 'a'} {noun}"


class SecretFound(UsageError):
    """A prompt or context file seems to hold a secret."""

    def __init__(self, findings: Sequence[tuple[str, int, str]]) -> None:
        #: (where, 1-based line, kind of secret); never the secret itself.
        self.findings = tuple(findings)
        listed = "\n".join(
            f"  {where}, line {line}: looks like {_with_article(kind)}" for where, line, kind in self.findings
        )
        super().__init__(
            f"refused, because it seems to hold a secret:\n{listed}\n"
            "Take it out, or pass --allow-secrets if this is a false alarm."
        )


class BadBatch(UsageError):
    """Lines of the batch are wrong; nothing was added."""

    def __init__(self, problems: Sequence[tuple[int, str]], *, source: str) -> None:
        #: (1-based line, reason)
        self.problems = tuple(problems)
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
        self.prefix = prefix
        self.candidates = tuple(candidates)
        shown = ", ".join(self.candidates[:5]) + (", …" if len(self.candidates) > 5 else "")
        super().__init__(f"{prefix!r} matches {len(self.candidates)} jobs ({shown}): type more characters")


class WrongState(UsageError):
    """The job is in a state that does not allow this."""


class QueueNotFound(UsageError):
    """There is no queue notebook here."""


class QueueExists(UsageError):
    """A file is in the way."""


class MissingExtra(UsageError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
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
    """The queue's folder does not let us write."""


class StorageFull(QueueError):
    """No space is left on the device."""


class DriveError(QueueError):
    """Google Drive does not do what was asked."""


class NotSignedIn(DriveError):
    """Nobody is signed in to Google Drive: run `bridge auth login`."""


class SignInFailed(DriveError):
    """Signing in to Google did not work."""


class DriveUnreachable(DriveError):
    """Google Drive cannot be reached."""


class DriveDenied(DriveError):
    """Google Drive does not allow this."""


class DriveFileGone(DriveError):
    """The file is not on Google Drive."""


class TooLarge(QueueError):
    """A notebook is larger than its place takes at once: `bridge archive` makes it smaller."""

    def __init__(self, name: str, size: int, most: int) -> None:
        self.name = name
        super().__init__(
            f"{name} has {size / 1e6:.1f} MB, and Drive takes {most / 1e6:.0f} MB at once: `bridge archive` makes it smaller"
        )


class LockHeld(QueueError):
    """Another process holds the queue's lock."""

    def __init__(self, holder: str, waited_s: float) -> None:
        self.holder = holder
        self.waited_s = waited_s
        super().__init__(f"waited {waited_s:.0f} s for the queue's lock, held by {holder}: try again when it has ended")


class JournalError(QueueError):
    """The local journal cannot be used."""


class JournalTooNew(JournalError):
    """A newer version of this program wrote the local journal."""

    def __init__(self, path: str, *, version: int, known: int) -> None:
        super().__init__(
            f"the journal {path} was written by a newer Qwen Bridge (journal version {version}, this one knows {known}): "
            "update Qwen Bridge here (`pip install -U qwen-bridge`), or make a new journal with `bridge rebuild --journal`"
        )


class NotDelivered(BridgeError):
    """A result could not be handed over; it is tried again."""


class EngineError(BridgeError):
    """The engine did not answer."""

    #: The reason in a result's `error.kind`; keep in sync with kernel/error_kind.py (a test compares).
    kind = "engine_error"

    def __init__(self, message: str | None = None, *, partial: str = "") -> None:
        #: What had arrived of the answer.
        self.partial = partial
        super().__init__(message)


class EngineDown(EngineError):
    """The engine cannot be reached."""

    kind = "engine_down"


class ModelMissing(EngineError):
    """The engine does not have this model."""

    kind = "model_missing"


class Overloaded(EngineError):
    """The engine's waiting line is full."""

    kind = "overloaded"


class RateLimited(EngineError):
    """The engine wants fewer requests."""

    kind = "rate_limited"

    def __init__(self, message: str | None = None, *, retry_after_s: float | None = None, partial: str = "") -> None:
        #: Seconds that the engine asked for; None: it did not say.
        self.retry_after_s = retry_after_s
        super().__init__(message, partial=partial)


class OutOfMemory(EngineError):
    """The model does not fit into the engine's memory."""

    kind = "out_of_memory"


class ContextExceeded(EngineError):
    """The prompt is longer than the model's context."""

    kind = "context_exceeded"

    def __init__(self, message: str | None = None, *, over_by: int, estimated: bool = False) -> None:
        #: Tokens that are too many; `estimated` if the engine did not count them.
        self.over_by = over_by
        self.estimated = estimated
        super().__init__(message)


class BadRequest(EngineError):
    """The engine cannot do what the request asks for."""

    kind = "bad_request"


class NotSupported(EngineError):
    """The engine cannot do this."""

    kind = "not_supported"


class StreamInterrupted(EngineError):
    """The answer broke off."""

    kind = "interrupted"


class IncompleteAnswer(EngineError):
    """The answer is not whole."""

    kind = "incomplete"


class Refused(EngineError):
    """The engine refuses to answer."""

    kind = "refused"


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
