-- The console and the portal: who manages others, who is signed in there, and who is invited.

-- What somebody may do at the console: admin, helpdesk or auditor.
ALTER TABLE users ADD COLUMN role TEXT;
CREATE INDEX users_by_role ON users (role) WHERE role IS NOT NULL;

CREATE TABLE visits (
    id            TEXT    NOT NULL PRIMARY KEY,
    place         TEXT    NOT NULL,
    -- The name that was given, whether or not somebody has it: a knock for nobody must not differ.
    name          TEXT    NOT NULL,
    -- NULL while somebody knocks.
    user_id       TEXT    REFERENCES users (id) ON DELETE CASCADE,
    token_digest  TEXT    NOT NULL UNIQUE,
    address       TEXT    NOT NULL,
    challenge_id  TEXT,
    -- By what he was let in, and which phone or pass it was; NULL while he knocks.
    let_in_by         TEXT,
    authenticator_id  TEXT,
    proven_at     BIGINT,
    created_at    BIGINT  NOT NULL,
    seen_at       BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL
);
CREATE INDEX visits_by_user ON visits (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX visits_by_sight ON visits (seen_at);
CREATE INDEX visits_by_knock ON visits (expires_at) WHERE user_id IS NULL;

CREATE TABLE invitations (
    id            TEXT    NOT NULL PRIMARY KEY,
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    place         TEXT    NOT NULL,
    token_digest  TEXT    NOT NULL UNIQUE,
    -- Whether its maker may manage whoever is reserved to administrators.
    by_admin      BOOLEAN NOT NULL,
    created_at    BIGINT  NOT NULL,
    expires_at    BIGINT  NOT NULL
);
CREATE INDEX invitations_by_user ON invitations (user_id);
CREATE INDEX invitations_by_end ON invitations (expires_at);

-- What those who watch ask for: who is locked, which phones nobody has confirmed, and what happened at one gateway.
CREATE INDEX users_locked ON users (status, username) WHERE locked IS NOT NULL;
CREATE INDEX devices_unconfirmed ON devices (created_at) WHERE status = 'unconfirmed';
CREATE INDEX audit_events_by_gateway ON audit_events (gateway, seq) WHERE gateway IS NOT NULL;
