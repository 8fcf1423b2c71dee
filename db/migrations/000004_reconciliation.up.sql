-- What was delivered is searched, and a dead letter tried again.
ALTER TABLE webhook_events ADD COLUMN body TEXT CHECK (body IS NULL OR (outcome = 'dead_letter' AND substr(type, 1, 5) = 'user.'));
CREATE INDEX webhook_events_newest ON webhook_events (received_at DESC, svix_id DESC, outcome, type, clerk_id);
CREATE INDEX webhook_events_body ON webhook_events (clerk_id) WHERE body IS NOT NULL;

-- Sessions that are over although their token may be good for a minute yet.
CREATE TABLE ended_sessions (
    session_id TEXT    NOT NULL PRIMARY KEY CHECK (session_id <> ''),
    ended_at   INTEGER NOT NULL -- when that was heard
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_sessions_ended ON ended_sessions (ended_at);

-- One row for each comparison of the users with Clerk's.
CREATE TABLE syncs (
    id          INTEGER PRIMARY KEY,
    instance    TEXT    NOT NULL, -- whose users they are: the host of Clerk's Frontend API
    started_at  INTEGER NOT NULL,
    finished_at INTEGER CHECK (finished_at > 0), -- NULL: under way, or interrupted
    cursor      TEXT    NOT NULL DEFAULT '',     -- of the last page that is stored
    checked     INTEGER NOT NULL DEFAULT 0,      -- users that Clerk has
    added       INTEGER NOT NULL DEFAULT 0,      -- of them: had no row
    changed     INTEGER NOT NULL DEFAULT 0,      -- of them: had a row that said something else
    deleted     INTEGER NOT NULL DEFAULT 0,      -- users that Clerk has not any more
    error       TEXT                             -- why it was broken off
) STRICT;

ALTER TABLE users ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0; -- by such a comparison; 0: never
