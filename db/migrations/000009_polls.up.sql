-- A post may ask one question.
CREATE TABLE polls (
    post_id   INTEGER PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
    question  TEXT    NOT NULL CHECK (length(question) BETWEEN 1 AND 200),
    closes_at INTEGER CHECK (closes_at > 0) -- NULL: never
) STRICT;

-- The order of the ids is the author's.
CREATE TABLE poll_options (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: an old page cannot vote for what it does not show
    post_id INTEGER NOT NULL REFERENCES polls (post_id) ON DELETE CASCADE,
    label   TEXT    NOT NULL CHECK (length(label) BETWEEN 1 AND 100),
    votes   INTEGER NOT NULL DEFAULT 0 CHECK (votes >= 0), -- kept by the triggers below
    UNIQUE (post_id, id),
    UNIQUE (post_id, label)
) STRICT;

-- One vote of a user in a poll.
CREATE TABLE votes (
    post_id   INTEGER NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    option_id INTEGER NOT NULL,
    voted_at  INTEGER NOT NULL,
    PRIMARY KEY (post_id, user_id),
    FOREIGN KEY (post_id, option_id) REFERENCES poll_options (post_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX votes_option ON votes (post_id, option_id);
CREATE INDEX votes_user ON votes (user_id);

-- Whatever changes votes changes the counts with them.
CREATE TRIGGER votes_inserted AFTER INSERT ON votes BEGIN
    UPDATE poll_options SET votes = votes + 1 WHERE id = new.option_id;
END;

CREATE TRIGGER votes_deleted AFTER DELETE ON votes BEGIN
    UPDATE poll_options SET votes = votes - 1 WHERE id = old.option_id;
END;

CREATE TRIGGER votes_updated AFTER UPDATE OF option_id ON votes BEGIN
    UPDATE poll_options SET votes = votes - 1 WHERE id = old.option_id;
    UPDATE poll_options SET votes = votes + 1 WHERE id = new.option_id;
END;
