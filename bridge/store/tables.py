"""The journal's tables, as SQL. A change here needs a step in migrations.py, and a higher `VERSION`."""

#: Stored in SQLite's user_version.
VERSION = 5

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A notebook of the queue. rev counts changes of its content here; a file that shows an older rev lags behind.
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,             -- part | archive
    number INTEGER NOT NULL,        -- of the part; 0 for an archive
    name TEXT NOT NULL UNIQUE,      -- relative to the queue's folder
    own INTEGER NOT NULL,           -- 1: this journal writes it (always so for parts)
    context TEXT NOT NULL DEFAULT '{}',
    extras TEXT NOT NULL DEFAULT '{}',
    rev INTEGER NOT NULL DEFAULT 1
);

-- One cell. place 0: no longer in any notebook (its dots are still needed to know a stale copy by).
CREATE TABLE cell (
    id TEXT NOT NULL,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,             -- job | note
    position TEXT NOT NULL,
    dots TEXT NOT NULL,
    raw BLOB NOT NULL,              -- as it stands in the notebook, indented
    size INTEGER NOT NULL,          -- bytes it is expected to take when its answer is there
    state TEXT,                     -- of a job, leases aside
    lease_until TEXT, lease_worker TEXT, lease_attempt INTEGER, -- of a claim that is not over
    caller TEXT, key TEXT, model TEXT, lang TEXT, priority INTEGER, parent TEXT,
    created_at TEXT, finished_at TEXT, seconds REAL,
    answer TEXT,                    -- names the result that counts
    problem TEXT,                   -- why its header or result is not believed
    signer TEXT,                    -- the key that its answer names as its signature's; NULL: none
    batch TEXT,                     -- name of the group that the job was added with
    PRIMARY KEY (place, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX cell_job ON cell (id) WHERE kind = 'job';
CREATE INDEX cell_room ON cell (place, kind, size);
-- All that is counted, sorted or claimed by: reading it from the rows themselves would read every prompt and answer.
CREATE INDEX cell_state ON cell (
    state, created_at, position, place, kind, lease_until, lease_worker, lease_attempt, priority, model, caller, batch, parent, answer, signer
);
CREATE INDEX cell_batch ON cell (batch) WHERE batch IS NOT NULL;
CREATE INDEX cell_parent ON cell (parent) WHERE parent IS NOT NULL;

-- How far the answer of a job has come: one row for each answer that was checked.
CREATE TABLE handling (
    job TEXT NOT NULL, answer TEXT NOT NULL, verdict TEXT, level TEXT, checked_at TEXT NOT NULL,
    delivered_at TEXT, delivered_to TEXT,
    payload BLOB,                       -- what the caller gets; NULL: lost with an older journal
    restored INTEGER NOT NULL DEFAULT 0, -- 1: known from an archive or an outbox only; no channel sends it again
    PRIMARY KEY (job, answer)
) WITHOUT ROWID;
CREATE TABLE delivery (
    job TEXT NOT NULL, answer TEXT NOT NULL, channel TEXT NOT NULL,
    done_at TEXT, tries INTEGER NOT NULL, next_at TEXT, error TEXT, PRIMARY KEY (job, answer, channel)
) WITHOUT ROWID;

-- What `bridge apply` wrote, by absolute path: anything else in a file is somebody's own work.
CREATE TABLE applied (path TEXT PRIMARY KEY, sha256 TEXT NOT NULL, job TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;

-- Every result ever seen, also those that lost.
CREATE TABLE result (
    job TEXT NOT NULL, digest TEXT NOT NULL, output BLOB NOT NULL, seen_at TEXT NOT NULL,
    PRIMARY KEY (job, digest)
) WITHOUT ROWID;

-- Every content that a cell ever had, by digest: tells a stale copy from a fresh edit.
CREATE TABLE history (
    cell TEXT NOT NULL, digest TEXT NOT NULL, edit INTEGER NOT NULL, PRIMARY KEY (cell, digest)
) WITHOUT ROWID;

-- Ids that editors gave to cells which were adopted under another.
CREATE TABLE alias (native TEXT PRIMARY KEY, cell TEXT NOT NULL) WITHOUT ROWID;

-- What was last seen of each file: its content's hash, its stamp, and the rev that it shows (0: older than all).
CREATE TABLE seen (
    path TEXT PRIMARY KEY, place INTEGER NOT NULL, hash TEXT NOT NULL,
    size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    loose INTEGER NOT NULL, loose_jobs INTEGER NOT NULL  -- cells that were not adopted yet, and prompts among them
) WITHOUT ROWID;

-- Versions that would have cancelled most open jobs at once.
CREATE TABLE doubt (place INTEGER NOT NULL, job TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (place, job)) WITHOUT ROWID;
"""
