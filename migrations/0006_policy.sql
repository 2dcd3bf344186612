-- Policy: who is asked for what, and what is remembered for it.
--
-- Each version of the policy stays. Version 1 is what ships, and has no row: whoever never changed anything follows
-- what later versions of the program ship.

CREATE TABLE policies (
    version     BIGINT  NOT NULL PRIMARY KEY,
    profile     TEXT    NOT NULL,
    rules       TEXT    NOT NULL,  -- as they are written in the API
    created_at  BIGINT  NOT NULL,
    actor       TEXT    NOT NULL,
    comment     TEXT,
    changes     TEXT    NOT NULL   -- what is different from the version before, in words
);

-- From where somebody signs in as a rule, and which approvals of his may serve further logins: JSON.
ALTER TABLE users ADD COLUMN habits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN grants TEXT NOT NULL DEFAULT '{}';
-- Since when a phone may be asked.
ALTER TABLE devices ADD COLUMN active_since BIGINT;
UPDATE devices SET active_since = created_at WHERE status = 'active';
-- Where the client of a login is, to be remembered once the person is let in: JSON.
ALTER TABLE challenges ADD COLUMN origin TEXT;
