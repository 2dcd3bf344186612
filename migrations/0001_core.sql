-- The core: users, phones, gateways, keys, enrollments, challenges and the audit log.
--
-- Written in the words that SQLite and PostgreSQL share. Ids are UUIDv7 as text, times are microseconds since
-- the Unix epoch, lists are JSON text, and "sealed" means AES-256-GCM under the master key.

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,
    username      TEXT    NOT NULL UNIQUE,
    display_name  TEXT,
    email         TEXT,
    group_names   TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    locked        TEXT,
    counters      TEXT    NOT NULL,
    created_at    BIGINT  NOT NULL,
    -- Counts the writes to the account (user, phones, challenges); every write names the one it read.
    revision      BIGINT  NOT NULL
);

CREATE TABLE devices (
    id            TEXT    NOT NULL PRIMARY KEY,
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    thumbprint    TEXT    NOT NULL UNIQUE,
    public_key    TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    platform      TEXT,
    status        TEXT    NOT NULL,
    code          TEXT,   -- sealed
    wrong_tries   BIGINT  NOT NULL,
    push          TEXT,   -- sealed
    created_at    BIGINT  NOT NULL,
    last_used_at  BIGINT
);
CREATE INDEX devices_by_user ON devices (user_id);

CREATE TABLE gateways (
    id              TEXT    NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL,
    application     TEXT    NOT NULL,
    can_display     BOOLEAN NOT NULL,
    client_address  TEXT    NOT NULL,
    key_digest      TEXT    NOT NULL UNIQUE,
    created_at      BIGINT  NOT NULL
);

CREATE TABLE admin_keys (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    role        TEXT    NOT NULL,
    key_digest  TEXT    NOT NULL UNIQUE,
    created_at  BIGINT  NOT NULL
);

CREATE TABLE enrollments (
    id            TEXT    NOT NULL PRIMARY KEY,
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token_digest  TEXT    NOT NULL UNIQUE,
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL,
    used_at       BIGINT,
    -- Whether its maker may manage protected users.
    by_admin      BOOLEAN NOT NULL
);

CREATE TABLE challenges (
    id               TEXT    NOT NULL PRIMARY KEY,
    -- No reference: a challenge outlives its user and its gateway, for those who still ask how it ended.
    user_id          TEXT,
    username         TEXT    NOT NULL,
    gateway_id       TEXT    NOT NULL,
    client_ip        TEXT,
    client_name      TEXT,
    display          TEXT    NOT NULL,
    number           TEXT,   -- sealed
    methods          TEXT    NOT NULL,
    uv_required      BOOLEAN NOT NULL,
    rule             TEXT,
    sent_to          TEXT    NOT NULL,
    wrong_passcodes  BIGINT  NOT NULL,
    created_at       BIGINT  NOT NULL,
    expires_at       BIGINT  NOT NULL,
    state            TEXT    NOT NULL,
    state_at         BIGINT  NOT NULL,
    reason           TEXT,
    method           TEXT,
    device_id        TEXT,
    uv               TEXT,
    redemption_id    TEXT,
    result           TEXT
);
CREATE INDEX challenges_live_by_user ON challenges (user_id) WHERE state IN ('pending', 'approved');
CREATE INDEX challenges_live_by_end ON challenges (expires_at) WHERE state IN ('pending', 'approved');
CREATE INDEX challenges_by_creation ON challenges (created_at);

-- The signed challenge of each phone: the same bytes by push and by every fetch.
CREATE TABLE deliveries (
    challenge_id  TEXT    NOT NULL,
    device_id     TEXT    NOT NULL,
    signed        TEXT    NOT NULL,
    PRIMARY KEY (challenge_id, device_id)
);

-- The first answer to each Idempotency-Key.
CREATE TABLE repeats (
    gateway_id    TEXT    NOT NULL,
    repeat_key    TEXT    NOT NULL,
    body_digest   TEXT    NOT NULL,
    challenge_id  TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    reason        TEXT,
    created_at    BIGINT  NOT NULL,
    PRIMARY KEY (gateway_id, repeat_key)
);
CREATE INDEX repeats_by_creation ON repeats (created_at);

-- Proofs of possession that were used (all but those for GET).
CREATE TABLE spent_proofs (
    thumbprint  TEXT    NOT NULL,
    jti         TEXT    NOT NULL,
    spent_at    BIGINT  NOT NULL,
    PRIMARY KEY (thumbprint, jti)
);
CREATE INDEX spent_proofs_by_time ON spent_proofs (spent_at);

CREATE TABLE signing_keys (
    id           TEXT    NOT NULL PRIMARY KEY,
    purpose      TEXT    NOT NULL,
    public_key   TEXT    NOT NULL,
    private_key  TEXT    NOT NULL,  -- sealed
    status       TEXT    NOT NULL,
    created_at   BIGINT  NOT NULL
);

CREATE TABLE audit_events (
    id            TEXT    NOT NULL PRIMARY KEY,
    seq           BIGINT  UNIQUE,
    at            BIGINT  NOT NULL,
    type          TEXT    NOT NULL,
    actor         TEXT,
    username      TEXT,
    device        TEXT,
    gateway       TEXT,
    client        TEXT,
    outcome       TEXT,
    reason        TEXT,
    number_match  BOOLEAN,
    policy        TEXT,
    detail        TEXT,
    prev_hash     TEXT,
    hash          TEXT
);
CREATE INDEX audit_events_by_user ON audit_events (username, seq);
CREATE INDEX audit_events_by_type ON audit_events (type, seq);
