-- The keys that secrets are sealed under: each a random key, sealed under the master key.
--
-- From here on "sealed" in the other files means under one of these: `v2.<number>.<text>`. What begins with `v1.` is
-- older, and sealed under the master key itself. `sealed` holds two texts, with a space between them, while a new
-- master key waits for the server's next start.

CREATE TABLE vault_keys (
    number      INTEGER NOT NULL PRIMARY KEY,
    sealed      TEXT    NOT NULL,
    status      TEXT    NOT NULL,  -- active (one, the highest number), retiring
    created_at  BIGINT  NOT NULL
);
