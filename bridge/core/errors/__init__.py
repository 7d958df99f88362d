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
    ├── JobFailed: exit 1, a job ended without an answer
    └── WaitTimedOut: exit 124; a TimeoutError as well

The docstring of a class is its default message. Foreign errors are translated where the foreign thing is touched.
Exit codes: 1 is a job's own failure, 2 wrong use, 3 the outside world, 124 timed out, 130 interrupted.
"""

from bridge.core.errors.base import BridgeError
from bridge.core.errors.drive import DriveDenied, DriveError, DriveFileGone, DriveUnreachable, NotSignedIn, SignInFailed
from bridge.core.errors.engine import (
    BadRequest,
    ContextExceeded,
    EngineDown,
    EngineError,
    IncompleteAnswer,
    ModelMissing,
    NotSupported,
    OutOfMemory,
    Overloaded,
    QuotaExhausted,
    RateLimited,
    Refused,
    StreamInterrupted,
)
from bridge.core.errors.outside import (
    DownloadDamaged,
    DownloadFailed,
    DownloadTooLarge,
    JobFailed,
    NotDelivered,
    NotOnHub,
    ServiceFailed,
    WaitTimedOut,
)
from bridge.core.errors.queue_files import (
    JournalError,
    JournalTooNew,
    LockHeld,
    NewerNotebook,
    NotAQueue,
    QueueChanged,
    QueueError,
    QueueNotWritable,
    QueueUnreadable,
    QueueUnsettled,
    StorageFull,
    TooLarge,
    TwoQueues,
)
from bridge.core.errors.usage import (
    AmbiguousJob,
    AnswerRefused,
    BadBatch,
    BadOption,
    ConfigError,
    MissingExtra,
    PromptRefused,
    QueueExists,
    QueueNotFound,
    SecretFound,
    UnknownJob,
    UsageError,
    WrongState,
)

__all__ = [
    "AmbiguousJob",
    "AnswerRefused",
    "BadBatch",
    "BadOption",
    "BadRequest",
    "BridgeError",
    "ConfigError",
    "ContextExceeded",
    "DownloadDamaged",
    "DownloadFailed",
    "DownloadTooLarge",
    "DriveDenied",
    "DriveError",
    "DriveFileGone",
    "DriveUnreachable",
    "EngineDown",
    "EngineError",
    "IncompleteAnswer",
    "JobFailed",
    "JournalError",
    "JournalTooNew",
    "LockHeld",
    "MissingExtra",
    "ModelMissing",
    "NewerNotebook",
    "NotAQueue",
    "NotDelivered",
    "NotOnHub",
    "NotSignedIn",
    "NotSupported",
    "OutOfMemory",
    "Overloaded",
    "PromptRefused",
    "QueueChanged",
    "QueueError",
    "QueueExists",
    "QueueNotFound",
    "QueueNotWritable",
    "QueueUnreadable",
    "QueueUnsettled",
    "QuotaExhausted",
    "RateLimited",
    "Refused",
    "SecretFound",
    "ServiceFailed",
    "SignInFailed",
    "StorageFull",
    "StreamInterrupted",
    "TooLarge",
    "TwoQueues",
    "UnknownJob",
    "UsageError",
    "WaitTimedOut",
    "WrongState",
]
