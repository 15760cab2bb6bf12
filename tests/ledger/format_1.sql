BEGIN TRANSACTION;
CREATE TABLE bodies (
    document INTEGER PRIMARY KEY REFERENCES documents(key) ON DELETE CASCADE,
    text BLOB NOT NULL,
    outline TEXT NOT NULL
);
INSERT INTO "bodies" VALUES(1,X'74657874206F662061','[]');
INSERT INTO "bodies" VALUES(2,X'74657874','[]');
INSERT INTO "bodies" VALUES(3,X'74657874','[]');
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
INSERT INTO "collections" VALUES(1,'books','en','2026-11-21T17:51:25.306948+00:00','{"year": "integer"}',1,3,1);
CREATE TABLE dead_letters (
    generation INTEGER NOT NULL REFERENCES generations(key) ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (generation, document)
) WITHOUT ROWID;
INSERT INTO "dead_letters" VALUES(1,2,1,'odd','2026-01-01T00:00:00+00:00');
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
INSERT INTO "documents" VALUES(1,1,'a',1,0,X'E526170FD314848DDE71C0EEE64B864C8DB0CCFADE8F1D09186F88C44138E051','2026-11-21T17:51:25.335485+00:00',X'',X'','en','{"year": 1999}','[]');
INSERT INTO "documents" VALUES(2,1,'b',1,0,X'2CCB150AD2D7B37446DC59DEA0433E7229E6B2CF381C3BF2EF4CB3AE73B1A0BA','2026-11-21T17:51:25.335485+00:00',X'',X'','','{}','[]');
INSERT INTO "documents" VALUES(3,1,'c',1,0,X'2CCB150AD2D7B37446DC59DEA0433E7229E6B2CF381C3BF2EF4CB3AE73B1A0BA','2026-11-21T17:51:25.335485+00:00',X'',X'','','{}','[]');
INSERT INTO "documents" VALUES(4,1,'d',2,1,X'','2026-11-21T17:51:25.361250+00:00',X'',X'','','{}','[]');
CREATE TABLE generations (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (collection, id)
);
INSERT INTO "generations" VALUES(1,1,'g1','{"encoder": null, "chunker": {"max_tokens": 64, "overlap_tokens": 8, "max_characters": 2000, "version": 1}, "analyzers": "1"}','live','2026-11-21T17:51:25.306984+00:00');
CREATE TABLE languages (
    collection INTEGER NOT NULL REFERENCES collections(key) ON DELETE CASCADE,
    language TEXT NOT NULL,
    documents INTEGER NOT NULL,
    PRIMARY KEY (collection, language)
) WITHOUT ROWID;
INSERT INTO "languages" VALUES(1,'',2);
INSERT INTO "languages" VALUES(1,'en',1);
CREATE TABLE pending (
    change INTEGER PRIMARY KEY AUTOINCREMENT,
    generation INTEGER NOT NULL REFERENCES generations(key) ON DELETE CASCADE,
    document INTEGER NOT NULL REFERENCES documents(key) ON DELETE CASCADE,
    UNIQUE (generation, document)
);
INSERT INTO "pending" VALUES(3,1,3);
INSERT INTO "pending" VALUES(5,1,4);
CREATE INDEX pending_by_change ON pending (generation, change);
CREATE INDEX pending_by_document ON pending (document);
CREATE INDEX dead_letters_by_document ON dead_letters (document);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('collections',1);
INSERT INTO "sqlite_sequence" VALUES('generations',1);
INSERT INTO "sqlite_sequence" VALUES('documents',5);
INSERT INTO "sqlite_sequence" VALUES('pending',5);
COMMIT;
PRAGMA user_version = 1;
