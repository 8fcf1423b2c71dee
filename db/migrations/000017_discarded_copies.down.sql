CREATE TABLE kept_copies (
    post_id  INTEGER PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
    form_key TEXT    NOT NULL, -- of the form that holds it
    version  INTEGER NOT NULL, -- updated_at of the post when that form was opened
    saved_at INTEGER NOT NULL,
    title    TEXT    NOT NULL,
    content  TEXT    NOT NULL
) STRICT;

INSERT INTO kept_copies (post_id, form_key, version, saved_at, title, content)
SELECT post_id, form_key, version, saved_at, title, content
FROM working_copies
WHERE discarded_at IS NULL;

DROP TABLE working_copies;
ALTER TABLE kept_copies RENAME TO working_copies;
