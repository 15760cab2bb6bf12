"""The tables of the ledger's file.

``bodies`` keeps texts apart from what answers show, so that summaries read short rows
only. ``pending`` is a queue: a change enters it once for every generation kept and leaves
it when it is marked, so that asking what is to do costs the same at any size. Its
``change`` numbers give the order and are never used twice. ``languages`` counts live
documents, so that counting them reads a row or two. A dead letter that was dropped is kept,
off the list: its version must not count as indexed.

A lease's ``beat`` grows with every renewal, so that who watches it sees it live; the row
outlives its holder (holder ''), for its fence must never fall.
"""

FORMAT = 4

_SINCE_2 = """
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    ttl_s REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE audit (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    collection TEXT NOT NULL,
    generation TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_collection ON audit (collection, key);
"""

_SINCE_4 = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    administers INTEGER NOT NULL,
    digest TEXT NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
"""

UPGRADES = {
    1: f"ALTER TABLE dead_letters ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0; {_SINCE_2}",
    2: "ALTER TABLE generations ADD COLUMN build TEXT NOT NULL DEFAULT '';",
    3: _SINCE_4,
}
"""By the format that a file has: what brings it to the next."""

SCHEMA = f"""
CREATE TABLE collections (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    language TEXT NOT NULL,
    created_at TEXT NOT NULL,
    fields TEXT NOT NULL,
    live INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE languages (
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    language TEXT NOT NULL,
    documents INTEGER NOT NULL,
    PRIMARY KEY (collection, language)
) WITHOUT ROWID;
CREATE TABLE generations (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    build TEXT NOT NULL DEFAULT '',
    UNIQUE (collection, id)
);
CREATE TABLE documents (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    hash BLOB NOT NULL,
    updated_at TEXT NOT NULL,
    title BLOB NOT NULL,
    url BLOB NOT NULL,
    language TEXT NOT NULL,
    metadata TEXT NOT NULL,
    principals TEXT NOT NULL,
    UNIQUE (collection, id)
);
CREATE TABLE bodies (
    document INTEGER PRIMARY KEY REFERENCES documents(key) ON DELETE CASCADE,
    text BLOB NOT NULL,
    outline TEXT NOT NULL
);
CREATE TABLE pending (
    change INTEGER PRIMARY KEY AUTOINCREMENT,
    generation INTEGER NOT NULL REFERENCES generations(key) ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    UNIQUE (generation, document)
);
CREATE INDEX pending_by_change ON pending (generation, change);
CREATE INDEX pending_by_document ON pending (document);
CREATE TABLE dead_letters (
    generation INTEGER NOT NULL REFERENCES generations(key) ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, document)
) WITHOUT ROWID;
CREATE INDEX dead_letters_by_document ON dead_letters (document);
{_SINCE_2}
{_SINCE_4}
"""
