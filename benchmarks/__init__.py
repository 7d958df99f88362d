"""How fast the queue is, beside the libraries that one would use instead.

    python -m benchmarks            # one table, about two minutes
    python -m benchmarks --json     # one object: {"machine": …, "rows": [{"name", "cells", "ours_ms", "peer", …}]}
    python -m benchmarks --full     # also what takes minutes: nbdime on 10,000 cells, full-size archives

How to read it. Each row is one thing that a user waits for. *ours* and *peer* are medians of several runs in the same
process, one after the other, after a warm-up (none where one run takes seconds) and with a garbage collection before each
run; *ratio* is peer divided by ours. On a shared machine single times differ by a third from run to run; the ratios differ
less. A target is one that the project has set itself; a row that misses it says so, and the exit code is 1.

What is compared. *add one*: `Bridge.add`, which takes the lock, looks for changes, commits to the journal (fsync) and
writes the notebook (fsync, rename), against nbformat's read, append and write of the same notebook, which does none of
that. "in parts" is the queue as it is by default, at most 400 jobs a notebook; "in one file" has all cells in one notebook,
as nbformat has. *merge*: bytes in, bytes out, one side appends ten jobs, the other fills ten answers. In *merge a saved
version* our side is rows of the journal in memory (each cell as bytes, with id, dots and position), the other a file; in *merge
two files* both are files that nobody has read. nbdime reads base, local and remote, merges and writes; its merging alone stands
in the note. *the floor* is decoding both files with orjson. These rows are least processor times of runs in turns, so that
other work on the machine matters little.

The data. Prompts of 1.5 kB, answers of 4 kB which stand in the cell twice, as Markdown and as plain text, as in real cells.
"""
