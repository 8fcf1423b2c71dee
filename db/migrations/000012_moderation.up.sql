-- A post that a moderator has hidden is published to nobody. Its author and the
-- moderators see why.
ALTER TABLE posts ADD COLUMN hidden_at INTEGER CHECK (hidden_at IS NULL OR (hidden_at > 0 AND published = 0));
ALTER TABLE posts ADD COLUMN hidden_by INTEGER REFERENCES users (id) CHECK ((hidden_by IS NULL) = (hidden_at IS NULL));
ALTER TABLE posts ADD COLUMN hidden_reason TEXT CHECK ((hidden_reason IS NULL) = (hidden_at IS NULL));

-- What readers have said of posts and no moderator has decided on: a decision
-- removes it.
CREATE TABLE reports (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: the queue is read by it
    post_id     INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    reporter_id INTEGER NOT NULL REFERENCES users (id),
    kind        TEXT    NOT NULL CHECK (kind IN ('spam', 'abuse', 'illegal', 'other')),
    text        TEXT    NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    UNIQUE (post_id, reporter_id)
) STRICT;

-- Each act of a moderator, written together with what it does.
CREATE TABLE moderation_log (
    id         INTEGER PRIMARY KEY,
    act        TEXT    NOT NULL CHECK (act IN ('hide', 'unhide', 'dismiss', 'delete', 'undelete', 'ban', 'unban')),
    by_id      INTEGER NOT NULL REFERENCES users (id),
    user_id    INTEGER NOT NULL REFERENCES users (id), -- whom it concerns: the author of the post
    post_id    INTEGER, -- may be purged by now; NULL: the act is about the user
    title      TEXT,    -- of the post at that time
    reason     TEXT,
    reports    INTEGER NOT NULL DEFAULT 0 CHECK (reports >= 0), -- how many were decided on
    created_at INTEGER NOT NULL,
    CHECK ((post_id IS NULL) = (act IN ('ban', 'unban')))
) STRICT;

CREATE INDEX moderation_log_user ON moderation_log (user_id);
