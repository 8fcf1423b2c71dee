-- The words of the posts that everybody may read, made in Go: folded, without
-- accents, separated by blanks. Newest first, because the newest are ranked.
CREATE VIRTUAL TABLE post_search USING fts4 (title, content, author, order=desc, prefix="1,2,3");

-- Posts whose words may have changed: every transaction that changes a post
-- brings the index up to date before its end. Triggers fill it, so that no
-- change can forget to, and without OR REPLACE or OR IGNORE: inside of an
-- upsert SQLite gives every statement of a trigger the upsert's own way with
-- conflicts.
CREATE TABLE changed_posts (
    place   INTEGER PRIMARY KEY,
    post_id INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER posts_inserted AFTER INSERT ON posts
WHEN new.published = 1 AND new.deleted_at IS NULL
BEGIN
    DELETE FROM changed_posts WHERE post_id = new.id;
    INSERT INTO changed_posts (post_id) VALUES (new.id);
END;

CREATE TRIGGER posts_updated AFTER UPDATE OF author_id, title, published, deleted_at, content_html ON posts
WHEN (old.published = 1 AND old.deleted_at IS NULL) OR (new.published = 1 AND new.deleted_at IS NULL)
BEGIN
    DELETE FROM changed_posts WHERE post_id = new.id;
    INSERT INTO changed_posts (post_id) VALUES (new.id);
END;

CREATE TRIGGER posts_deleted_for_good AFTER DELETE ON posts
WHEN old.published = 1 AND old.deleted_at IS NULL
BEGIN
    DELETE FROM changed_posts WHERE post_id = old.id;
    INSERT INTO changed_posts (post_id) VALUES (old.id);
END;

-- The users whom the directory shows: those with a name who may come in.
CREATE TABLE people (
    user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    search_key TEXT    NOT NULL CHECK (search_key <> '') -- name and username, folded
) STRICT;

CREATE INDEX people_key ON people (search_key, user_id);

-- As changed_posts.
CREATE TABLE changed_people (
    user_id INTEGER PRIMARY KEY
) STRICT;

CREATE TRIGGER users_inserted AFTER INSERT ON users
WHEN new.name IS NOT NULL OR new.username IS NOT NULL
BEGIN
    INSERT INTO changed_people (user_id)
    SELECT new.id WHERE NOT EXISTS (SELECT 1 FROM changed_people WHERE user_id = new.id);
END;

CREATE TRIGGER users_updated AFTER UPDATE OF name, username, banned, deprovisioned, deleted_at ON users
WHEN old.name IS NOT new.name OR old.username IS NOT new.username OR old.banned <> new.banned
    OR old.deprovisioned <> new.deprovisioned OR old.deleted_at IS NOT new.deleted_at
BEGIN
    INSERT INTO changed_people (user_id)
    SELECT new.id WHERE NOT EXISTS (SELECT 1 FROM changed_people WHERE user_id = new.id);
END;

-- One row: the version of what makes words of texts, and the posts that it has
-- not come to yet.
CREATE TABLE search_progress (
    version   INTEGER PRIMARY KEY,
    before_id INTEGER NOT NULL -- those with lower ids; 0: none
) STRICT;
