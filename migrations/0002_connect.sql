-- The connect page: sessions that show a number, and browsers that are bound to a user.
--
-- A session belongs to a name, whether or not somebody has it: the page of an unknown user must not differ.

CREATE TABLE connect_sessions (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    token_digest  TEXT    NOT NULL UNIQUE,
    browser_id    TEXT,
    address       TEXT    NOT NULL,
    -- What is counted together with the address: itself, or its IPv6 /64.
    block         TEXT    NOT NULL,
    hears         BOOLEAN NOT NULL,
    counted_at    BIGINT  NOT NULL,
    armed_at      BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    stage         TEXT    NOT NULL,
    challenge_id  TEXT,
    confirmed     BOOLEAN NOT NULL,
    told          BOOLEAN NOT NULL
);
CREATE INDEX connect_sessions_by_name ON connect_sessions (name) WHERE hears;
CREATE INDEX connect_sessions_by_block ON connect_sessions (block, counted_at) WHERE hears AND browser_id IS NULL;
CREATE INDEX connect_sessions_by_time ON connect_sessions (armed_at);

CREATE TABLE browsers (
    id            TEXT    NOT NULL PRIMARY KEY,
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_digest  TEXT    NOT NULL UNIQUE,
    client_names  TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    last_used_at  BIGINT  NOT NULL
);
CREATE INDEX browsers_by_user ON browsers (user_id);
