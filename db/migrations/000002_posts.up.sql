-- Long columns stand last, so that a feed need not read over them.
CREATE TABLE posts (
    id             INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again, also after a purge
    author_id      INTEGER NOT NULL REFERENCES users (id),
    title          TEXT    NOT NULL,
    title_key      TEXT    NOT NULL DEFAULT '', -- the title in NFC, case-folded; '': untitled
    published      INTEGER NOT NULL DEFAULT 0 CHECK (published IN (0, 1)),
    views          INTEGER NOT NULL DEFAULT 0 CHECK (views >= 0),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    published_at   INTEGER CHECK (published_at > 0), -- the first publication; NULL before
    deleted_at     INTEGER CHECK (deleted_at > 0),
    deleted_by     INTEGER REFERENCES users (id), -- who may undo it; NULL: nobody
    form_key       TEXT,    -- tells a form sent twice from two forms
    render_version INTEGER NOT NULL DEFAULT 0, -- of the renderer that made excerpt and content_html
    excerpt        TEXT    NOT NULL DEFAULT '', -- plain text
    content        TEXT    NOT NULL, -- Markdown
    content_html   TEXT    NOT NULL DEFAULT '', -- sanitised
    CHECK (published = 0 OR (title <> '' AND published_at IS NOT NULL)),
    CHECK (deleted_by IS NULL OR deleted_at IS NOT NULL)
) STRICT;

-- One row: the version of the renderer that no post is older than. It spares a
-- start to read over all posts, and every new post an index.
CREATE TABLE renderings (
    version INTEGER PRIMARY KEY
) STRICT;

CREATE UNIQUE INDEX posts_title ON posts (author_id, title_key) WHERE deleted_at IS NULL AND title_key <> '';
CREATE INDEX posts_feed ON posts (published_at DESC, id DESC) WHERE published = 1 AND deleted_at IS NULL;
CREATE INDEX posts_author ON posts (author_id, published, updated_at DESC, id DESC);
CREATE INDEX posts_form ON posts (author_id, form_key) WHERE form_key IS NOT NULL;
CREATE INDEX posts_deleted ON posts (deleted_at) WHERE deleted_at IS NOT NULL;
