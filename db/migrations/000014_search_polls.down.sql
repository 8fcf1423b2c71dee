DROP TRIGGER questions_changed;
DROP TRIGGER options_deleted;
DROP TRIGGER options_renamed;
DROP TRIGGER options_inserted;
DROP TRIGGER posts_deleted_for_good;
DROP TRIGGER posts_updated;
DROP TRIGGER posts_inserted;

ALTER TABLE changed_posts RENAME TO new_changed_posts;

CREATE TABLE changed_posts (
    place   INTEGER PRIMARY KEY,
    post_id INTEGER NOT NULL UNIQUE
) STRICT;

INSERT INTO changed_posts (place, post_id) SELECT max(place), post_id FROM new_changed_posts GROUP BY post_id;

DROP TABLE new_changed_posts;

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
