-- Several nodes on one server.
--
-- Whoever writes locks this row first, so that one node writes at a time; on SQLite the file is locked, and nobody
-- looks at it.

CREATE TABLE writer (
    id         BIGINT  NOT NULL PRIMARY KEY,
    -- Counts the changes of the data keys: a node that has not seen one learns them before it seals anything.
    keys_turn  BIGINT  NOT NULL
);
INSERT INTO writer (id, keys_turn) VALUES (1, 0);
