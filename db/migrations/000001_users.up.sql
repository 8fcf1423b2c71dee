-- A row is who Clerk says a user is. Times are Unix milliseconds.
CREATE TABLE users (
    id               INTEGER PRIMARY KEY,
    clerk_id         TEXT    NOT NULL UNIQUE CHECK (clerk_id <> ''),
    email            TEXT,   -- not unique: two accounts may share an address
    email_verified   INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
    username         TEXT,
    first_name       TEXT,
    last_name        TEXT,
    name             TEXT    CHECK (name <> ''),
    image_url        TEXT    CHECK (image_url <> ''),
    role             TEXT    NOT NULL DEFAULT 'member' CHECK (role IN ('member', 'moderator', 'admin')),
    banned           INTEGER NOT NULL DEFAULT 0 CHECK (banned IN (0, 1)),
    locked           INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1)),
    deprovisioned    INTEGER NOT NULL DEFAULT 0 CHECK (deprovisioned IN (0, 1)),
    clerk_created_at INTEGER NOT NULL DEFAULT 0,
    -- What Clerk last said, in order of weight: the version key of the row.
    clerk_updated_at INTEGER NOT NULL DEFAULT 0, -- 0: nothing is known yet
    event_at         INTEGER NOT NULL DEFAULT 0,
    event_rank       INTEGER NOT NULL DEFAULT 0 CHECK (event_rank BETWEEN 0 AND 2),
    event_id         TEXT    NOT NULL DEFAULT '',
    deleted_at       INTEGER CHECK (deleted_at > 0), -- NULL: live; else for good
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT;
