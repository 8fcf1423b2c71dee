-- What users say of themselves. A user who has said nothing has no row.
CREATE TABLE profiles (
    user_id        INTEGER PRIMARY KEY REFERENCES users (id),
    quote          TEXT    NOT NULL DEFAULT '',
    quote_by       TEXT    NOT NULL DEFAULT '', -- who said it; '': the user does not say
    bio_updated_at INTEGER NOT NULL DEFAULT 0,  -- 0: no bio was ever written
    render_version INTEGER NOT NULL DEFAULT 0,  -- of the renderer that made bio_html
    bio            TEXT    NOT NULL DEFAULT '', -- Markdown
    bio_html       TEXT    NOT NULL DEFAULT '', -- sanitised
    CHECK (quote <> '' OR quote_by = '')
) STRICT;

CREATE INDEX posts_of_author ON posts (author_id, published_at DESC, id DESC) WHERE published = 1 AND deleted_at IS NULL;
