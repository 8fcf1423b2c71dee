-- The key of the form that saved the draft last without being told to; NULL when
-- somebody pressed a button since.
ALTER TABLE posts ADD COLUMN autosaved_by TEXT;

-- What was typed into the form of a published post and not sent. Nobody but the
-- author of the post sees it.
CREATE TABLE working_copies (
    post_id  INTEGER PRIMARY KEY REFERENCES posts (id) ON DELETE CASCADE,
    form_key TEXT    NOT NULL, -- of the form that holds it
    version  INTEGER NOT NULL, -- updated_at of the post when that form was opened
    saved_at INTEGER NOT NULL,
    title    TEXT    NOT NULL,
    content  TEXT    NOT NULL
) STRICT;
