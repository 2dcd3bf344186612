-- What is forgotten when its time is over, and what goes with its user, is found without reading all of it.

CREATE INDEX enrollments_by_user ON enrollments (user_id);
CREATE INDEX enrollments_by_end ON enrollments (expires_at);
CREATE INDEX browsers_by_end ON browsers (expires_at);
