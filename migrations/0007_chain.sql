-- The chain of the audit log: what was signed of it, and how far who has read it.
--
-- Events that are older than this get their hashes at the first start (server/src/store/sqlite/chain.rs).

-- What the log ended in at some time, signed.
CREATE TABLE audit_checkpoints (
    size     BIGINT  NOT NULL PRIMARY KEY,
    head     TEXT    NOT NULL,
    signed   TEXT    NOT NULL,
    key_id   TEXT    NOT NULL,
    made_at  BIGINT  NOT NULL
);

-- The beginnings of the log that were removed, signed: the rest begins after the event "size".
CREATE TABLE audit_beginnings (
    size        BIGINT  NOT NULL PRIMARY KEY,
    head        TEXT    NOT NULL,
    signed      TEXT    NOT NULL,
    removed_at  BIGINT  NOT NULL
);

-- Up to which event those have it who are sent the log.
CREATE TABLE audit_cursors (
    name  TEXT    NOT NULL PRIMARY KEY,
    seq   BIGINT  NOT NULL
);

-- Those that have none yet, so that it is known at once that there are none.
CREATE INDEX audit_events_unchained ON audit_events (seq) WHERE hash IS NULL;
