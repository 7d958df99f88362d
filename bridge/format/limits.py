"""What is believed of values that come from outside, in one table, each with its reason.

A notebook may have been written by anybody: a person, a sync client, another version, an attacker. A value beyond its limit
costs the job that it belongs to (see fields.py), never a command.
"""

from __future__ import annotations

#: Levels of a JSON value inside a cell. Ours have at most 6, rich outputs about 20; Python falls over at 1,000.
DEPTH = 100
#: Counts: attempts, edits, rounds, dots. Beyond it JavaScript, so any Colab tab, rounds; SQLite holds 63 bits.
COUNT = 2**53 - 1
#: Years of moments: none of ours is older than the format, and SQLite and `timestamp()` are safe in between.
FIRST_YEAR, LAST_YEAR = 1970, 2199
#: Characters of a name: worker, model, digest, status. The longest that hubs give are about 150.
NAME_CHARS = 500
#: Characters of what a caller says of a job (key, caller) or a worker of a failure (message).
NOTE_CHARS = 10_000
#: Characters of a header line: far more than all options together need; `shlex` takes 1 s for a million.
HEADER_CHARS = 50_000
#: Characters of a sort key. Ours grow by one for each insertion at the same place, and begin anew with a move.
POSITION_CHARS = 1_000
#: Attempts that a cell lists, writers that a dot or a context names: a job has a handful, a queue some dozens.
ENTRIES = 10_000
#: Seconds and tokens of a run: three centuries.
AMOUNT = 1e10
#: Characters of an answer: ten times what a model gives; twice in its cell, it still leaves a notebook that Colab can save (10 MB).
ANSWER_CHARS = 1_000_000
#: Bytes of a notebook: Colab fails to save at 10 MB, ours stay at 4; a person's pictures need the rest.
NOTEBOOK_BYTES = 128_000_000
#: Seconds that a claim on a job holds, whatever it says: workers write 15 minutes, a day leaves room for slow machines.
LEASE_S = 86_400.0
#: Seconds that two machines' clocks may differ.
CLOCK_SKEW_S = 3_600.0
#: Second copies that are moved to forks/ within so many seconds: a machine that was away for a week leaves some dozens, two
#: programs that undo each other's work 14 a minute.
COPIES, COPIES_S = 120, 3_600.0
#: Seconds over which deletions are added up before they are believed.
DELETIONS_S = 86_400.0
