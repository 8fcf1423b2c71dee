-- What was typed and not sent, a row for each form that held some. What its author
-- discards stays for a while, so that they can take that back.
CREATE TABLE kept_copies (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- an undo names it: no other may have it later
    post_id      INTEGER NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    version      INTEGER NOT NULL, -- updated_at of the post when the form was opened
    saved_at     INTEGER NOT NULL,
    discarded_at INTEGER,          -- NULL: not at all, which holds for one copy of a post at most
    form_key     TEXT    NOT NULL, -- of the form that holds it
    title        TEXT    NOT NULL,
    content      TEXT    NOT NULL,
    UNIQUE (post_id, form_key)
) STRICT;

INSERT INTO kept_copies (post_id, version, saved_at, form_key, title, content)
SELECT post_id, version, saved_at, form_key, title, content
FROM working_copies;

DROP TABLE working_copies;
ALTER TABLE kept_copies RENAME TO working_copies;

CREATE UNIQUE INDEX working_copies_of_posts ON working_copies (post_id) WHERE discarded_at IS NULL;
CREATE INDEX working_copies_discarded ON working_copies (discarded_at) WHERE discarded_at IS NOT NULL;
