-- What the phones of a user are told that needs no answer.

CREATE TABLE notices (
    id           TEXT    NOT NULL PRIMARY KEY,
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         TEXT    NOT NULL,
    gateway_id   TEXT    NOT NULL,
    client_ip    TEXT,
    client_name  TEXT,
    created_at   BIGINT  NOT NULL
);
CREATE INDEX notices_by_user ON notices (user_id, created_at);
CREATE INDEX notices_by_creation ON notices (created_at);
