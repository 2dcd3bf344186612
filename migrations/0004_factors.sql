-- What a login can pass with besides a phone, and what is told of it.
--
-- "state" is JSON of what is no secret: the hashes of codes (argon2id with a pepper that is not in this database in
-- clear), the time-based step that was used last, when a pass or a bypass ends. "secret" is the seed of time-based
-- codes, sealed.

CREATE TABLE factors (
    id            TEXT    NOT NULL PRIMARY KEY,
    user_id       TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    secret        TEXT,   -- sealed
    created_at    BIGINT  NOT NULL,
    last_used_at  BIGINT,
    ends_at       BIGINT
);
CREATE INDEX factors_by_user ON factors (user_id);
CREATE INDEX factors_by_end ON factors (ends_at) WHERE ends_at IS NOT NULL;

ALTER TABLE users ADD COLUMN last_sign_in_at BIGINT;
-- As far as that is known from before: his phones were used by signing in alone.
UPDATE users SET last_sign_in_at = (SELECT max(last_used_at) FROM devices WHERE devices.user_id = users.id);
-- By which factor other than a phone, or by which bypass, a challenge was approved.
ALTER TABLE challenges ADD COLUMN authenticator_id TEXT;
-- The phone of the same user that made an enrollment.
ALTER TABLE enrollments ADD COLUMN by_device TEXT;
-- Whose an administrator's key is.
ALTER TABLE admin_keys ADD COLUMN username TEXT;
-- A code was typed on the page before the login: {"method", "authenticator", "until"}.
ALTER TABLE connect_sessions ADD COLUMN opened TEXT;
ALTER TABLE connect_sessions ADD COLUMN wrong_passcodes BIGINT NOT NULL DEFAULT 0;

-- Notices of the account concern no gateway, and are not for the phone that did it.
ALTER TABLE notices RENAME TO notices_of_logins;
CREATE TABLE notices (
    id           TEXT    NOT NULL PRIMARY KEY,
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT    NOT NULL,
    gateway_id   TEXT,
    has_client   BOOLEAN NOT NULL,
    client_ip    TEXT,
    client_name  TEXT,
    but_device   TEXT,
    created_at   BIGINT  NOT NULL
);
INSERT INTO notices (id, user_id, kind, gateway_id, has_client, client_ip, client_name, but_device, created_at)
    SELECT id, user_id, kind, gateway_id, TRUE, client_ip, client_name, NULL, created_at FROM notices_of_logins;
DROP TABLE notices_of_logins;
CREATE INDEX notices_by_user ON notices (user_id, created_at);
CREATE INDEX notices_by_creation ON notices (created_at);
