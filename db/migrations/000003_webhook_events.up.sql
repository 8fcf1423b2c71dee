-- Every verified webhook event once, stored together with its effect.
CREATE TABLE webhook_events (
    svix_id     TEXT    NOT NULL PRIMARY KEY CHECK (svix_id <> ''),
    type        TEXT    NOT NULL,
    clerk_id    TEXT,   -- of the user it is about
    outcome     TEXT    NOT NULL CHECK (outcome IN ('applied', 'stale', 'ignored', 'dead_letter')),
    error       TEXT,   -- why it is a dead letter
    received_at INTEGER NOT NULL,
    CHECK ((outcome = 'dead_letter') = (error IS NOT NULL))
) STRICT, WITHOUT ROWID;
